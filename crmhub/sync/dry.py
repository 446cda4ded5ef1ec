"""A way to the network that ends before it: the request that a provider would send, as it would be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crmhub.models import Connection
from crmhub.sync.credentials import account_of, transport_for
from providers.base import Provider
from providers.http import Request, Response, headers_sent
from providers.redaction import Redactor
from providers.registry import provider_class
from providers.sendable import without_login

DOTS = "•••"
ALWAYS_HIDDEN = frozenset({"authorization", "proxy-authorization", "cookie"})


@dataclass(frozen=True)
class DryRequest:
    """One request as it may be shown: secrets are dots. `writes`: it can change something there."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str
    writes: bool


class _Recorded(BaseException):
    """The provider wanted to send this. No `Exception`, so that no provider takes it for an answer."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


class _DryTransport:
    """Refuses what the real transport refuses, and sends nothing."""

    def __init__(self, code: str) -> None:
        self._real = transport_for(code)

    def send(self, request: Request) -> Response:
        self._real.refuse(request)
        raise _Recorded(request)


def first_request(
    connection: Connection, call: Callable[[Provider], object], *, words: Mapping[str, str]
) -> DryRequest | None:
    """Return the first request that this call of the provider would send; None where it sends none.

    `words` are what to read for each id that is not known yet. Raises any `ProviderError` with which the provider refuses before sending, and `SecretsUnreadable`.
    """
    account = account_of(connection)
    provider = provider_class(connection.provider)(account, _DryTransport(connection.provider))
    try:
        call(provider)
    except _Recorded as recorded:
        return _shown(recorded.request, Redactor(account.secrets.values()), words)
    return None


def _shown(request: Request, redact: Redactor, words: Mapping[str, str]) -> DryRequest:
    def readable(text: str) -> str:
        text = redact(text)
        for stand_in, said in words.items():
            text = text.replace(stand_in, said)
        return text

    return DryRequest(
        method=request.method,
        url=readable(without_login(request.url)),
        headers=tuple(
            (name, DOTS if name.lower() in ALWAYS_HIDDEN or redact(value) != value else readable(value))
            for name, value in headers_sent(request).items()
        ),
        body=readable((request.body or b"").decode()),
        writes=request.writes,
    )
