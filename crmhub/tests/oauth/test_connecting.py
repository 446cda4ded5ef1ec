"""Connecting by an app: from the command line, in the form, and from one way in to the other."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from crmhub import services, sync
from crmhub.models import Connection
from crmhub.tests.admin.conftest import Browser
from crmhub.tests.commands.conftest import run
from crmhub.tests.engine.conftest import Hub
from crmhub.tests.oauth.conftest import asked_for_tokens, connect, let_in, start, stored

pytestmark = pytest.mark.engine

APP = {"client_id": "the-app-1", "client_secret": "hush-app-secret"}
FORM = "crmhub/connection/add/"


@pytest.fixture
def browser(ada: Any) -> Browser:
    """Ada, who may change connections."""
    ada.is_superuser = True
    ada.save()
    return Browser(ada)


def told(hub: Hub, code: str, tmp_path: Any, **secrets: str) -> Any:
    """Run `connect` with these secrets in files."""
    words = []
    for name, value in secrets.items():
        (tmp_path / name).write_text(value)
        words += ["--secret", f"{name}=@{tmp_path / name}"]
    return run("connect", code, "--name", "Main", *words, "--base-url", hub.servers[code].url)


# The command line


def test_connect_with_a_refresh_token_gets_its_first_access_token(hub: Hub, each, tmp_path):
    simulator = start(hub, each)

    said = told(hub, each, tmp_path, **APP, refresh_token=simulator.grants.grant().refresh_token)

    connection = Connection.objects.get()
    assert "knows us: A tiny account" in said.out
    assert "it is renewed by itself" in said.out
    assert simulator.grants.is_open(connection.secrets["access_token"])


def test_connect_without_a_token_stores_and_says_where_to_authorise(hub: Hub, tmp_path, settings):
    settings.PUBLIC_URL = "https://hub.example.com"
    simulator = start(hub, "appcrm")

    said = told(hub, "appcrm", tmp_path, **APP)

    connection = Connection.objects.get()
    page = f"https://hub.example.com/admin/crmhub/connection/{connection.pk}/change/"
    assert f"Open {page} and press “Authorise at AppCRM”." in said.out
    assert "https://hub.example.com/oauth/callback" in said.out
    assert said.out.splitlines()[-1] == str(connection.pk)
    assert connection.reauthorise_since is not None
    assert list(simulator.log) == []


def test_connect_says_what_to_set_where_nobody_can_be_sent_back(hub: Hub, tmp_path):
    start(hub, "appcrm")

    said = told(hub, "appcrm", tmp_path, **APP)

    assert "Authorising in the browser is off: set PUBLIC_URL" in said.out
    assert "--secret refresh_token=" in said.out


def test_the_same_command_with_a_refresh_token_puts_it_right(hub: Hub, tmp_path):
    simulator = start(hub, "appcrm")
    told(hub, "appcrm", tmp_path, **APP)

    said = told(hub, "appcrm", tmp_path, **APP, refresh_token=simulator.grants.grant().refresh_token)

    assert "AppCRM knows us" in said.out
    assert Connection.objects.get().reauthorise_since is None


@pytest.mark.parametrize(
    ("secrets", "words"),
    [
        ({"client_id": "the-app-1"}, "client_secret is missing"),
        ({"client_secret": "hush"}, "client_id is missing"),
        ({}, "key is missing"),
        ({**APP, "password": "x"}, "AppCRM has no secret password"),
    ],
)
def test_half_an_app_is_refused(hub: Hub, tmp_path, secrets, words):
    start(hub, "appcrm")

    with pytest.raises(CommandError, match=words):
        told(hub, "appcrm", tmp_path, **secrets)

    assert not Connection.objects.exists()


def test_a_crm_without_apps_takes_none(hub: Hub):
    with pytest.raises(CommandError, match="LeadLex has no secret client_id"):
        run("connect", "leadlex", "--name", "Main", "--secret", "client_id=x")


def test_doctor_tells_when_the_access_token_ends(hub: Hub, each):
    simulator, _ = let_in(hub, each)

    said = run("doctor")

    assert "Access token: until " in said.out
    assert "it is renewed by itself" in said.out
    assert asked_for_tokens(simulator) == 1


def test_doctor_says_that_an_app_is_not_let_in(hub: Hub):
    simulator = start(hub, "appcrm")
    connect(hub, simulator)

    with pytest.raises(CommandError, match="1 thing is wrong"):
        run("doctor")

    assert list(simulator.log) == []


# The form


def test_the_form_asks_for_one_way_and_takes_an_app(hub: Hub, browser):
    simulator = start(hub, "appcrm")
    values = browser.fill(FORM, provider="appcrm")

    browser.send(
        f"{FORM}?provider=appcrm",
        {
            **values,
            "name": "Main",
            "way": "app",
            "base_url": hub.servers["appcrm"].url,
            "secret_client_id": APP["client_id"],
            "secret_client_secret": APP["client_secret"],
        },
    )

    connection = Connection.objects.get()
    assert connection.secrets == APP
    assert "Main is stored. The app has not been let into the account yet" in browser.said
    assert APP["client_secret"] not in browser.text
    assert list(simulator.log) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"way": "plain"}, "secret_key"),
        ({"way": "app", "secret_client_id": "x"}, "secret_client_secret"),
        ({"way": "app", "secret_key": "x", "secret_client_secret": "x"}, "secret_client_id"),
    ],
)
def test_only_the_fields_of_the_chosen_way_are_required(hub: Hub, browser, changes, field):
    values = browser.fill(FORM, provider="appcrm")

    browser.send(f"{FORM}?provider=appcrm", {**values, "name": "Main", **changes})

    assert list(browser.page.context["form"].errors) == [field]
    assert not Connection.objects.exists()


def test_what_was_typed_for_the_other_way_is_not_stored(hub: Hub, browser):
    start(hub, "appcrm")
    values = browser.fill(FORM, provider="appcrm")
    filled = {"secret_key": "tiny-key-for-tests", "secret_client_id": "x", "secret_refresh_token": "y"}

    browser.send(
        f"{FORM}?provider=appcrm",
        {**values, "name": "Main", "way": "plain", "base_url": hub.servers["appcrm"].url, **filled},
    )

    assert Connection.objects.get().secrets == {"key": "tiny-key-for-tests"}
    assert "AppCRM knows us" in browser.said


def test_the_form_of_an_app_shows_its_way_and_keeps_its_tokens(hub: Hub, browser):
    _, connection = let_in(hub, "appcrm")
    sync.check_connection(connection, now=hub.now)
    before = stored(connection).secrets
    path = f"crmhub/connection/{connection.pk}/change/"

    values = browser.fill(path)
    browser.send(path, {**values, "setting_gone_there": "recreate"})

    assert values["way"] == "app"
    assert stored(connection).settings["gone_there"] == "recreate"
    assert stored(connection).secrets == before
    assert not [one for one in before.values() if one != "the-app-1" and one in browser.text]


# From one way to the other


def test_an_account_goes_over_from_a_token_to_an_app_and_back(hub: Hub):
    simulator = start(hub, "appcrm")
    connection = services.connect_account(
        provider="appcrm",
        name="Main",
        secrets=simulator.secret,
        base_url=hub.servers["appcrm"].url,
        now=hub.now,
    )

    services.change_connection(connection=connection, secrets=APP)
    as_app = stored(connection)
    services.change_connection(connection=connection, secrets=simulator.secret)
    as_plain = stored(connection)

    beside = {"webhook_secret": simulator.secret["webhook_secret"]}
    assert (as_app.secrets, as_app.reauthorise_since is not None) == ({**APP, **beside}, True)
    assert (as_plain.secrets, as_plain.reauthorise_since, as_plain.last_error) == (simulator.secret, None, "")


def test_another_app_does_not_inherit_tokens_and_a_new_secret_of_the_same_app_does(hub: Hub):
    _, connection = let_in(hub, "appcrm")
    before = connection.secrets

    services.change_connection(connection=connection, secrets={"client_secret": "newer"})
    same = stored(connection)
    services.change_connection(
        connection=connection, secrets={"client_id": "the-app-2", "client_secret": "other"}
    )
    other = stored(connection)

    assert same.secrets == {**before, "client_secret": "newer"}
    assert other.secrets == {"client_id": "the-app-2", "client_secret": "other"}
    assert other.reauthorise_since is not None


def test_a_new_webhook_secret_leaves_the_tokens_and_whoever_renews_them_alone(hub: Hub):
    _, connection = let_in(hub, "appcrm")
    sync.check_connection(connection, now=hub.now)
    renewed_by_another = hub.now + timedelta(seconds=60)
    Connection.objects.update(refreshing_until=renewed_by_another)
    before = stored(connection)

    services.change_connection(connection=connection, secrets={"webhook_secret": "newer"})

    kept = stored(connection)
    assert kept.secrets == {**before.secrets, "webhook_secret": "newer"}
    assert (kept.token_obtained_at, kept.token_expires_at) == (hub.now, before.token_expires_at)
    assert kept.refreshing_until == renewed_by_another


def test_a_new_webhook_secret_does_not_take_refused_credentials_for_good_ones(hub: Hub):
    _, connection = let_in(hub, "appcrm")
    Connection.objects.update(reauthorise_since=hub.now, last_error="refused", switched_off={"delete": "x"})

    services.change_connection(connection=connection, secrets={"webhook_secret": "newer"})

    kept = stored(connection)
    assert (kept.reauthorise_since, kept.last_error) == (hub.now, "refused")
    assert kept.switched_off == {"delete": "x"}


def test_a_part_of_an_app_is_refused_where_the_rest_is_not_there(hub: Hub):
    simulator = start(hub, "appcrm")
    connection = services.connect_account(provider="appcrm", name="Main", secrets=simulator.secret)

    with pytest.raises(ValidationError, match="client_secret is missing"):
        services.change_connection(connection=connection, secrets={"client_id": "x"})

    assert stored(connection).secrets == simulator.secret


def test_the_api_and_the_lists_tell_no_secret(hub: Hub, browser):
    _, connection = let_in(hub, "appcrm")
    sync.check_connection(connection, now=hub.now)

    pages = [browser.open(path) for path in ("", "crmhub/connection/")]

    hidden = set(stored(connection).secrets.values()) - {"the-app-1"}
    assert not [one for one in hidden for page in pages if one in page]
    assert not [one for one in hidden if one in json.dumps(list(connection.history.values()), default=str)]
