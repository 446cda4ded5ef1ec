"""Taking secrets out of what is kept or shown."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

SHORTEST_IN_BASE64 = (
    8  # characters of a secret; what is left of a shorter one would also be found where it is not
)

# What the two sides of OAuth call their secrets (RFC 6749, RFC 7636), in snake and in camel case.
_SENT = frozenset({"client_secret", "code", "code_verifier", "refresh_token", "access_token", "token"})
_TOLD = re.compile(r'"(?:access|refresh|id)_?token"\s*:\s*"((?:[^"\\]|\\.)+)', re.IGNORECASE)


def secrets_in_form(body: bytes) -> tuple[str, ...]:
    """Return what stands in a web form under the names that OAuth gives to its secrets."""
    pairs = parse_qsl(body.decode("utf-8", "replace"))
    return tuple(value for name, value in pairs if re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower() in _SENT)


def tokens_in_answer(body: bytes) -> tuple[str, ...]:
    """Return the tokens that a body brings, be it whole JSON or the beginning of it, as they will be sent."""
    if b"oken" not in body:  # nearly every answer: the rest is not looked through
        return ()
    return tuple(_unescaped(told) for told in _TOLD.findall(body.decode("utf-8", "replace")))


def _unescaped(told: str) -> str:
    """Return what stands between the quotes of a JSON text; as it is where that is broken off."""
    try:
        return str(json.loads(f'"{told}"', strict=False))
    except ValueError:
        return told


class Redactor:
    """Replaces secrets in a text by dots, also as URLs, JSON, Python's messages and basic credentials spell them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Take the secrets; texts of fewer than four characters are not secrets and would shred every body."""
        # As it was pasted, and as it is sent: without the blanks or the line end around it.
        known = {form for secret in secrets for form in (secret, secret.strip()) if len(form.strip()) >= 4}
        forms = {_escapable(secret): len(secret) for secret in known}
        forms |= {re.escape(form): len(form) for secret in known for form in _spellings(secret)}
        longest_first = sorted(forms, key=forms.__getitem__, reverse=True)
        self._pattern = re.compile("|".join(longest_first)) if forms else None

    def __call__(self, text: str) -> str:
        """Return the text without any secret."""
        return self._pattern.sub("•••", text) if self._pattern else text

    def in_json(self, value: Any) -> Any:
        """Return parsed JSON without any secret in its texts, names too."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.in_json(one) for one in value]
        if isinstance(value, dict):
            return {self(name): self.in_json(one) for name, one in value.items()}
        return value


def as_it_is(part: Any) -> Any:
    """Return the part unchanged: what stands for `Redactor.in_json` where no secrets are known."""
    return part


def _escapable(secret: str) -> str:
    """Return an expression that fits the secret as it is and as JSON and URLs spell it.

    Writers differ in what they escape (a slash as `\\/`, a plus as `\\u002B`), so each character may be in any spelling of its own.
    """
    return "".join(one if one.isascii() and one.isalnum() else _any_of(_escapes(one)) for one in secret)


def _any_of(spellings: Iterable[str]) -> str:
    longest_first = sorted(set(spellings), key=len, reverse=True)
    return f"(?i:{'|'.join(map(re.escape, longest_first))})"


def _escapes(one: str) -> Iterable[str]:
    yield one
    yield json.dumps(one)[1:-1]
    yield f"\\u{ord(one):04x}"
    yield "".join(f"%{byte:02x}" for byte in _bytes(one))
    yield from {"/": ["\\/"], " ": ["+"]}.get(one, ())


def _spellings(secret: str) -> Iterable[str]:
    yield from _in_python(secret)
    if len(secret) >= SHORTEST_IN_BASE64:
        yield from _in_base64(_bytes(secret))


def _in_python(secret: str) -> Iterable[str]:
    """Yield what stands between the quotes of `repr`, `ascii` and the `repr` of bytes, whichever quotes those are."""
    shown = "".join(one if one.isprintable() and one != "\\" else _escaped(one) for one in secret)
    for spelled in (shown, _escaped(secret), _escaped(_bytes(secret).decode("latin-1"))):
        yield spelled
        yield spelled.replace("'", "\\'")


def _in_base64(secret: bytes) -> Iterable[str]:
    """Yield what base64 makes of the secret behind any text, without the characters that its neighbours have a share in."""
    for before, first in ((0, 0), (1, 2), (2, 3)):
        text = base64.b64encode(bytes(before) + secret).decode()[first : (before + len(secret)) * 8 // 6]
        yield text
        yield text.translate(str.maketrans("+/", "-_"))


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
