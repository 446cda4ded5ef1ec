"""The HighLevel account: how it is reached, what is learned of it, and how an app is let in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from providers.base import Provider
from providers.error_cases import Answer
from providers.errors import Forbidden, NotFound, Permanent, Rejected, Transient, Unauthorized, Unconfirmed
from providers.highlevel import apps, payloads
from providers.highlevel.capabilities import CAPABILITIES, DEFAULT_API_VERSION, DEFAULT_APP_URL
from providers.highlevel.error_cases import CASES, VENDOR, WrongLocation
from providers.http import Transport
from providers.json_api import JsonApi
from providers.oauth import Tokens
from providers.types import Account, Identity
from providers.waiting import server_time

READ = "contacts.readonly"
WRITE = "contacts.write"
SEARCH_TASKS = "locations/tasks.readonly"


class HighLevelAccount(Provider):
    """One sub-account, opened with its private integration token or with the access token of an app."""

    capabilities = CAPABILITIES

    def __init__(self, account: Account, transport: Transport) -> None:
        """Keep the account and the transport; opens nothing and checks nothing."""
        super().__init__(account, transport)
        token = account.secrets.get("access_token") or account.secrets.get("token") or ""
        self._zone = payloads.zone_of(account.learned.get("time_zone"))
        self._version = str(account.settings.get("api_version") or DEFAULT_API_VERSION)
        self._api = self._reached({"Authorization": f"Bearer {token.strip()}".strip()})
        self._door = self._reached({})

    def _reached(self, headers: Mapping[str, str]) -> JsonApi:
        return JsonApi(
            self.transport,
            vendor=VENDOR,
            base_url=self.account.base_url or CAPABILITIES.default_base_url,
            headers={**headers, "Version": self._version},
            cases=CASES,
        )

    # The account

    def check(self) -> Identity:
        """Return the sub-account we are in. Raises `Forbidden` also where the settings name one that the token does not open.

        A token without `locations.readonly` can still work: then a contact search of one row stands in, and the name stays empty.
        Source: https://marketplace.gohighlevel.com/docs/ghl/locations/get-location (read 2026-11).
        """
        try:
            answer, location = self._seen()
        except (Forbidden, NotFound, Rejected) as error:
            if error.status == 401:  # how a missing scope is answered; any other refusal may mean the id
                raise
            # The one value in these requests is the id. How one that does not exist is answered is unconfirmed (2026-11).
            raise Forbidden(
                f"The location id {self._location_id} is not one this token can read: give the id of the sub-account that the token "
                f"was made in. {error.detail}",
                scope=getattr(error, "scope", ""),
                status=error.status,
            ) from error
        return Identity(
            id=self._location_id,
            name=payloads.text_of(location, "name"),
            time_zone=payloads.text_of(location, "timezone"),
            limits=payloads.quota_words(answer.headers),
            server_time=server_time(answer.headers),
            learned=_learned(location),
        )

    def prepare(self) -> Mapping[str, object]:
        """Return the sub-account's time zone, by which a day without a time is sent; nothing when the scope is missing."""
        try:
            return _learned(self._told_location(self._location()))
        except WrongLocation:
            raise
        except Forbidden:
            return {}

    # Letting an app in

    def exchange_code(self, code: str, *, redirect_uri: str, verifier: str = "") -> Tokens:
        """Return the tokens for the code that staff came back with. HighLevel takes no verifier.

        Raises `Unauthorized` for a code that is used, old or another app's, and where the agency was chosen and not a sub-account.
        Source: https://marketplace.gohighlevel.com/docs/ghl/oauth/get-access-token (read 2026-11).
        """
        answer, asked_at = self._ask_for_tokens("authorization_code", code=code, redirect_uri=redirect_uri)
        if apps.is_of_an_agency(answer.json):
            raise Unauthorized(
                f"The app was let into an agency of {VENDOR}. Agree once more, and choose the sub-account there."
            )
        return self._told_tokens(answer, asked_at)

    def refresh_tokens(self) -> Tokens:
        """Return new tokens; the refresh token that is given is used up by it.

        A lost answer is `Unconfirmed`: then the old refresh token may be used up and the new one is not known, so staff must agree
        again if the old one is refused. A sub-account that is paused is `Transient`: the same refresh token works again afterwards.
        """
        kept = self.account.secrets.get("refresh_token", "").strip()
        if not kept:
            raise Unauthorized(f"No refresh token of {VENDOR} is kept here: let the app in again.")
        answer, asked_at = self._ask_for_tokens("refresh_token", refresh_token=kept)
        return self._told_tokens(answer, asked_at, refresh_token=kept)

    def _ask_for_tokens(self, grant_type: str, **fields: str) -> tuple[Answer, datetime]:
        app = {name: self.account.secrets.get(name, "").strip() for name in ("client_id", "client_secret")}
        asked_at = datetime.now(UTC)
        form = apps.form(self._version, grant_type=grant_type, **app, **fields)
        return self._door.call("POST", "/oauth/token", form=form), asked_at

    def _told_tokens(self, answer: Answer, asked_at: datetime, *, refresh_token: str = "") -> Tokens:
        tokens = apps.tokens_in(answer.json, asked_at=asked_at, refresh_token=refresh_token)
        if tokens is None:
            raise Unconfirmed(
                f"{VENDOR} answered without tokens; what was given for them may be used up.",
                status=answer.status,
            )
        return tokens

    # Requests

    def _call(self, method: str, path: str, *, scope: str, **options: Any) -> Answer:
        """Call; a refusal for want of a scope names the one that the call needs."""
        try:
            return self._api.call(method, path, **options)
        except WrongLocation:
            raise
        except Forbidden as error:
            raise Forbidden(
                f"{error.detail} The scope is {scope}.", scope=scope, status=error.status
            ) from error

    def _seen(self) -> tuple[Answer, Mapping[str, Any]]:
        """Return an answer from inside our sub-account, and what it tells of it: nothing where a scope is missing."""
        try:
            answer = self._location()
        except WrongLocation:
            raise
        except Forbidden:
            answer = self._search_contacts({"pageLimit": 1})
            rows = listed(answer, "contacts")
            if any(row.get("locationId", self._location_id) != self._location_id for row in rows):
                raise self._elsewhere(answer) from None
            return answer, {}
        return answer, self._told_location(answer)

    def _told_location(self, answer: Answer) -> Mapping[str, Any]:
        location = payloads.record_in(answer.json, "location")
        if location is None or payloads.id_of(location) != self._location_id:
            raise self._elsewhere(answer)
        return location

    def _elsewhere(self, answer: Answer) -> Transient:
        return Transient(
            f"{VENDOR} answered without the sub-account {self._location_id}.", status=answer.status
        )

    def _location(self) -> Answer:
        return self._call("GET", path_of("locations", self._location_id), scope="locations.readonly")

    def _search_contacts(self, wanted: Mapping[str, object]) -> Answer:
        body = {"locationId": self._location_id, **wanted}
        return self._call("POST", "/contacts/search", scope=READ, json_body=body, writes=False)

    def _page_of(self, contact: str) -> str:
        base = str(self.account.settings.get("app_url") or DEFAULT_APP_URL).rstrip("/")
        return base + path_of("v2", "location", self._location_id, "contacts", "detail", contact)

    @property
    def _location_id(self) -> str:
        value = str(self.account.settings.get("location_id") or "").strip()
        if not value:
            raise Permanent(f"The sub-account id (location_id) of this {VENDOR} connection is missing.")
        return value


def path_of(*parts: str) -> str:
    """Return the path of these parts, each of them quoted."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def listed(answer: Answer, name: str) -> list[Mapping[str, Any]]:
    """Return the list under that name. Raises `Transient` for an answer to a read that has none."""
    rows = payloads.rows_in(answer.json, name)
    if rows is None:
        raise Transient(f"{VENDOR} answered without the list of {name}.", status=answer.status)
    return rows


def silent(what: str, answer: Answer, *, writes: bool) -> Transient | Unconfirmed:
    """Return the error of an answer that does not tell what it is about."""
    if writes:
        return Unconfirmed(
            f"{VENDOR} answered without the {what}; the request may have landed.", status=answer.status
        )
    return Transient(f"{VENDOR} answered without the {what}.", status=answer.status)


def _learned(location: Mapping[str, Any]) -> dict[str, object]:
    names = {"time_zone": "timezone", "company_id": "companyId"}
    return {
        ours: payloads.text_of(location, theirs) for ours, theirs in names.items() if location.get(theirs)
    }
