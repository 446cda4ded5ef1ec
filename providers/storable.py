"""Text as a database takes it: PostgreSQL refuses NUL characters and the halves of a surrogate pair."""

from __future__ import annotations

import re
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")  # JSON's "\ud83d" without its other half reads as one of these


def fit_for_storage(text: str) -> str:
    """Return the text without NUL characters, and with U+FFFD for each half of a surrogate pair."""
    return _HALF.sub("\ufffd", text.replace("\x00", ""))


def json_fit_for_storage(value: Any) -> Any:
    """Return parsed JSON with every text in it, names too, fit for storage."""
    if isinstance(value, str):
        return fit_for_storage(value)
    if isinstance(value, list):
        return [json_fit_for_storage(one) for one in value]
    if isinstance(value, dict):
        return {fit_for_storage(name): json_fit_for_storage(one) for name, one in value.items()}
    return value
