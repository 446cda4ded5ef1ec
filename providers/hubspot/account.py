"""HubSpot's calls about the account itself: who we are there, what is made ready, and how an app is let in."""

from __future__ import annotations

from collections.abc import Mapping

from providers.base import Provider
from providers.error_cases import Answer
from providers.errors import Permanent, ProviderError, Transient
from providers.events import Delivery, Event
from providers.http import Transport
from providers.hubspot import oauth, payloads
from providers.hubspot.capabilities import CAPABILITIES
from providers.hubspot.client import Client, record
from providers.hubspot.finding import TaskFinder
from providers.hubspot.json_shapes import mapping
from providers.hubspot.key_property import prepare_key_property
from providers.hubspot.paths import release_of
from providers.hubspot.reading import TaskReader
from providers.hubspot.webhooks import events_in, refuse_unproven
from providers.oauth import Tokens
from providers.types import Account, Identity
from providers.waiting import server_time


class AccountCalls(Provider):
    """One HubSpot account, opened with one bearer token: pasted, or given to an app that was let in."""

    code = "hubspot"
    capabilities = CAPABILITIES

    def __init__(self, account: Account, transport: Transport) -> None:
        """Keep the account and the transport; opens nothing."""
        super().__init__(account, transport)
        self._token = account.secrets.get("access_token", "").strip()
        self._client = Client(
            transport,
            label=CAPABILITIES.label,
            base_url=account.base_url or CAPABILITIES.default_base_url,
            token=self._token,
            release=release_of(account.settings),
        )
        self._spelling = payloads.Spelling.of(account.settings, account.learned)
        self._reader = TaskReader(self._client, self._spelling, account.learned)
        self._finder = TaskFinder(self._client, self._reader)

    def check(self) -> Identity:
        """Return the portal that the token opens, its zone, its limits and, where HubSpot tells, the token's scopes. Two calls.

        Raises `Permanent` where it is another portal than before: the ids that we know are those of the first.
        Source: https://developers.hubspot.com/docs/api-reference/legacy/account/account-information/get-account-details
        (read 2026-11).
        """
        answer = self._client.call("GET", "/account-info/v3/details")
        told = record(answer, "portalId", writes=False)
        portal = str(told["portalId"])
        self._refuse_other_portal(portal, answer)
        return Identity(
            id=portal,
            name=str(told.get("portalName") or f"HubSpot account {portal}"),
            time_zone=str(told.get("timeZone") or ""),
            scopes=self._scopes(),
            limits=payloads.limits_left(answer.headers),
            server_time=server_time(answer.headers),
            learned={
                "portal_id": portal,
                "ui_domain": str(told.get("uiDomain") or "app.hubspot.com"),
                "time_zone": str(told.get("timeZone") or ""),
            },
        )

    def _scopes(self) -> tuple[str, ...] | None:
        # What the first path answers to other tokens than a private app's is not confirmed (2026-11): no answer is no error.
        try:
            if self.account.secrets.get("refresh_token"):
                answer = oauth.introspect(self._client, self.account.secrets, self._token)
            else:
                path = "/oauth/v2/private-apps/get/access-token-info"
                answer = self._client.call("POST", path, json_body={"tokenKey": self._token}, writes=False)
        except ProviderError:
            return None
        scopes = mapping(answer.json).get("scopes")
        return tuple(map(str, scopes)) if isinstance(scopes, list) else None

    def _refuse_other_portal(self, portal: str, answer: Answer) -> None:
        if not (portal.isascii() and portal.isdigit()):
            raise Transient("HubSpot answered without the number of the account.", status=answer.status)
        known = str(self.account.learned.get("portal_id") or portal)
        if portal != known:
            raise Permanent(
                f"This token opens the HubSpot account {portal}; this connection belongs to {known}. "
                "Give a token of that account, or make another connection.",
                status=answer.status,
            )

    def prepare(self) -> Mapping[str, object]:
        """Make the task property that carries the hub key, where the token may, and return what there is and why no more.

        `key` is `property` or `none`, `key_is_unique` whether its values are, and `key_note` says in words what stands in the way, "" where
        nothing does.
        """
        return prepare_key_property(self._client)

    def exchange_code(self, code: str, *, redirect_uri: str, verifier: str = "") -> Tokens:
        """Return the first tokens of an app that was let in. One call."""
        return oauth.exchange_code(
            self._client, self.account.secrets, code, redirect_uri=redirect_uri, verifier=verifier
        )

    def refresh_tokens(self) -> Tokens:
        """Return new tokens. One call.

        No page says that refresh tokens rotate, and none that they do not: the one that came is returned, else the one that was sent.
        """
        return oauth.refresh(self._client, self.account.secrets)

    def receive(self, delivery: Delivery) -> tuple[Event, ...]:
        """Return the events in a delivery that concern this portal; one delivery tells of every portal of an app."""
        refuse_unproven(delivery, self.account.secrets)
        return events_in(delivery, portal=str(self.account.learned.get("portal_id") or ""))
