"""Letting an app into a HubSpot account: the whole way, and every way in which it ends otherwise."""

from __future__ import annotations

import http.client
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from providers.errors import Forbidden, Transient, Unauthorized, Unconfirmed
from providers.http import Recorder
from providers.hubspot.capabilities import CAPABILITIES
from providers.hubspot.provider import HubSpot
from providers.oauth import address_to_agree_at, challenge_of
from providers.simulator import Call
from providers.tests.worlds import new_key
from providers.types import NewTask

REDIRECT = "http://127.0.0.1:8000/oauth/callback/"


@pytest.fixture
def app(world):
    """The provider of an app that is not let in yet."""
    return with_secrets(world, world.simulator.app)


def with_secrets(world, secrets, **learned):
    account = replace(world.account, secrets=secrets, learned={**world.account.learned, **learned})
    return HubSpot(account, Recorder(world.transports[0], secrets=secrets.values()))


def agreed(world, ask, **changes):
    """Send staff to the page and return what they come back with."""
    oauth = replace(CAPABILITIES.oauth, **changes)
    asked = {"client_id": world.simulator.app["client_id"], "redirect_uri": REDIRECT, "state": "s1"}
    url = address_to_agree_at(oauth, **asked, at=f"{world.server.url}/oauth/authorize")
    parts = urlsplit(url)
    status, headers, _ = ask("GET", f"{parts.path}?{parts.query}", Authorization=None)
    assert status == 302
    assert headers["location"].startswith(REDIRECT)
    return {name: value for name, [value] in parse_qs(urlsplit(headers["location"]).query).items()}


def let_in(world, ask, app, **changes):
    tokens = app.exchange_code(agreed(world, ask, **changes)["code"], redirect_uri=REDIRECT)
    tokens_only = {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}
    return with_secrets(world, {**world.simulator.app, **tokens_only})


def test_an_app_is_let_in_works_and_is_let_in_again(world, ask, app):
    back = agreed(world, ask)

    tokens = app.exchange_code(back["code"], redirect_uri=REDIRECT)

    assert back["state"] == "s1"
    assert tokens.account_id == "4711"
    assert timedelta(minutes=29) < tokens.expires_at - datetime.now(UTC) <= timedelta(minutes=30)
    provider = let_in(world, ask, app)
    provider.create_task(world.draft(), key=new_key())
    again = provider.refresh_tokens()
    assert again.access_token != provider.account.secrets["access_token"]
    assert again.refresh_token == provider.account.secrets["refresh_token"]


def test_what_an_app_may_do_is_what_it_was_let_in_for(world, ask, app):
    provider = let_in(world, ask, app, optional_scopes=("crm.objects.deals.read",))

    assert set(provider.check().scopes) == {*CAPABILITIES.oauth.scopes, "crm.objects.deals.read"}
    with pytest.raises(Forbidden) as refusal:
        provider.find_records("company", "Compilers")
    assert refusal.value.scope == "crm.objects.companies.read"


@pytest.mark.parametrize(
    "query",
    [
        "client_id=other&scope=oauth",
        "scope=crm.objects.unicorns.read+oauth",
        "scope=crm.objects.contacts.read",
    ],
)
def test_the_page_refuses_an_app_that_asks_for_what_it_does_not_have(world, ask, query):
    client = "" if "client_id" in query else f"&client_id={world.simulator.app['client_id']}"

    answer = world.simulator.answer(call_of(f"{query}{client}&redirect_uri={REDIRECT}"))

    assert answer.status == 400


def call_of(query):

    return Call("GET", "/oauth/authorize", {name: one for name, [one] in parse_qs(query).items()}, {}, b"")


def used(world, ask, app):
    code = agreed(world, ask)["code"]
    app.exchange_code(code, redirect_uri=REDIRECT)
    return code


def old(world, ask, app):
    code = agreed(world, ask)["code"]
    world.simulator.move_clock(120)
    return code


@pytest.mark.parametrize("code_of", [used, old, lambda *_: "foreign", lambda *_: ""])
def test_a_code_that_is_used_old_or_foreign_lets_nobody_in(world, ask, app, code_of):
    with pytest.raises(Unauthorized, match="Connect the account again"):
        app.exchange_code(code_of(world, ask, app), redirect_uri=REDIRECT)


def test_a_code_is_good_for_its_own_address_only(world, ask, app):
    with pytest.raises(Unauthorized):
        app.exchange_code(agreed(world, ask)["code"], redirect_uri=f"{REDIRECT}other/")


def test_a_code_that_was_asked_for_with_a_challenge_needs_the_verifier(world, app):
    codes = [
        world.simulator.grants.agree(redirect_uri=REDIRECT, challenge=challenge_of("v" * 43))
        for _ in range(2)
    ]

    with pytest.raises(Unauthorized):
        app.exchange_code(codes[0], redirect_uri=REDIRECT, verifier="w" * 43)
    assert app.exchange_code(codes[1], redirect_uri=REDIRECT, verifier="v" * 43).access_token


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"client_id": "other"}, "does not know the app"),
        ({"client_secret": "other"}, "does not know the app"),
        ({"client_id": ""}, "client id or the client secret of the app is missing"),
        ({"client_secret": ""}, "client id or the client secret of the app is missing"),
        ({"refresh_token": "other"}, "Connect the account again"),
        ({"refresh_token": ""}, "Connect the account again"),
    ],
)
def test_tokens_are_refused_in_words_that_name_what_to_do(world, ask, app, changed, words):
    secrets = {**let_in(world, ask, app).account.secrets, **changed}

    with pytest.raises(Unauthorized, match=words):
        with_secrets(world, secrets).refresh_tokens()


def test_an_app_that_was_let_out_is_unauthorized(world, ask, app):
    provider = let_in(world, ask, app)
    world.simulator.grants.revoke()

    with pytest.raises(Unauthorized):
        provider.refresh_tokens()
    with pytest.raises(Unauthorized):
        provider.check()


def test_an_access_token_ends_after_half_an_hour_and_the_refreshed_one_works(world, ask, app):
    provider = let_in(world, ask, app)
    world.simulator.move_clock(1801)

    with pytest.raises(Unauthorized, match="has expired"):
        provider.create_task(world.draft(), key=new_key())
    tokens = provider.refresh_tokens()

    secrets = {**provider.account.secrets, "access_token": tokens.access_token}
    assert with_secrets(world, secrets).create_task(world.draft(), key=new_key()).ref.id


def test_a_token_that_ends_in_the_middle_of_a_batch_lands_nothing(world, ask, app):

    provider = let_in(world, ask, app)
    world.simulator.fail_next("expire", "POST .*/batch/create")

    outcomes = provider.create_tasks([NewTask(world.draft(), new_key()) for _ in range(150)])

    assert {one.error.code for one in outcomes} == {"unauthorized"}
    assert world.simulator.tasks() == []


@pytest.mark.parametrize("kind", ["drop", "html", "empty", "garbage", "status"])
def test_a_lost_answer_is_unconfirmed(world, ask, app, kind):
    provider = let_in(world, ask, app)
    world.simulator.fail_next(kind, "POST /oauth", status=502)

    with pytest.raises(Unconfirmed):
        provider.refresh_tokens()


def test_a_token_path_over_its_limit_waits(world, ask, app):
    provider = let_in(world, ask, app)
    world.simulator.fail_next("rate_limited", "POST /oauth")

    with pytest.raises(Transient):
        provider.refresh_tokens()


@pytest.mark.parametrize("status", [None, 200, 400, 401, 403, 404, 429, 500])
def test_no_token_secret_or_code_is_in_what_is_kept(world, ask, app, status):
    provider, code = let_in(world, ask, app), agreed(world, ask)["code"]
    tokens = []
    if status is not None:
        world.simulator.fail_next("echo", "POST /oauth", status=status, times=None)

    said = []
    for call in (lambda: app.exchange_code(code, redirect_uri=REDIRECT), provider.refresh_tokens):
        try:
            tokens.append(call())
        except Exception as error:
            said.append(repr(error) + str(error) + repr(vars(error)))

    kept = repr(said) + repr(tokens) + repr(app.transport.exchanges) + repr(provider.transport.exchanges)
    hidden = [code, *provider.account.secrets.values(), *app.account.secrets.values()]
    hidden += [text for one in tokens for text in (one.access_token, one.refresh_token)]
    assert [text for text in hidden if text in kept and text != world.simulator.app["client_id"]] == []


@pytest.mark.parametrize("path", ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-03/token"])
def test_the_token_paths_take_a_form_and_nothing_else(ask, path):
    assert ask("POST", path, {"grant_type": "refresh_token"})[0] == 415


def test_an_app_revokes_its_own_token(world, ask, app):

    provider = let_in(world, ask, app)
    connection = http.client.HTTPConnection(urlsplit(world.server.url).netloc, timeout=5)
    form = "&".join(f"{name}={value}" for name, value in world.simulator.app.items())
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/oauth/v3/token/revoke", form, headers)
    status = connection.getresponse().status
    connection.close()

    assert status == 204
    with pytest.raises(Unauthorized):
        provider.refresh_tokens()


def test_an_app_has_a_rate_of_its_own_and_no_day(world, ask, app):
    provider = let_in(world, ask, app)

    assert provider.check().limits == ("109 of 110 requests left in these ten seconds",)
    for _ in range(109):
        provider.list_owners()
    with pytest.raises(Transient, match="over its limit"):
        provider.list_owners()
