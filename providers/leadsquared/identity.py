"""Whose LeadSquared account the keys open, and where it lives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from providers.error_cases import Answer
from providers.errors import Permanent, Transient, Unauthorized
from providers.json_api import JsonApi
from providers.leadsquared import answers
from providers.leadsquared.error_cases import REGION
from providers.types import Account, Identity
from providers.waiting import server_time

WHO_AM_I = "/v2/Authentication.svc/UserByAccessKey.Get"


def identity(api: JsonApi, account: Account, *, base_url: str) -> Identity:
    """Return who we are there, in one call that works on every region's host.

    Raises `Unauthorized` where `base_url` is another region's, `Permanent` where the keys open another account than before.
    """
    answer = api.call("GET", WHO_AM_I)
    user = answers.object_in(answer)
    organisation, name = _organisation(user, answer)
    _refuse_other_region(user, base_url)
    _refuse_other_account(organisation, account)
    zone = str(user.get("TimeZone") or "UTC")
    return Identity(
        id=organisation,
        name=name,
        user=str(user.get("Name") or user.get("Id") or ""),
        time_zone=zone,
        server_time=server_time(answer.headers),
        learned={
            **account.learned,
            "time_zone": zone,
            "user_id": str(user["Id"]),
            "account_id": organisation,
        },
    )


def _organisation(user: Mapping[str, Any], answer: Answer) -> tuple[str, str]:
    """Return the id and the name of the account that the user is of."""
    told = [str(user[name]) for name in ("OrgId", "OrgShortCode") if user.get(name)]
    if not told or not user.get("Id"):
        raise Transient("LeadSquared answered without the user of these keys.", status=answer.status)
    return told[0], told[-1]


def _refuse_other_region(user: Mapping[str, Any], base_url: str) -> None:
    urls = user.get("LSQCommonServiceURLs")
    home = str(urls.get("api") or "") if isinstance(urls, Mapping) else ""
    host = home.partition("//")[2] or home
    host = re.split("[/:?#]", host.lower(), maxsplit=1)[0]
    if REGION.fullmatch(host) and host != urlsplit(base_url).hostname:
        raise Unauthorized(f"This LeadSquared account lives at https://{host}: give that as the base URL.")


def _refuse_other_account(organisation: str, account: Account) -> None:
    known = str(account.learned.get("account_id") or organisation)
    if organisation != known:
        raise Permanent(
            f"These keys open the LeadSquared account {organisation}; this connection belongs to {known}. "
            "Give the keys of that account, or make another connection."
        )
