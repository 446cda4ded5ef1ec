"""The pages of connections."""

from __future__ import annotations

import contextlib

import pytest
from django.test import Client

from crmhub.crypto import seal
from crmhub.models import Connection
from crmhub.tests.admin.conftest import connect, save
from providers.capabilities import Operation
from providers.registry import capabilities, codes
from providers.simulator import Server
from providers.simulator.__main__ import simulator_class
from providers.types import Field

pytestmark = pytest.mark.django_db
NOWHERE = "http://127.0.0.1:9"  # nothing listens there, so that a check fails at once


def page(account):
    return f"crmhub/connection/{account.pk}/change/"


def new(browser, **changes):
    """Fill in the form of a new HighLevel account."""
    values = browser.fill("crmhub/connection/add/", provider="highlevel")
    given = {
        "name": "Main account",
        "secret_token": "hush-hush",
        "setting_location_id": "loc",
        "base_url": NOWHERE,
    }
    return {**values, **given, **changes}


def test_the_crm_is_chosen_first(browser):
    html = browser.open("crmhub/connection/add/")

    for code in ("hubspot", "highlevel", "leadsquared", "leadlex"):
        assert f"?provider={code}" in html


def test_a_new_account_is_stored_and_asked_once_who_we_are_there(browser):
    browser.send(
        "crmhub/connection/add/?provider=highlevel",
        new(browser, setting_cancelled="leave", setting_share="0.5"),
    )

    account = Connection.objects.get()
    assert account.secrets == {"token": "hush-hush"}
    assert (account.settings["cancelled"], account.settings["share"]) == ("leave", 0.5)
    assert account.last_error
    [said] = browser.page.context["messages"]
    assert (said.level_tag, str(said).partition(":")[0]) == (
        "error",
        "Main account is stored, but it does not work yet",
    )


def test_a_secret_is_on_no_page_and_in_no_history(browser):
    browser.send("crmhub/connection/add/?provider=highlevel", new(browser))
    account = Connection.objects.get()

    for path in (page(account), f"crmhub/connection/{account.pk}/history/", "crmhub/connection/"):
        assert "hush-hush" not in browser.open(path)
    for row in account.history.values():
        assert "hush-hush" not in str(row)
        assert "sealed_secrets" not in row


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secret_token": ""}, "This field is required."),
        ({"setting_location_id": ""}, "This field is required."),
        ({"setting_share": "much"}, "Enter a number."),
        ({"setting_limits": "fast"}, "&#x27;fast&#x27; is not calls/seconds"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_what_an_account_cannot_be_is_refused_and_the_secret_not_sent_back(browser, changes, words):
    browser.send("crmhub/connection/add/?provider=highlevel", new(browser, **changes))

    assert words in browser.text
    assert "hush-hush" not in browser.text
    assert not Connection.objects.exists()


NOT_TO_BE_SENT = ["sésame", "ses\x00ame", "ses\name", "ses\u2028ame", "ses\x7fame"]


@pytest.mark.parametrize("code", codes())
@pytest.mark.parametrize("secret", NOT_TO_BE_SENT)
def test_a_secret_that_no_request_can_carry_is_refused_beside_its_field(browser, code, secret):
    values = browser.fill("crmhub/connection/add/", provider=code)
    names = [f"secret_{one.name}" for one in capabilities(code).secrets]
    needed = {"setting_location_id": "loc"} if "setting_location_id" in values else {}

    browser.send(
        f"crmhub/connection/add/?provider={code}",
        {**values, **needed, "base_url": NOWHERE, **dict.fromkeys(names, secret)},
    )

    assert list(browser.page.context["form"].errors) == names
    assert secret not in browser.text
    assert not Connection.objects.exists()


@pytest.mark.parametrize("secret", [*NOT_TO_BE_SENT, "\ufeffsesame"])
def test_an_account_that_was_stored_with_such_a_secret_is_told_so_without_repeating_it(browser, secret):
    account = connect(base_url=NOWHERE)
    Connection.objects.update(sealed_secrets=seal({"token": secret}))

    browser.send(f"crmhub/connection/{account.pk}/test/")

    assert "The credentials hold a character that cannot be sent. Paste them again." in browser.said
    assert secret not in browser.text


def test_an_address_that_is_not_the_vendors_is_refused_unless_allowed(browser, settings):
    settings.ALLOW_CUSTOM_CRM_HOSTS = False

    browser.send(
        "crmhub/connection/add/?provider=highlevel", new(browser, base_url="https://evil.example.com")
    )

    assert "is not an address of HighLevel" in browser.text
    assert not Connection.objects.exists()


def test_a_name_that_is_taken_is_refused(browser):
    connect("Main account")

    browser.send("crmhub/connection/add/?provider=highlevel", new(browser))

    assert "There is a connection of this name already." in browser.text


def test_changing_a_setting_keeps_the_secrets(browser):
    account = connect(base_url=NOWHERE)

    browser.send(
        page(account), {**browser.fill(page(account)), "setting_gone_there": "recreate", "scope": "linked"}
    )

    account.refresh_from_db()
    assert account.secrets == {"token": "hidden-token"}
    assert (account.settings["gone_there"], account.scope) == ("recreate", "linked")
    assert "The connection is saved, but it does not work yet:" in browser.said


def test_changing_the_address_asks_for_every_secret_again(browser):
    account = connect(base_url=NOWHERE)
    values = {**browser.fill(page(account)), "base_url": "http://127.0.0.1:10"}

    browser.send(page(account), values)
    assert "The address or the account changes: give every secret again." in browser.text
    account.refresh_from_db()
    assert account.base_url == NOWHERE

    browser.send(page(account), {**values, "secret_token": "new-token"})
    account.refresh_from_db()
    assert (account.base_url, account.secrets) == ("http://127.0.0.1:10", {"token": "new-token"})


def test_an_account_is_paused_resumed_and_disconnected_by_buttons(browser):
    account = connect()
    save()

    browser.send(f"crmhub/connection/{account.pk}/pause/")
    account.refresh_from_db()
    assert account.paused_at is not None
    assert "Paused" in browser.text

    browser.send(f"crmhub/connection/{account.pk}/resume/")
    account.refresh_from_db()
    assert account.paused_at is None

    asked = browser.open(f"crmhub/connection/{account.pk}/disconnect/")
    assert "its credentials are destroyed" in asked
    account.refresh_from_db()
    assert account.is_live

    browser.send(f"crmhub/connection/{account.pk}/disconnect/")
    account.refresh_from_db()
    assert (account.is_live, account.sealed_secrets) == (False, "")


def test_the_test_button_says_what_went_wrong(browser):
    account = connect(base_url=NOWHERE)

    browser.send(f"crmhub/connection/{account.pk}/test/")

    account.refresh_from_db()
    assert (account.last_checked_at, bool(account.last_error)) == (None, True)
    assert "Main account does not work yet:" in browser.said


def test_an_account_that_was_not_tested_yet_says_that_nothing_is_sent(browser):
    account = connect(base_url=NOWHERE)

    assert "nothing is sent before a test has passed" in browser.open(page(account))


def test_opening_a_page_calls_nobody(browser):
    account = connect(base_url=NOWHERE)

    for path in ("", "crmhub/connection/", page(account), "crmhub/connection/capabilities/highlevel/"):
        browser.open(path)

    account.refresh_from_db()
    assert (account.last_checked_at, account.last_error) == (None, "")


def test_the_page_of_capabilities_says_what_a_crm_cannot_hold_with_source_and_day(browser):
    html = browser.open("crmhub/connection/capabilities/highlevel/")

    assert "This CRM cannot hold" in html
    assert "HighLevel has no priorities" in html
    assert "read 22 Nov 2026" in html


@pytest.mark.parametrize("what", ["test", "pause", "resume"])
def test_buttons_are_posts_with_a_token_and_need_the_permission(browser, onlooker, what):
    account = connect()
    address = f"/admin/crmhub/connection/{account.pk}/{what}/"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(browser.user)

    assert browser.client.get(address).status_code == 405
    assert onlooker.client.post(address).status_code == 403
    assert strict.post(address).status_code == 403
    account.refresh_from_db()
    assert (account.paused_at, account.last_checked_at) == (None, None)


def test_those_who_may_only_look_cannot_change_end_or_add_accounts(onlooker):
    account = connect()

    assert "Main account" in onlooker.open(page(account))
    assert onlooker.client.post(f"/admin/{page(account)}", {"name": "Mine"}).status_code == 403
    assert onlooker.client.post(f"/admin/crmhub/connection/{account.pk}/disconnect/").status_code == 403
    assert onlooker.client.get("/admin/crmhub/connection/add/").status_code == 403
    account.refresh_from_db()
    assert (account.name, account.is_live) == ("Main account", True)


def test_a_person_chooses_a_time_zone_on_the_page_of_users(browser):
    path = f"auth/user/{browser.user.pk}/change/"

    browser.send(path, {**browser.fill(path), "profile-0-time_zone": "Asia/Tokyo"})

    browser.user.refresh_from_db()
    assert browser.user.profile.time_zone == "Asia/Tokyo"


@pytest.mark.parametrize("code", codes())
def test_each_crm_is_connected_through_its_form_and_says_who_we_are_there(browser, code):
    simulator = simulator_class(code)()
    address = f"crmhub/connection/add/?provider={code}"
    with contextlib.closing(Running(simulator)) as server:
        secrets = {f"secret_{name}": text for name, text in simulator.secret.items()}
        settings = {f"setting_{name}": text for name, text in simulator.setting.items()}
        values = browser.fill("crmhub/connection/add/", provider=code)
        browser.send(
            address, {**values, **secrets, **settings, "name": "Main account", "base_url": server.url}
        )

    account = Connection.objects.get()
    assert account.account_name
    [said] = browser.page.context["messages"]
    assert said.level_tag == "success"
    assert str(said).startswith("Main account is connected. ")
    assert "knows us:" in str(said)
    assert "Healthy" in browser.text
    assert not [text for text in simulator.secret.values() if text in browser.text]


@pytest.mark.parametrize("code", codes())
def test_the_test_button_changes_nothing_there_and_says_what_is_lacking(browser, code):
    simulator = simulator_class(code)()
    with contextlib.closing(Running(simulator)) as server:
        account = connect(
            provider=code, secrets=simulator.secret, settings=simulator.setting, base_url=server.url
        )
        browser.send(f"crmhub/connection/{account.pk}/test/")

    said = [one for one in browser.page.context["messages"] if one.level_tag == "warning"]
    made = [one for one in simulator.log if one["status"] == 201]
    assert made == []
    assert "knows us:" in browser.said
    assert bool(said) == (code == "hubspot")
    assert all("manage.py doctor --fix would send POST" in str(one) for one in said)


class Running:
    """A simulator on a port, until it is closed."""

    def __init__(self, simulator):
        self.server = Server(simulator).start()
        self.url = self.server.url

    def close(self):
        self.server.stop()


def test_all_crms_are_compared_on_one_page_with_a_source_in_every_cell(browser):
    assert "/admin/crmhub/connection/capabilities/" in browser.open("crmhub/connection/")

    html = browser.open("crmhub/connection/capabilities/")

    cells = [cell for _, rows in browser.page.context["groups"] for _, cells in rows for cell in cells]
    assert len(cells) == len(codes()) * (len(Field) + len(Operation))
    assert [cell for cell in cells if not (cell.source.startswith("https://") and cell.read_on)] == []
    assert html.count("files a task under one contact") == 1


def test_who_may_not_see_connections_sees_no_comparison(mallory, onlooker):
    mallory.user_permissions.clear()

    assert onlooker.client.get("/admin/crmhub/connection/capabilities/").status_code == 403


def test_a_crms_own_page_tells_what_it_can_do_as_well_with_source_and_day(browser):
    html = browser.open("crmhub/connection/capabilities/highlevel/")

    assert "<h2>It can</h2>" in html
    rows = [row for _, rows in browser.page.context["groups"] for row in rows]
    assert len(rows) == len(Field) + len(Operation)
    assert [row.what for row in rows if not (row.source and row.read_on)] == []


def test_an_account_at_a_crm_that_this_version_does_not_know_is_said_to_be_one(browser):
    connection = connect("Newer account")
    Connection.objects.filter(pk=connection.pk).update(provider="newercrm")

    browser.send(f"crmhub/connection/{connection.pk}/change/")

    assert "at “newercrm”. This version of the hub does not know that CRM" in browser.said
