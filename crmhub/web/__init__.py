"""Pages beside the admin and the API: whether the hub is well, and where CRMs send staff back to."""
