"""What a simulated account knows of an app that was let in: codes, access tokens that end, refresh tokens that may work only once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from providers.oauth import challenge_of

CODE_LASTS = timedelta(minutes=1)


@dataclass(frozen=True)
class Grant:
    """One answer of the token endpoint."""

    access_token: str
    refresh_token: str
    expires_in: int


@dataclass(frozen=True)
class _Code:
    redirect_uri: str
    challenge: str
    ends_at: datetime


class Grants:
    """The codes and tokens of one app. `now` is the simulator's clock; with `rotates` a refresh token works once.

    A refresh token that nobody uses works for `unused_for`; None is for ever.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        lifetime_s: int,
        rotates: bool,
        unused_for: timedelta | None = None,
    ) -> None:
        """Let nobody in yet."""
        self._now = now
        self._lifetime_s = lifetime_s
        self._rotates = rotates
        self._unused_for = unused_for
        self._codes: dict[str, _Code] = {}
        self._ends: dict[str, datetime] = {}
        self._refresh: dict[str, datetime] = {}  # since when each works unused

    def agree(self, *, redirect_uri: str, challenge: str = "") -> str:
        """Return the code that staff are sent back with, as if they had agreed on the vendor's page."""
        code = secrets.token_hex(16)
        self._codes[code] = _Code(redirect_uri, challenge, self._now() + CODE_LASTS)
        return code

    def exchange(self, code: str, *, redirect_uri: str, verifier: str = "") -> Grant | None:
        """Return the first tokens, or None for a code that is used, old, or was given for another address or verifier."""
        kept = self._codes.pop(code, None)
        if kept is None or kept.ends_at < self._now() or kept.redirect_uri != redirect_uri:
            return None
        if kept.challenge and (not verifier or challenge_of(verifier) != kept.challenge):
            return None
        return self.grant()

    def refresh(self, token: str) -> Grant | None:
        """Return new tokens, or None for a refresh token that is not known, lay unused for too long or, where they rotate, was used."""
        since = self._refresh.pop(token, None)
        if since is None or (self._unused_for is not None and since + self._unused_for < self._now()):
            return None
        return self.grant(refresh_token="" if self._rotates else token)

    def grant(self, *, refresh_token: str = "") -> Grant:
        """Return fresh tokens without asking for anything."""
        grant = Grant(secrets.token_hex(24), refresh_token or secrets.token_hex(24), self._lifetime_s)
        self._ends[grant.access_token] = self._now() + timedelta(seconds=self._lifetime_s)
        self._refresh[grant.refresh_token] = self._now()
        return grant

    def is_open(self, access_token: str) -> bool:
        """Return whether the token opens the account now."""
        return access_token in self._ends and self._ends[access_token] > self._now()

    def end_access(self) -> None:
        """End every access token; refresh tokens go on."""
        self._ends.clear()

    def revoke(self) -> None:
        """Let the app out: no token of any kind works any more."""
        self._ends.clear()
        self._refresh.clear()
