"""Seven CRMs that are wrong on purpose, each in one way: the contract suite has to notice every one of them."""

from __future__ import annotations

WRONG = {
    "right": "Right",
    "creates_twice": "CreatesTwice",
    "ignores_the_key": "IgnoresTheKey",
    "drops_a_field": "DropsAField",
    "skips_a_page": "SkipsAPage",
    "lists_without_keys": "ListsWithoutKeys",
    "accepts_a_forgery": "AcceptsAForgery",
    "leaks_a_secret": "LeaksASecret",
}
