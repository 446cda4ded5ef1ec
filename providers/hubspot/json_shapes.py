"""Reading JSON whose shape nobody promises: what is not as documented reads as absent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """Return the value when it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects of a list; of anything else nothing."""
    yield from (one for one in (value if isinstance(value, list) else ()) if isinstance(one, Mapping))


def words(value: Any) -> list[str]:
    """Return a text, or the texts of a list, as a list of texts; of anything else nothing."""
    found = [value] if isinstance(value, str) else value if isinstance(value, list) else ()
    return [str(one) for one in found if isinstance(one, (str, int))]
