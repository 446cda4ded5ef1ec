"""Taking secrets out of what is kept or shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus


class Redactor:
    """Replaces secrets in a text by dots, also where they are written as URLs or JSON have them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Take the secrets; texts of fewer than four characters are not secrets and would shred every body."""
        forms = {form for secret in secrets if len(secret) >= 4 for form in _spellings(secret)}
        self._pattern = (
            re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None
        )

    def __call__(self, text: str) -> str:
        """Return the text without any secret."""
        return self._pattern.sub("•••", text) if self._pattern else text


def _spellings(secret: str) -> Iterable[str]:
    yield secret
    for encoded in (quote(secret, safe=""), quote_plus(secret)):
        yield encoded
        yield re.sub("%..", lambda code: code.group().lower(), encoded)
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
