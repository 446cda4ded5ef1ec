"""What can go wrong at a vendor, named by what must wait and what ends the wait.

ProviderError(detail, *, status=None, request_id="")   `detail` is fit for staff: no secrets, no bodies
  Transient               nothing landed; the vendor or the network is unwell
    RateLimited           … and the account is over its quota: `retry_after` in seconds, at least 1
    NotSent               … and the request never left us: our own pace or time window said no
  Unconfirmed             the request went out and no verdict came back: it may have landed
  Permanent               the same request again cannot help
    Rejected              the vendor refused the values in `fields` {our field: its reason}
    Unauthorized          credentials wrong or expired: the whole connection
    Forbidden(scope)      this operation is beyond our scopes; others work
    NotFound              no such record there
    Conflict              somebody else has it: `existing_id` where the vendor says who
    Ambiguous(candidates) several records fit; a person picks one
    Unsupported           the vendor's API has no word for it
InvalidSignature          an inbound event that is not proven to come from the vendor
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from providers.storable import fit_for_storage
from providers.types import Candidate


class ProviderError(Exception):
    """The vendor or the way to it did not do what was asked."""

    def __init__(self, detail: str, *, status: int | None = None, request_id: str = "") -> None:
        """Keep what staff may read, the HTTP status if one came, and the vendor's own name for the request."""
        detail = fit_for_storage(detail)
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.request_id = fit_for_storage(request_id)

    @property
    def code(self) -> str:
        """Return the machine word of this kind of error: `rate_limited`, `not_found`, …"""
        name = type(self).__name__
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Transient(ProviderError):
    """Nothing landed; the vendor or the network is unwell."""


class RateLimited(Transient):
    """The account is over the vendor's quota; nothing landed."""

    def __init__(
        self,
        detail: str,
        *,
        retry_after: float,
        is_told: bool = True,
        limit: tuple[int, float] | None = None,
        status: int | None = None,
        request_id: str = "",
    ) -> None:
        """Keep the seconds to leave the whole account alone, at least 1.

        `is_told`: the vendor itself said for how long, or which of its counts is used up; else `retry_after` is the window that we take it for. `limit`
        are the calls and the seconds that the refusal names as allowed.
        """
        super().__init__(detail, status=status, request_id=request_id)
        self.retry_after = max(retry_after, 1.0)
        self.is_told = is_told
        self.limit = limit


class NotSent(Transient):
    """The request never left the hub: its slot in the pace, or the time in which it may be sent, was not there."""


class Unconfirmed(ProviderError):
    """The request went out and no verdict came back: it may have landed."""


class Permanent(ProviderError):
    """The same request again cannot help."""


class Rejected(Permanent):
    """The vendor refused the values."""

    def __init__(
        self,
        detail: str,
        *,
        fields: Mapping[str, str] | None = None,
        status: int | None = None,
        request_id: str = "",
    ) -> None:
        """Keep, for each of our fields that was refused, the vendor's reason; empty when it named none."""
        super().__init__(detail, status=status, request_id=request_id)
        self.fields = dict(fields or {})


class Unauthorized(Permanent):
    """The credentials are wrong, expired or switched off: nothing will work on this connection."""


class Forbidden(Permanent):
    """This operation is beyond what our credentials may do; others work."""

    def __init__(
        self, detail: str, *, scope: str = "", status: int | None = None, request_id: str = ""
    ) -> None:
        """Keep the scope that is missing, "" when the vendor did not name it."""
        super().__init__(detail, status=status, request_id=request_id)
        self.scope = scope


class NotFound(Permanent):
    """No such record at the vendor."""


class Conflict(Permanent):
    """Another record there already has this value, or the record changed under us."""

    def __init__(
        self, detail: str, *, existing_id: str = "", status: int | None = None, request_id: str = ""
    ) -> None:
        """Keep the id of the record that is in the way, "" when the vendor did not name it."""
        super().__init__(detail, status=status, request_id=request_id)
        self.existing_id = existing_id


class Ambiguous(Permanent):
    """Several records there fit; a person must pick one."""

    def __init__(
        self,
        detail: str,
        *,
        candidates: Sequence[Candidate] = (),
        status: int | None = None,
        request_id: str = "",
    ) -> None:
        """Keep the contacts or records to choose from."""
        super().__init__(detail, status=status, request_id=request_id)
        self.candidates = tuple(candidates)


class Unsupported(Permanent):
    """The vendor's API has no word for what was asked."""


class InvalidSignature(Exception):
    """An inbound event is not proven to come from the vendor."""
