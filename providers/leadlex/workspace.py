"""One LeadLex workspace as an account: who we are there, what is left of its quota, what it is to be made ready with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from providers.base import Provider
from providers.capabilities import Capabilities
from providers.errors import Forbidden, NotFound, Rejected, Unauthorized
from providers.events import Delivery, Event
from providers.http import Transport
from providers.json_api import JsonApi
from providers.leadlex import payloads, people
from providers.leadlex.answers import listing_in
from providers.leadlex.capabilities import CAPABILITIES
from providers.leadlex.error_cases import CASES
from providers.leadlex.probing import learn_calls
from providers.leadlex.webhooks import events_in
from providers.types import Account, Field, Identity, Owner
from providers.waiting import server_time


class Workspace(Provider):
    """One workspace, opened by its key."""

    code: ClassVar[str] = "leadlex"
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def __init__(self, account: Account, transport: Transport) -> None:
        """Keep the account and the transport; opens nothing and checks nothing."""
        super().__init__(account, transport)
        self._key = account.secrets.get("api_key", "").strip()
        self._api = JsonApi(
            transport,
            vendor=CAPABILITIES.label,
            base_url=account.base_url or CAPABILITIES.default_base_url,
            headers={"Authorization": f"Bearer {self._key}".strip()},
            cases=CASES,
        )

    # The account

    def check(self) -> Identity:
        """Return what the workspace tells of itself by one listing of its users: whose it is, and what is left of the day.

        No call tells the workspace's id or the key's permissions, so the id is a fingerprint of the key and changes with it. A
        key that may not list users is checked by listing a task. Source: https://docs.leadlex.com/authentication and
        …/api-reference/users/list (read 2026-11).
        """
        if not self._key:
            raise Unauthorized("The API key is missing.")
        name = "a workspace whose users this key may not list"
        try:
            answer = self._api.call("GET", "/v1/users")
            owners = [people.read_owner(row) for row in listing_in(answer, "users").rows]
            name = _named_after(owners)
        except Forbidden:
            answer = self._api.call("GET", "/v1/tasks", query={"page": 1, "per_page": 1})
            listing_in(answer, "tasks")
        return Identity(
            id=f"key-{hashlib.sha256(self._key.encode()).hexdigest()[:12]}",
            name=name,
            limits=_limits_left(answer.headers),
            server_time=server_time(answer.headers),
        )

    def receive(self, delivery: Delivery) -> tuple[Event, ...]:
        """Return the events in a delivery that is signed with the webhook's secret; see `webhooks.events_in`."""
        return events_in(delivery, secret=self.account.secrets.get("webhook_secret", "").strip())

    def prepare(self) -> Mapping[str, object]:
        """Look whether the default parent is there, where one is set, and learn whether tasks can be changed and deleted.

        Returns `changes_tasks` and `deletes_tasks`, None where the answers do not tell; four calls, none of which touches a task.
        Raises `Rejected` when the setting is misspelled or names a record that this workspace does not have.
        """
        payloads.check_default_parent(self.account.settings)
        stand_in = payloads.stand_in_parent(self.account.settings)
        if stand_in is not None:
            path = "/v1/contacts" if stand_in[0] is Field.CONTACTS else "/v1/deals"
            try:
                self._api.call("GET", f"{path}/{stand_in[1]}")
            except NotFound as error:
                raise Rejected(
                    "The default parent is not in this LeadLex workspace; correct the setting.",
                    status=error.status,
                ) from error
        return learn_calls(self._api)


def _named_after(owners: Sequence[Owner]) -> str:
    if not owners:
        return "a workspace without users"
    first = owners[0].email or owners[0].name
    return f"the workspace of {first}" + (f" and {len(owners) - 1} more" if len(owners) > 1 else "")


def _limits_left(headers: Mapping[str, str]) -> tuple[str, ...]:
    left, most = headers.get("x-ratelimit-remaining"), headers.get("x-ratelimit-limit")
    reset = headers.get("x-ratelimit-reset", "")
    if left is None or most is None:
        return ()
    return (f"{left} of {most} calls left{_until(reset)}",)


def _until(reset: str) -> str:
    try:
        return (
            f" until {datetime.fromtimestamp(int(reset), UTC):%Y-%m-%d %H:%M} UTC" if reset.isdigit() else ""
        )
    except (ValueError, OverflowError, OSError):  # digits that are no moment
        return ""
