"""Response → error, as table rows: the vendors' oddities first, then what a status means everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from providers.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Permanent,
    ProviderError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unconfirmed,
)
from providers.redaction import as_it_is
from providers.waiting import retry_after

DEFAULT_WAIT = 10.0  # seconds to leave an account alone after a 429 that names no time
LONGEST_QUOTE = 300  # characters of a vendor's own words that go into a sentence for staff


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it is judged and read: its status, its headers in lower case, its JSON, and whether that was readable.

    `redact` takes our secrets out of a part of it.
    """

    status: int
    headers: Mapping[str, str]
    json: Any
    is_readable: bool = True
    redact: Callable[[Any], Any] = field(default=as_it_is, repr=False, compare=False)

    def as_error(self, part: Any) -> Answer:
        """Return an answer with just this part of the JSON in it, without our secrets.

        An error is made from nothing else: vendors repeat in their refusals what they were sent.
        """
        headers = {name: str(self.redact(value)) for name, value in self.headers.items()}
        return replace(self, json=self.redact(part), headers=headers)


@dataclass(frozen=True, slots=True)
class Case:
    """One row: when an answer looks like this, it means that.

    `status` None stands for any status, `writes` None for reads and writes alike. `when` looks at the answer's body. `means` makes
    the error from the answer and the vendor's words. `source` and `read_on` say where the row comes from.
    """

    means: Callable[[Answer, str], ProviderError]
    source: str
    read_on: date
    status: int | None = None
    when: Callable[[Answer], bool] = lambda _answer: True
    writes: bool | None = None

    def fits(self, answer: Answer) -> bool:
        """Return whether the row speaks of this answer."""
        return (self.status is None or self.status == answer.status) and self.when(answer)


def classify(answer: Answer, cases: Iterable[Case], *, vendor: str, writes: bool) -> ProviderError | None:
    """Return the error that the answer means, or None when it is a good one.

    The vendor's rows are asked first, so a 200 with an error inside is found too. Then, by status: 429 `RateLimited`, 401
    `Unauthorized`, 403 `Forbidden`, 404 and 410 `NotFound`, 409 `Conflict`, 408 and 5xx `Unconfirmed` for a write and `Transient` for a
    read, any other 4xx `Rejected`, a redirect `Permanent`. A 2xx that cannot be read is `Unconfirmed` or `Transient` as well.
    """
    answer = answer.as_error(answer.json)
    words = vendor_words(answer.json)
    for case in cases:
        if case.writes in (None, writes) and case.fits(answer):
            return case.means(answer, words)
    if 200 <= answer.status < 300 and answer.is_readable:
        return None
    return _by_status(answer, vendor, words, writes=writes)


def _by_status(answer: Answer, vendor: str, words: str, *, writes: bool) -> ProviderError:
    status = answer.status
    said = f": {words}" if words else ""
    if status == 429:
        wait = retry_after(answer.headers)
        return RateLimited(
            f"{vendor} says the account is over its limit{said}.",
            retry_after=DEFAULT_WAIT if wait is None else wait,
            is_told=wait is not None,
            status=status,
        )
    if status == 401:
        return Unauthorized(f"{vendor} does not accept the credentials{said}.", status=status)
    if status == 403:
        return Forbidden(f"{vendor} does not allow this with our credentials{said}.", status=status)
    if status in (404, 410):
        return NotFound(f"{vendor} has no such record{said}.", status=status)
    if status == 409:
        return Conflict(f"{vendor} reports a conflict{said}.", status=status)
    if status == 408 or status >= 500 or status < 300:
        what = f"answered {status}" if status >= 300 else "answered with something that is not JSON"
        if writes:
            return Unconfirmed(f"{vendor} {what}{said}; the request may have landed.", status=status)
        return Transient(f"{vendor} {what}{said}.", status=status)
    if status < 400:
        return Permanent(f"{vendor} redirected us ({status}); redirects are not followed.", status=status)
    return Rejected(f"{vendor} refused the request ({status}){said}.", status=status)


def vendor_words(body: Any) -> str:
    """Return the vendor's own explanation from an error body, cut and on one line; "" when it gives none.

    Looks where the four vendors (and most others) put it: `message`, `error.message`, `ExceptionMessage`, `error`.
    """
    if not isinstance(body, Mapping):
        return ""
    nested = body.get("error")
    for said in (
        body.get("message"),
        body.get("ExceptionMessage"),
        nested.get("message") if isinstance(nested, Mapping) else nested,
    ):
        text = "; ".join(str(part) for part in said) if isinstance(said, list) else said
        if isinstance(text, str) and text.strip():
            return re.sub(r"\s+", " ", text).strip()[:LONGEST_QUOTE].rstrip(".")
    return ""
