"""Six CRMs that are wrong on purpose, each in one way: the contract suite has to notice every one of them."""
