"""Making an account ready for the hub: what can be installed there, what was, and what the CRM did not allow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.base import Provider
from providers.error_cases import vendor_words
from providers.http import Recorder, Request, Response
from providers.types import Exchange


@dataclass(frozen=True)
class Prepared:
    """What `prepare` learned, and in words what it would write, wrote, and was refused."""

    learned: Mapping[str, object] = field(default_factory=dict)
    held_back: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def prepare(provider: Provider, recorder: Recorder, *, may_install: bool) -> Prepared:
    """Let the provider make its account ready; without `may_install` it only reads, and stops before the first write.

    Raises any `ProviderError`. Where it stops nothing is learned: what was known of the account stays.
    """
    watch = _Watch(recorder, may_write=may_install)
    try:
        learned = type(provider)(provider.account, watch).prepare()
    except _HeldBack as held:
        return Prepared(held_back=(f"{held.method} {held.address}",))
    made = [f"{one.method} {one.url}" for one in watch.written if _is_good(one)]
    if made:
        made += [f"now known: {name} = {_word(value)}" for name, value in learned.items()]
    refused = tuple(_refusal(one) for one in watch.written if not _is_good(one))
    return Prepared(learned, installed=tuple(made), refused=refused)


class _HeldBack(BaseException):
    """A write that is not made now. No `Exception`, so that no provider takes it for an answer."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.method, self.address = request.method, request.url.partition("?")[0]


class _Watch:
    """Keeps which of the requests were writes; without `may_write` none goes out."""

    def __init__(self, recorder: Recorder, *, may_write: bool) -> None:
        self._recorder = recorder
        self._may_write = may_write
        self.written: list[Exchange] = []

    def send(self, request: Request) -> Response:
        if request.writes and not self._may_write:
            raise _HeldBack(request)
        before = len(self._recorder.exchanges)
        try:
            return self._recorder.send(request)
        finally:
            if request.writes:
                self.written += self._recorder.exchanges[before:]


def _is_good(exchange: Exchange) -> bool:
    return exchange.status is not None and 200 <= exchange.status < 300


def _refusal(exchange: Exchange) -> str:
    try:
        said = vendor_words(json.loads(exchange.response_body))
    except ValueError:
        said = ""
    answer = f"answered {exchange.status}" if exchange.status else "had no answer"
    return f"{exchange.method} {exchange.url} {answer}" + (f": {said}" if said else "")


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
