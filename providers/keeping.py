"""What is kept of a request and its answer: fit to be shown, and enough to play the answer again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from providers.errors import ProviderError
from providers.sendable import without_login
from providers.storable import fit_for_storage
from providers.types import Exchange
from providers.waiting import TELLS_TO_WAIT

if TYPE_CHECKING:
    from providers.http import Request, Response

KEPT_OF_A_BODY = 2048  # characters of a request or an answer that an attempt shows
# Bytes of an answer that are kept to play it again; a batch of a hundred tasks takes a quarter of it.
KEPT_TO_PLAY = 256 * 1024

Redact = Callable[[str], str]


def exchange(
    request: Request,
    response: Response | None,
    failure: ProviderError | None,
    *,
    redact: Redact,
    milliseconds: int,
) -> Exchange:
    """Return the exchange as it is kept, with neither headers of the request nor secrets; `failure` is why there is no answer."""
    asked = _text(request.body, redact)
    answered = _text(response.body if response else None, redact)
    return Exchange(
        method=request.method,
        url=redact(fit_for_storage(without_login(request.url))),
        request_body=asked.shown,
        status=response.status if response else None,
        response_body=answered.shown,
        milliseconds=milliseconds,
        rest=answered.rest,
        headers=_waits(response, redact) if response else {},
        error=failure.code if failure else "",
        detail=failure.detail if failure else "",
        # What was asked comes out of the same wish again; to compare it, its digest is enough.
        request_digest=digest(asked.rest) if asked.rest else "",
        is_whole=asked.is_whole and answered.is_whole,
    )


def digest(text: str) -> str:
    """Return sixteen letters that stand for the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Text:
    """A body: what may be shown, what comes behind that, and whether the two are all of it, as it was."""

    shown: str
    rest: str
    is_whole: bool


def _text(body: bytes | None, redact: Redact) -> _Text:
    # Cut after the secrets are out, and read with room to spare: one that is halved at the edge is not found. So nothing is kept of that edge.
    text = fit_for_storage((body or b"")[:KEPT_TO_PLAY].decode("utf-8", "replace"))
    clean = redact(text)
    is_whole = len(body or b"") <= KEPT_TO_PLAY and clean == text
    return _Text(clean[:KEPT_OF_A_BODY], clean[KEPT_OF_A_BODY:] if is_whole else "", is_whole)


def _waits(response: Response, redact: Redact) -> Mapping[str, str]:
    """Return the headers that say how long to wait. Of a good answer nobody asks that, unless it says so itself."""
    if 200 <= response.status < 300 and "retry-after" not in response.headers:
        return {}
    told = {name: value for name, value in response.headers.items() if TELLS_TO_WAIT.fullmatch(name)}
    return {name: redact(fit_for_storage(value)) for name, value in told.items()}
