"""An app that is let into a sub-account: agreeing, the code, tokens that end, refresh tokens that work once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from providers.errors import (
    Forbidden,
    Permanent,
    ProviderError,
    RateLimited,
    Transient,
    Unauthorized,
    Unconfirmed,
)
from providers.highlevel import apps
from providers.highlevel.provider import HighLevel
from providers.http import HttpTransport, Recorder
from providers.oauth import address_to_agree_at
from providers.simulator.server import Reply
from providers.tests.worlds import new_key

BACK = "https://hub.example/oauth/callback?connection=1"


@pytest.fixture(params=["2021-07-28", "v3"])
def version(request):
    """Each version of the API in turn; they name the fields of the token endpoint differently."""
    return request.param


@pytest.fixture
def app(world, version):
    """The account as an app comes into it, with no token yet."""
    settings = {**world.account.settings, "api_version": version}
    return world.another(replace(world.account, secrets=world.simulator.app, settings=settings))


def agreed(world, app, **changes):
    """Return what staff come back with from HighLevel's page."""
    address = address_to_agree_at(
        app.capabilities.oauth,
        client_id=changes.get("client_id", world.simulator.app["client_id"]),
        redirect_uri=changes.get("redirect_uri", BACK),
        state="state-4711",
        at=f"{world.server.url}/v2/oauth/chooselocation",
    )
    reply = httpx2.get(address)
    assert reply.status_code == 302, reply.text
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["Location"]).query).items()}


def holding(app, tokens, **secrets):
    """Return the account as it is opened with these tokens."""
    held = {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}
    account = replace(app.account, secrets={**app.account.secrets, **held, **secrets})
    return HighLevel(account, app.transport)


@pytest.fixture
def tokens(world, app):
    """The tokens of an app that was just let in."""
    return app.exchange_code(agreed(world, app)["code"], redirect_uri=BACK)


# Letting in


def test_staff_are_sent_to_highlevels_own_page_with_the_scopes_that_the_hub_needs(app):
    address = urlsplit(
        address_to_agree_at(app.capabilities.oauth, client_id="C", redirect_uri=BACK, state="S")
    )

    assert (address.netloc, address.path) == ("marketplace.gohighlevel.com", "/v2/oauth/chooselocation")
    assert {name: one for name, [one] in parse_qs(address.query).items()} == {
        "response_type": "code",
        "client_id": "C",
        "redirect_uri": BACK,
        "scope": "contacts.readonly contacts.write users.readonly locations.readonly locations/tasks.readonly",
        "state": "S",
    }


def test_a_whole_flow_opens_the_account(world, app):
    back = agreed(world, app)
    tokens = app.exchange_code(back["code"], redirect_uri=BACK)

    assert back["state"] == "state-4711"
    assert back["connection"] == "1"
    assert tokens.account_id == world.account.settings["location_id"]
    assert timedelta(hours=23) < tokens.expires_at - datetime.now(UTC) < timedelta(hours=24)
    assert holding(app, tokens).check().id == tokens.account_id
    assert len(world.held(_made_by(world, holding(app, tokens)))) == 1


def _made_by(world, provider):
    key = new_key()
    provider.create_task(world.draft(), key=key)
    return key


@pytest.mark.parametrize("spoil", ["used", "old", "foreign", "elsewhere", "made up"])
def test_a_code_that_is_no_good_is_unauthorized(world, app, spoil):
    code = agreed(world, app)["code"]
    redirect_uri = BACK
    if spoil == "used":
        app.exchange_code(code, redirect_uri=BACK)
    if spoil == "old":
        world.simulator.move_clock(61)
    if spoil == "foreign":
        world.simulator.app = {"client_id": "another", "client_secret": "another-secret"}
    if spoil == "elsewhere":
        redirect_uri = "https://hub.example/elsewhere"
    if spoil == "made up":
        code = "0" * 32

    with pytest.raises(Unauthorized) as caught:
        app.exchange_code(code, redirect_uri=redirect_uri)

    assert caught.value.detail.endswith(".")
    assert code not in repr(vars(caught.value))


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
@pytest.mark.parametrize("value", ["", "wrong"])
def test_an_app_that_highlevel_does_not_know_is_unauthorized(world, app, name, value):
    stranger = HighLevel(replace(app.account, secrets={**app.account.secrets, name: value}), app.transport)

    with pytest.raises(Unauthorized, match="Compare client id and client secret"):
        stranger.exchange_code(agreed(world, app)["code"], redirect_uri=BACK)


def test_an_agency_that_was_chosen_instead_of_the_sub_account_is_told_as_such(world, app):
    world.simulator.is_agency_chosen = True

    with pytest.raises(Unauthorized, match="choose the sub-account"):
        app.exchange_code(agreed(world, app)["code"], redirect_uri=BACK)


@pytest.mark.parametrize(
    "asked",
    [
        {"response_type": "token"},
        {"client_id": "another"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": ""},
        {"scope": ""},
        {"scope": "everything"},
    ],
)
def test_the_page_of_the_simulated_account_sends_nobody_back_who_asks_wrongly(world, asked):
    right = {
        "response_type": "code",
        "client_id": world.simulator.app["client_id"],
        "redirect_uri": BACK,
        "scope": "contacts.readonly",
    }

    reply = httpx2.get(f"{world.server.url}/v2/oauth/chooselocation", params={**right, **asked})

    assert (reply.status_code, "Location" in reply.headers) == (400, False)


def test_what_staff_did_not_agree_to_the_app_may_not_do(world, app):
    narrow = replace(app.capabilities.oauth, scopes=("contacts.readonly", "locations.readonly"))
    address = address_to_agree_at(
        narrow,
        client_id=world.simulator.app["client_id"],
        redirect_uri=BACK,
        state="",
        at=f"{world.server.url}/v2/oauth/chooselocation",
    )
    code = parse_qs(urlsplit(httpx2.get(address).headers["Location"]).query)["code"][0]
    let_in = holding(app, app.exchange_code(code, redirect_uri=BACK))
    renewed = holding(app, let_in.refresh_tokens())

    for provider in (let_in, renewed):
        if provider is renewed:
            assert provider.check().id
        with pytest.raises(Forbidden) as caught:
            provider.create_task(world.draft(), key=new_key())
        assert caught.value.scope == "contacts.write"


# Tokens that end


def test_an_access_token_ends_and_is_renewed(world, app, tokens):
    world.simulator.move_clock(86_400)
    with pytest.raises(Unauthorized):
        holding(app, tokens).check()

    renewed = holding(app, tokens).refresh_tokens()

    assert holding(app, renewed).check().id == world.account.settings["location_id"]
    assert renewed.refresh_token != tokens.refresh_token


def test_a_token_may_be_ended_in_the_middle_of_the_work(world, app, tokens):
    world.simulator.fail_next("expire")

    with pytest.raises(Unauthorized, match="let the app in again"):
        holding(app, tokens).check()


def test_a_refresh_token_works_once(app, tokens):
    first = holding(app, tokens)
    renewed = first.refresh_tokens()

    with pytest.raises(Unauthorized, match="let the app in again"):
        first.refresh_tokens()
    assert holding(app, renewed).check().id


def test_a_refresh_token_of_an_app_that_was_removed_is_unauthorized(world, app, tokens):
    world.simulator.grants.revoke()

    with pytest.raises(Unauthorized):
        holding(app, tokens).refresh_tokens()


def test_without_a_refresh_token_nobody_is_asked(world, app):
    before = len(world.simulator.log)

    with pytest.raises(Unauthorized, match="let the app in again"):
        app.refresh_tokens()

    assert len(world.simulator.log) == before


@pytest.mark.parametrize("kind", ["hang", "drop", "html", "empty", "garbage", "status"])
def test_a_lost_answer_to_a_refresh_is_unconfirmed_for_the_token_may_be_used_up(world, app, tokens, kind):
    impatient = HighLevel(holding(app, tokens).account, _waiting_half_a_second(world))
    world.simulator.fail_next(kind, "POST /oauth/token", after_write=True)

    with pytest.raises(Unconfirmed):
        impatient.refresh_tokens()
    with pytest.raises(Unauthorized):
        impatient.refresh_tokens()


def _waiting_half_a_second(world):
    transport = HttpTransport((), any_host=True, deadline_s=0.5)
    world.transports.append(transport)
    return transport


def test_a_sub_account_that_is_paused_keeps_its_refresh_token(world, app, tokens):
    world.simulator.is_paused = True
    with pytest.raises(Transient, match="paused"):
        holding(app, tokens).refresh_tokens()
    world.simulator.is_paused = False

    assert holding(app, tokens).refresh_tokens().access_token


def test_a_refresh_over_the_limit_waits_and_uses_nothing_up(world, app, tokens):
    world.simulator.fail_next("rate_limited", "POST /oauth/token", seconds=7)
    with pytest.raises(RateLimited):
        holding(app, tokens).refresh_tokens()

    assert holding(app, tokens).refresh_tokens().refresh_token


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"access_token": ""},
        {"refresh_token": "R"},
        {"access_token": 7, "refresh_token": "R"},
        {"accessToken": None},
    ],
)
def test_an_answer_without_tokens_is_unconfirmed(world, app, tokens, body):
    world.simulator.refusal = lambda _status: Reply(200, body)
    world.simulator.fail_next("status", "POST /oauth/token", status=200)

    with pytest.raises(Unconfirmed):
        holding(app, tokens).refresh_tokens()


@pytest.mark.parametrize("status", [*range(400, 500), 500, 502, 503, 504, 599])
def test_whatever_is_answered_is_an_error_in_words(world, app, tokens, status):
    world.simulator.fail_next("status", "POST /oauth/token", status=status)

    with pytest.raises(ProviderError) as caught:
        holding(app, tokens).refresh_tokens()

    assert caught.value.detail.endswith(".")
    assert isinstance(caught.value, Unconfirmed) == (status >= 500 or status == 408)


# What is kept


def test_no_token_no_code_and_no_secret_is_in_anything_that_is_kept(world, app):
    recorder = Recorder(app.transport, secrets=app.account.secrets.values())
    recorded = HighLevel(app.account, recorder)
    code = agreed(world, app)["code"]
    tokens = recorded.exchange_code(code, redirect_uri=BACK)
    opened = holding(recorded, tokens)
    renewed = opened.refresh_tokens()
    said = []
    for kind in ("echo", "status"):
        world.simulator.fail_next(kind, status=400)
        with pytest.raises(ProviderError) as caught:
            opened.refresh_tokens()
        said.append(repr(caught.value) + repr(vars(caught.value)))
    with pytest.raises(ProviderError) as caught:
        opened.exchange_code(code, redirect_uri=BACK)
    holding(opened, renewed).check()

    kept = repr([recorder.exchanges, tokens, renewed, opened.account, said, vars(caught.value)])
    secrets = {
        code,
        *world.simulator.app.values(),
        *(one.access_token for one in (tokens, renewed)),
        *(one.refresh_token for one in (tokens, renewed)),
    } - {world.simulator.app["client_id"]}
    assert [one for one in secrets if one in kept] == []
    assert "grant_type" in kept or "grantType" in kept


# The two spellings


def test_the_fields_are_named_as_the_version_names_them():
    asked = {"grant_type": "refresh_token", "client_id": "C", "refresh_token": "R"}

    assert apps.form("2021-07-28", **asked) == {**asked, "user_type": "Location"}
    assert apps.form("v3", **asked) == {
        "grantType": "refresh_token",
        "clientId": "C",
        "refreshToken": "R",
        "userType": "Location",
    }


@pytest.mark.parametrize(
    ("lasts", "seconds"),
    [
        (1800, 1800),
        (86399, 86399),
        (0.5, 0.5),
        (0, 86399),
        (-1, 86399),
        (None, 86399),
        ("1800", 86399),
        (True, 86399),
        (1e300, 86399),
        (float("nan"), 86399),
    ],
)
def test_a_length_that_makes_no_sense_loses_no_token(lasts, seconds):
    noon = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    body = {"access_token": "A", "refresh_token": "R", "expires_in": lasts}

    assert apps.tokens_in(body, asked_at=noon).expires_at == noon + timedelta(seconds=seconds)


def test_a_refresh_token_that_is_not_replaced_stays_in_use():
    noon = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    assert apps.tokens_in({"access_token": "A"}, asked_at=noon, refresh_token="R").refresh_token == "R"


def test_what_is_asked_for_wrongly_by_us_is_no_matter_of_credentials(world, app):
    world.simulator.refusal = lambda _status: Reply(
        400, {"statusCode": 400, "message": "Invalid parameter: grantType"}
    )
    world.simulator.fail_next("status", "POST /oauth/token", status=400)

    with pytest.raises(Permanent) as caught:
        app.exchange_code("code-4711", redirect_uri=BACK)

    assert not isinstance(caught.value, Unauthorized)
