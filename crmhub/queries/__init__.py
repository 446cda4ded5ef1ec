"""Every read that is more than a look by id: what lists, pages and filters are made of."""

from __future__ import annotations
