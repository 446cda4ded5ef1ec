"""HubSpot and HighLevel, as far as their rooms let apps in: the first token, the renewal, and the way by the browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from crmhub import services, sync
from crmhub.models import Connection
from crmhub.sync.sweep import has_work
from crmhub.tests.engine.conftest import Hub
from crmhub.tests.oauth.conftest import asked_for_tokens, connect, start, stored, titles
from providers.registry import capabilities

pytestmark = pytest.mark.engine


@pytest.fixture(params=["hubspot", "highlevel"])
def vendor(request: pytest.FixtureRequest) -> str:
    code = str(request.param)
    if capabilities(code).oauth is None:
        pytest.skip(f"{code} lets no app in yet: its capabilities have no oauth")
    return code


def let_in(hub: Hub, code: str) -> tuple[Any, Connection]:
    """Return the vendor's simulator and a connection by its app, which has come back with a code from the vendor's page."""
    simulator = start(hub, code)
    if not hasattr(simulator, "app"):
        pytest.skip(f"the simulator of {code} knows no app yet")
    connection = connect(hub, simulator)
    code_given = simulator.grants.agree(redirect_uri=sync.redirect_uri())
    sync.let_in(connection, code=code_given, verifier="v" * 64, now=hub.now)
    return simulator, connection


@pytest.fixture(autouse=True)
def _reachable(settings: Any) -> None:
    settings.PUBLIC_URL = "https://hub.example.com"


def test_the_way_there_is_the_vendors_page_with_its_scopes(hub: Hub, vendor):
    secrets = {"client_id": "the-app-1", "client_secret": "hush-app-secret"}
    required = {one.name: "here" for one in capabilities(vendor).settings if one.is_required}
    real = services.connect_account(provider=vendor, name="Real", secrets=secrets, settings=required)

    address = sync.page_to_agree_at(real, state="s", verifier="v" * 64)

    oauth = capabilities(vendor).oauth
    assert oauth is not None
    query = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{oauth.authorize_url}?")
    assert query["scope"] == [" ".join(oauth.scopes)]
    assert query["redirect_uri"] == ["https://hub.example.com/oauth/callback"]


def test_the_code_opens_the_account_and_its_tokens_are_renewed(hub: Hub, vendor, grace):
    simulator, connection = let_in(hub, vendor)
    checkup = sync.check_connection(stored(connection), now=hub.now)
    first = stored(connection).secrets
    hub.wait(simulator.app_token_lasts * 0.9)
    hub.save_task(contacts=[grace])

    hub.settle()

    assert checkup.is_well, checkup.error
    assert titles(simulator) == ["Call Grace"]
    assert stored(connection).secrets["access_token"] != first["access_token"]
    assert asked_for_tokens(simulator) == 2


def test_a_token_that_ends_early_costs_no_task(hub: Hub, vendor, grace):
    simulator, connection = let_in(hub, vendor)
    sync.check_connection(stored(connection), now=hub.now)
    hub.wait(60)
    hub.save_task(contacts=[grace])
    simulator.grants.end_access()

    hub.settle()

    assert titles(simulator) == ["Call Grace"]
    assert stored(connection).reauthorise_since is None


def test_an_account_that_lies_still_for_two_years_needs_nobody(hub: Hub, vendor, grace):
    simulator, connection = let_in(hub, vendor)
    sync.check_connection(stored(connection), now=hub.now)

    for _ in range(8):
        hub.wait(86_400 * 91)
        if has_work(stored(connection), now=hub.now):
            hub.push()
    idle = asked_for_tokens(simulator)
    hub.save_task(contacts=[grace])
    hub.settle()

    assert titles(simulator) == ["Call Grace"]
    assert idle == {"hubspot": 1, "highlevel": 3}[vendor]


def test_an_app_that_was_taken_out_there_needs_a_person(hub: Hub, vendor, grace):
    simulator, connection = let_in(hub, vendor)
    sync.check_connection(connection, now=hub.now)
    hub.save_task(contacts=[grace])
    simulator.grants.revoke()

    hub.settle(rounds=3)

    assert stored(connection).reauthorise_since is not None
    assert titles(simulator) == []
