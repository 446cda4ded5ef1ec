"""Taking secrets out of what is kept or shown."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

SHORTEST_IN_BASE64 = (
    8  # characters of a secret; what is left of a shorter one would also be found where it is not
)

# What the two sides of OAuth call their secrets (RFC 6749, RFC 7636), in snake and in camel case.
_SENT = frozenset({"client_secret", "code", "code_verifier", "refresh_token", "access_token", "token"})
_TOLD = re.compile(r'"(?:access|refresh|id)_?token"\s*:\s*"([^"]+)', re.IGNORECASE)


def secrets_in_form(body: bytes) -> tuple[str, ...]:
    """Return what stands in a web form under the names that OAuth gives to its secrets."""
    pairs = parse_qsl(body.decode("utf-8", "replace"))
    return tuple(value for name, value in pairs if re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower() in _SENT)


def tokens_in_answer(body: bytes) -> tuple[str, ...]:
    """Return the tokens that a body brings, be it whole JSON or the beginning of it."""
    if b"oken" not in body:  # nearly every answer: the rest is not looked through
        return ()
    return tuple(_TOLD.findall(body.decode("utf-8", "replace")))


class Redactor:
    """Replaces secrets in a text by dots, also as URLs, JSON, Python's messages and basic credentials spell them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Take the secrets; texts of fewer than four characters are not secrets and would shred every body."""
        # As it was pasted, and as it is sent: without the blanks or the line end around it.
        known = {form for secret in secrets for form in (secret, secret.strip()) if len(form.strip()) >= 4}
        forms = {form for secret in known for form in _spellings(secret)}
        self._pattern = (
            re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None
        )

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


def _spellings(secret: str) -> Iterable[str]:
    yield secret
    for encoded in (
        quote(secret, safe="", errors="surrogatepass"),
        quote_plus(secret, errors="surrogatepass"),
    ):
        yield encoded
        yield re.sub("%..", lambda code: code.group().lower(), encoded)
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
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
