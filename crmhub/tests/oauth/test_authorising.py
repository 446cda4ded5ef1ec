"""Letting an app in with the browser: to the CRM's page and back, by whoever began it, once, into the account that is meant."""

from __future__ import annotations

import json
import re
import urllib.request
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.test import Client

from crmhub import services, sync
from crmhub.models import Authorisation, Connection
from crmhub.tests.engine.conftest import Hub
from crmhub.tests.oauth.conftest import asked_for_tokens, connect, start, stored, titles

pytestmark = pytest.mark.engine

PUBLIC_URL = "https://hub.example.com"


class Browser:
    """Somebody who is signed in, and follows links to the CRM and back."""

    def __init__(self, user: Any) -> None:
        self.client = Client()
        self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        self.answer: Any = None

    def go(self, connection: Connection) -> str:
        """Press the button; returns where it leads."""
        self.answer = self.client.post(f"/admin/crmhub/connection/{connection.pk}/authorise/")
        assert self.answer.status_code == 200, self.answer
        link = re.search(r'href="(http[^"]+/oauth/[^"]+)" rel="noreferrer"', self.answer.content.decode())
        assert link is not None
        return unescape(link[1])

    def come_back(self, address: str) -> str:
        """Open the address to which the CRM sent the browser; returns what the page then says."""
        parts = urlsplit(address)
        self.answer = self.client.get(f"{parts.path}?{parts.query}", follow=True)
        return " ".join(str(one) for one in self.answer.context["messages"]) or " ".join(
            str(one) for one in get_messages(self.answer.wsgi_request)
        )


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def agree(address: str) -> str:
    """Agree on the CRM's page; returns where it sends the browser."""
    with pytest.raises(HTTPError) as answer:
        urllib.request.build_opener(_Stay).open(address, timeout=10)
    with answer.value:
        return str(answer.value.headers["Location"])


@pytest.fixture(autouse=True)
def _reachable(settings: Any) -> None:
    settings.PUBLIC_URL = PUBLIC_URL


@pytest.fixture
def boss(ada: Any) -> Any:
    """Ada, who may change connections."""
    ada.is_superuser = True
    ada.save()
    return ada


@pytest.fixture
def browser(boss: Any) -> Browser:
    return Browser(boss)


def waiting(hub: Hub, code: str) -> tuple[Any, Connection]:
    """Return a simulator and its connection, which has an app and no token."""
    simulator = start(hub, code)
    return simulator, connect(hub, simulator)


def test_an_app_without_a_token_is_stored_and_sends_nothing(hub: Hub, each):
    simulator, connection = waiting(hub, each)
    hub.save_task()

    hub.settle(rounds=2)
    checkup = sync.check_connection(connection, now=hub.now)

    kept = stored(connection)
    assert kept.health(hub.now) == Connection.Health.REAUTHORISE
    assert "has not been let into the account yet" in kept.last_error
    assert "has not been let into the account yet" in checkup.error
    assert list(simulator.log) == []


def test_from_the_button_to_the_crm_and_back_and_what_waited_is_sent(hub: Hub, each, browser):
    simulator, connection = waiting(hub, each)
    hub.save_task()

    there = browser.go(connection)
    said = browser.come_back(agree(there))
    hub.settle()

    kept = stored(connection)
    assert there.startswith(f"{hub.servers[each].url}/oauth/authorize?")
    assert f"knows us: A tiny account ({kept.account_id})" in said
    assert kept.health(hub.now) == Connection.Health.HEALTHY
    assert simulator.grants.is_open(kept.secrets["access_token"])
    assert titles(simulator) == ["Call Grace"]
    assert "Healthy" in browser.answer.content.decode()


def test_what_goes_along_is_the_app_the_way_back_a_state_and_a_challenge(hub: Hub, browser):
    _, connection = waiting(hub, "appcrm")
    _, calm = waiting(hub, "calmcrm")

    query = parse_qs(urlsplit(browser.go(connection)).query)
    of_calm = parse_qs(urlsplit(browser.go(calm)).query)

    assert query["client_id"] == ["the-app-1"]
    assert query["redirect_uri"] == [f"{PUBLIC_URL}/oauth/callback"]
    assert query["scope"] == ["tasks contacts"]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["state"][0]) >= 43
    assert query["state"] != of_calm["state"]
    assert "code_challenge" not in of_calm


def test_the_page_on_the_way_is_not_kept_and_leads_on_by_itself(hub: Hub, browser):
    _, connection = waiting(hub, "appcrm")

    there = browser.go(connection)

    assert browser.answer["Refresh"] == f"0; url={there}"
    assert "no-store" in browser.answer["Cache-Control"]
    assert "hush-app-secret" not in browser.answer.content.decode()


def test_the_vendors_own_page_is_used_for_an_account_at_its_usual_address(hub: Hub, browser):
    secrets = {"client_id": "the-app-1", "client_secret": "hush-app-secret"}
    real = services.connect_account(provider="appcrm", name="Real", secrets=secrets)

    assert browser.go(real).startswith("https://app.appcrm.example/oauth/authorize?")


def test_a_state_works_once(hub: Hub, browser):
    _, connection = waiting(hub, "calmcrm")
    back = agree(browser.go(connection))
    browser.come_back(back)
    version = stored(connection).credentials_version

    said = browser.come_back(back)

    assert "was used already" in said
    assert stored(connection).credentials_version == version


@pytest.mark.parametrize("state", ["", "made-up"])
def test_a_code_that_nobody_here_asked_for_is_not_taken(hub: Hub, browser, state):
    simulator, connection = waiting(hub, "appcrm")
    browser.go(connection)

    said = browser.come_back(f"/oauth/callback?code=planted&state={state}")

    assert "not begun here by you" in said
    assert asked_for_tokens(simulator) == 0


def test_a_state_lasts_ten_minutes(hub: Hub, browser):
    simulator, connection = waiting(hub, "appcrm")
    back = agree(browser.go(connection))
    Authorisation.objects.update(expires_at=hub.now - timedelta(seconds=1))

    said = browser.come_back(back)

    assert "older than ten minutes" in said
    assert asked_for_tokens(simulator) == 0
    assert stored(connection).reauthorise_since is not None


def test_a_state_is_of_the_person_and_the_session_that_began(hub: Hub, boss, browser):
    simulator, connection = waiting(hub, "appcrm")
    mallory = get_user_model().objects.create_superuser("mallory", "m@example.com", "correct horse")
    others = [Browser(mallory), Browser(boss)]  # another person, and Ada at another machine

    said = [other.come_back(agree(browser.go(connection))) for other in others]

    assert all("not begun here by you" in one for one in said)
    assert asked_for_tokens(simulator) == 0


def test_whoever_is_not_signed_in_is_shown_the_login_and_the_code_stays_out_of_its_address(hub: Hub, browser):
    _, connection = waiting(hub, "appcrm")
    back = urlsplit(agree(browser.go(connection)))

    answer = Client().get(f"{back.path}?{back.query}")

    assert answer.status_code == 302
    assert answer["Location"] == "/admin/login/"


def test_the_database_does_not_hold_what_brings_somebody_back(hub: Hub, browser):
    _, connection = waiting(hub, "appcrm")

    query = parse_qs(urlsplit(browser.go(connection)).query)

    row = Authorisation.objects.values().get()
    assert query["state"][0] not in str(row)
    assert browser.client.session.session_key not in str(row)


def test_a_person_who_did_not_agree_is_said_so_on_the_connections_page(hub: Hub, browser):
    simulator, connection = waiting(hub, "appcrm")
    simulator.denies = True

    said = browser.come_back(agree(browser.go(connection)))

    assert "AppCRM did not let the app in: whoever was asked there did not agree (access_denied)." in said
    assert browser.answer.request["PATH_INFO"].endswith(f"{connection.pk}/change/")


def test_what_a_vendor_says_is_shown_as_text(hub: Hub, browser):
    _, connection = waiting(hub, "appcrm")
    state = parse_qs(urlsplit(browser.go(connection)).query)["state"][0]

    said = browser.come_back(
        f"/oauth/callback?state={state}&error=invalid_scope&error_description=%3Cscript%3Ealert(1)%3C/script%3E"
    )

    assert "invalid_scope (<script>alert(1)</script>)." in said
    assert "<script>alert(1)" not in browser.answer.content.decode()


def test_the_account_that_comes_back_must_be_the_connections(hub: Hub, each, browser):
    simulator, connection = waiting(hub, each)
    browser.come_back(agree(browser.go(connection)))
    before = stored(connection)
    simulator.account = "account-2"

    said = browser.come_back(agree(browser.go(connection)))

    kept = stored(connection)
    assert "The app was let into another account: account-2." in said
    assert "This connection is for A tiny account (account-1)" in said
    assert kept.secrets == before.secrets
    assert kept.health(hub.now) == Connection.Health.HEALTHY


def test_a_vendor_that_does_not_say_whose_tokens_they_are_is_asked(hub: Hub, browser):
    simulator, connection = waiting(hub, "appcrm")
    simulator.account = ""
    browser.come_back(agree(browser.go(connection)))

    said = browser.come_back(agree(browser.go(connection)))
    Connection.objects.update(account_id="somebody-elses")
    refused = browser.come_back(agree(browser.go(connection)))

    assert "The app was let in" in said
    assert "The app was let into another account: account-1." in refused


@pytest.mark.parametrize("fault", ["drop", "status", "garbage"])
def test_a_code_that_cannot_be_exchanged_changes_nothing(hub: Hub, each, browser, fault):
    simulator, connection = waiting(hub, each)
    back = agree(browser.go(connection))
    simulator.fail_next(fault, "POST /oauth/token")

    said = browser.come_back(back)

    assert "did not let the app in:" in said
    assert set(stored(connection).secrets) == {"client_id", "client_secret"}
    assert stored(connection).reauthorise_since is not None


def test_whoever_may_not_change_connections_cannot_begin(hub: Hub):
    _, connection = waiting(hub, "appcrm")
    onlooker = get_user_model().objects.create_user("mallory", is_staff=True)
    onlooker.user_permissions.set(Permission.objects.filter(codename="view_connection"))
    eyes = Browser(onlooker)

    page = eyes.client.get(f"/admin/crmhub/connection/{connection.pk}/change/").content.decode()
    pressed = eyes.client.post(f"/admin/crmhub/connection/{connection.pk}/authorise/")

    assert "Authorise at AppCRM" not in page
    assert pressed.status_code == 403
    assert not Authorisation.objects.exists()


def test_the_button_is_a_post_with_a_token(hub: Hub, boss):
    _, connection = waiting(hub, "appcrm")
    address = f"/admin/crmhub/connection/{connection.pk}/authorise/"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")

    assert strict.get(address).status_code == 405
    assert strict.post(address).status_code == 403


def test_without_a_public_address_authorising_is_off_and_the_page_says_what_to_set(
    hub: Hub, browser, settings
):
    settings.PUBLIC_URL = ""
    _, connection = waiting(hub, "appcrm")
    path = f"/admin/crmhub/connection/{connection.pk}/"

    page = browser.client.get(f"{path}change/").content.decode()
    pressed = browser.client.post(f"{path}authorise/", follow=True).content.decode()

    assert "Authorise at AppCRM" not in page
    assert "Authorising in the browser is off: set PUBLIC_URL" in page
    assert "Authorising in the browser is off: set PUBLIC_URL" in pressed
    assert not Authorisation.objects.exists()


def test_the_page_tells_the_redirect_address_and_when_the_access_token_ends(hub: Hub, browser):
    _, connection = waiting(hub, "appcrm")
    browser.come_back(agree(browser.go(connection)))

    page = browser.client.get(f"/admin/crmhub/connection/{connection.pk}/change/").content.decode()

    assert f"<code>{PUBLIC_URL}/oauth/callback</code>" in page
    assert "Access token" in page
    assert "it is renewed by itself" in page


def test_the_page_tells_that_the_crm_renews_no_more_and_authorising_ends_it(hub: Hub, browser):
    _, connection = waiting(hub, "appcrm")
    browser.come_back(agree(browser.go(connection)))
    Connection.objects.update(renewal_refused_at=hub.now)

    page = browser.client.get(f"/admin/crmhub/connection/{connection.pk}/change/").content.decode()
    browser.come_back(agree(browser.go(connection)))

    assert "authorise the app again before it ends" in page
    assert "it is renewed by itself" not in page
    assert stored(connection).renewal_refused_at is None


def test_no_secret_is_on_a_page_in_a_message_an_attempt_an_address_or_a_log_line(
    hub: Hub, each, browser, caplog
):
    caplog.set_level("DEBUG")
    simulator, connection = waiting(hub, each)
    there = browser.go(connection)
    back = agree(there)
    said = browser.come_back(back)
    hub.save_task()
    simulator.fail_next("echo", "POST /tasks", status=401)
    hub.settle()
    first = stored(connection).secrets
    simulator.grants.revoke()
    Connection.objects.update(token_expires_at=hub.now)
    hub.save_task(title="Call back")
    hub.settle(rounds=2)

    page = browser.client.get(f"/admin/crmhub/connection/{connection.pk}/change/").content.decode()
    history = browser.client.get(f"/admin/crmhub/connection/{connection.pk}/history/").content.decode()
    attempts = json.dumps(list(connection.attempts.values()), default=str)
    kept = {**stored(connection).__dict__, "sealed_secrets": ""}
    code = parse_qs(urlsplit(back).query)["code"][0]
    hidden = {*first.values(), *stored(connection).secrets.values(), code} - {"the-app-1"}
    assert len(hidden) >= 4
    for text in (said, there, page, history, attempts, str(kept)):
        assert not [one for one in hidden if one in text]
    # The code is in the address that the browser opened, where the last step of logging hides it.
    assert not [one for one in hidden - {code} if one in caplog.text]
