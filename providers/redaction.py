"""Taking secrets out of what is kept or shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus


class Redactor:
    """Replaces secrets in a text by dots, also where they are written as URLs or JSON have them."""

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
    for encoded in (quote(secret, safe=""), quote_plus(secret)):
        yield encoded
        yield re.sub("%..", lambda code: code.group().lower(), encoded)
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
