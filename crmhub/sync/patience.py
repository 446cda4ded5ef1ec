"""Asking a CRM again and again for as long as it takes: for work that lasts minutes, out of what saves and retries leave of the rate.

A push gives its claim back where it has no slot. Who reads a whole account has nothing to give back, so it waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from crmhub.clock import database_now
from crmhub.models import Connection, Lane
from crmhub.sync.backoff import wait_after
from crmhub.sync.credentials import limits_of, provider_for
from crmhub.sync.gate import PaceGate
from crmhub.sync.health import hold_back, is_tried_again, note_refused, note_unwell, note_well
from crmhub.sync.tokens import ASK_AGAIN, keep_access
from providers.base import Provider
from providers.errors import (
    NotSent,
    Permanent,
    ProviderError,
    RateLimited,
    Transient,
    Unauthorized,
    Unconfirmed,
)
from providers.types import Page

Told = TypeVar("Told")

TRIES = 8  # of one request while the CRM is unwell; with the waits between them about ten minutes
LONGEST_WAIT = timedelta(minutes=2)
WORTH_A_WORD = 10.0  # seconds of waiting from which on a person who watches is told


class Clock:
    """The database's time, and waiting as people wait. A test has one that it moves."""

    def now(self) -> datetime:
        """Return the time at this moment."""
        return database_now()

    def wait(self, seconds: float) -> None:
        """Let that many seconds pass."""
        time.sleep(seconds)

    @property
    def stands_still(self) -> datetime | None:
        """Return the time at which a test's clock stands; None for one that runs."""
        return None


class Patient:
    """One account, asked as often and as slowly as it allows. `tell` gets a line wherever it takes longer than a moment."""

    def __init__(self, connection: Connection, *, clock: Clock, tell: Callable[[str], None]) -> None:
        """Keep whom to ask; asks nothing yet."""
        self.connection = connection
        self._clock = clock
        self._tell = tell

    def pages(self, ask: Callable[[Provider, str | None], Page[Told]]) -> Iterator[Page[Told]]:
        """Yield every page of a listing. Raises any `ProviderError` that does not pass."""
        cursor: str | None = None
        while True:
            page = self.ask(lambda provider, at=cursor: ask(provider, at))  # type: ignore[misc]
            yield page
            if page.cursor is None:
                return
            if page.cursor == cursor:
                raise Transient(
                    f"The listing at {self.connection.capabilities.label} does not come to an end."
                )
            cursor = page.cursor

    def ask(self, call: Callable[[Provider], Told]) -> Told:
        """Return what one operation tells. Waits for the rate, a quota and a CRM that is unwell; raises any other `ProviderError`."""
        failures = 0
        while True:
            self._wait_until_it_may_be_asked()
            gate = PaceGate(
                self.connection.pk,
                limits_of(self.connection),
                lane=Lane.BACKFILL,
                now=self._clock.stands_still,
            )
            try:
                provider, _ = provider_for(self.connection, gate=gate)
                told = call(provider)
            except NotSent as error:
                self._wait(gate.ask_again_in or 1.0, error.detail)
            except RateLimited as error:
                until = self._clock.now() + timedelta(seconds=error.retry_after)
                hold_back(self.connection, until=until, why=error.detail)
            except Unauthorized as error:
                self._note_refused(error)
            except (Transient, Unconfirmed) as error:
                failures += 1
                self._note_unwell(error, failures)
            else:
                if failures:
                    note_well(self.connection)
                return told

    def _wait_until_it_may_be_asked(self) -> None:
        """Wait out what holds the account back. Raises `Permanent` where only a person can end it."""
        while True:
            self.connection.refresh_from_db()
            now = self._clock.now()
            if self.connection.disconnected_at is not None or self.connection.reauthorise_since is not None:
                raise Permanent(self.connection.last_error or "The account is disconnected.")
            until = self.connection.wait_until
            if until is not None and until > now:
                self._wait((until - now).total_seconds(), self.connection.wait_reason)
                continue
            held = keep_access(self.connection, now=self._clock.stands_still)
            if held is None:
                return
            if not isinstance(held, NotSent):
                raise held
            self._wait(ASK_AGAIN.total_seconds(), held.detail)

    def _note_refused(self, error: Unauthorized) -> None:
        note_refused(self.connection, error.detail, now=self._clock.now())
        if not is_tried_again(self.connection):
            raise error

    def _note_unwell(self, error: ProviderError, failures: int) -> None:
        if failures >= TRIES:
            raise error
        note_unwell(self.connection, error.detail, now=self._clock.now())
        self._wait(min(wait_after(failures), LONGEST_WAIT).total_seconds(), error.detail)

    def _wait(self, seconds: float, why: str) -> None:
        if seconds >= WORTH_A_WORD:
            self._tell(f"waits {seconds:.0f} s: {why}")
        self._clock.wait(seconds)
