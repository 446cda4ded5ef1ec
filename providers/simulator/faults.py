"""The fault menu: what a simulated vendor can be told to do wrong, to which requests, and how often."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

KINDS = {
    "status": "answers `status` with the vendor's error body",
    "rate_limited": "answers as the vendor does when the quota is used up; `seconds` is what it asks to wait",
    "hang": "accepts the request and does not answer for `seconds`, then breaks off",
    "drop": "breaks the connection instead of answering",
    "reset": "resets the connection (TCP RST) instead of answering",
    "delay": "answers properly, but `seconds` late",
    "slow": "answers properly, one byte every `seconds`",
    "cut": "breaks the connection in the middle of an answer",
    "html": "answers 200 with a web page",
    "empty": "answers 200 with nothing",
    "garbage": "answers 200 with half a JSON document",
    "error_in_200": "answers 200 with the vendor's error body",
    "partial": "does a batch in part: every second item is refused, where the vendor can tell so item by item",
    "expire": "ends every access token of an app before it looks at the request",
    "echo": "answers `status` with the vendor's error body, which repeats the secrets in its message",
}


WORDS = ("message", "ExceptionMessage")  # where the vendors' error bodies speak to people


def with_words(body: Any, words: str) -> Any:
    """Return an error body that says these words as well, wherever it says something."""
    if isinstance(body, (str, bytes)):
        return f"{body if isinstance(body, str) else body.decode()} {words}"
    if isinstance(body, list):
        return [with_words(one, words) for one in body]
    if isinstance(body, Mapping):
        return {
            name: with_words(value, words) if name in WORDS or isinstance(value, (list, Mapping)) else value
            for name, value in body.items()
        }
    return body


@dataclass
class Fault:
    """One thing to go wrong.

    `match` is a regular expression on "METHOD /path", tried from the start. `times` None is for ever. `share` is the part of the matching
    requests that it hits. With `after_write` the request takes effect first and only its answer is spoiled. `headers` are those that the
    answer has besides, such as `{"Retry-After": "7"}`; None takes away one that the vendor sends.
    """

    kind: str
    match: str = ""
    times: int | None = 1
    share: float = 1.0
    after_write: bool = False
    status: int = 500
    seconds: float = 60.0
    headers: Mapping[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a kind that is not on the menu, an expression that cannot be read, and headers that are none."""
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is not one of {', '.join(KINDS)}")
        try:
            re.compile(self.match)
        except re.error as error:
            raise ValueError(f"match {self.match!r} is not a regular expression: {error}") from error
        told: object = self.headers
        if not isinstance(told, Mapping) or not all(_is_header(*one) for one in told.items()):
            raise ValueError("headers must be names with texts of one line, or with null")

    @classmethod
    def from_json(cls, wanted: Mapping[str, Any]) -> Fault:
        """Return the fault that a JSON object describes. Raises `ValueError` for a key or a value that is not known."""
        known = {one.name for one in fields(cls)}
        if unknown := set(wanted) - known:
            raise ValueError(f"unknown {', '.join(sorted(unknown))}; a fault has {', '.join(sorted(known))}")
        if "kind" not in wanted:
            raise ValueError(f"kind is missing; it is one of {', '.join(KINDS)}")
        return cls(**wanted)

    def hits(self, request_line: str, chance: random.Random) -> bool:
        """Return whether the fault strikes this request, and count it."""
        if self.times == 0 or not re.match(self.match, request_line):
            return False
        if self.share < 1.0 and chance.random() >= self.share:
            return False
        if self.times is not None:
            self.times -= 1
        return True


def _is_header(name: object, value: object) -> bool:
    return all(isinstance(text, str) and text.isprintable() for text in (name, value or ""))
