"""Connecting accounts: what is refused, what a new address costs, what ending one leaves behind."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ValidationError
from django.db import connection as database

from crmhub import services
from crmhub.models import Connection, TaskLink
from crmhub.tests.services.conftest import (
    LATER,
    NOON,
    connect,
    known_secrets,
    link_of,
    save_task,
    settle,
    stored,
)

pytestmark = pytest.mark.django_db

ELSEWHERE = "https://eu.services.leadconnectorhq.com"


@pytest.fixture
def vendors_only(settings):
    """As in production: no host but the vendors' own."""
    settings.ALLOW_CUSTOM_CRM_HOSTS = False


def test_an_account_is_connected_with_its_secrets_sealed():
    connection = connect(" Main account ", settings={"location_id": "loc-1", "share": "0.5"})

    kept = stored(connection)
    assert (kept.name, kept.settings) == ("Main account", {"location_id": "loc-1", "share": 0.5})
    assert kept.secrets == known_secrets("highlevel")
    assert "known-to-nobody" not in kept.sealed_secrets
    assert (kept.scope, kept.contacts, kept.credentials_version) == ("all", "create", 1)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({"secrets": {}}, "secrets", "token is missing"),
        ({"secrets": {"token": "  "}}, "secrets", "token is missing"),
        (
            {"secrets": {"token": "known-to-nobody", "password": "x"}},
            "secrets",
            "HighLevel has no secret password; it has token",
        ),
        ({"settings": {}}, "settings", "location_id is missing"),
        ({"settings": {"location_id": "x", "colour": "red"}}, "settings", "HighLevel has no setting colour"),
        (
            {"settings": {"location_id": "x", "cancelled": "forget"}},
            "settings",
            "cancelled: 'forget' is not one of complete, delete, leave",
        ),
        ({"settings": {"location_id": "x", "share": "half"}}, "settings", "share: 'half' is not a number"),
        ({"settings": {"location_id": "x", "share": "nan"}}, "settings", "'nan' is not a number"),
        ({"settings": {"location_id": "x", "limits": "lots"}}, "settings", "limits: 'lots' is not calls/"),
        ({"settings": {"location_id": "x", "limits": "0/10"}}, "settings", "limits: '0/10' is not calls/"),
        ({"settings": {"location_id": "x", "share": 0}}, "settings", "share: 0 is not between 0.05 and 1"),
        ({"settings": {"location_id": "x", "share": "1.5"}}, "settings", "share: 1.5 is not between"),
        (
            {"settings": {"location_id": "x", "limits": "1/5"}},
            "settings",
            "limits: 1 calls in 5 s are too few",
        ),
        (
            {"settings": {"location_id": "x", "limits": "100/10,20/60", "share": 0.1}},
            "settings",
            "limits: 2 calls in 60 s are too few: one contact may take 4",
        ),
        ({"scope": "some"}, "scope", "is not a valid choice"),
        ({"contacts": "some"}, "contacts", "is not a valid choice"),
        ({"name": " "}, "name", "cannot be blank"),
        ({"base_url": "ftp://crm.example.com"}, "base_url", "is not an address such as"),
        ({"base_url": "crm.example.com"}, "base_url", "is not an address such as"),
    ],
)
def test_a_wrong_account_is_refused_by_field_and_nothing_is_written(changes, name, words):
    with pytest.raises(ValidationError) as refusal:
        connect(**changes)

    assert list(refusal.value.message_dict) == [name]
    assert words in refusal.value.message_dict[name][0]
    assert not Connection.objects.exists()


def test_an_unknown_crm_is_refused_with_the_names_of_those_that_are_known():
    with pytest.raises(ValidationError, match="'salesforce' is not a CRM here; there are hubspot, highlevel"):
        services.connect_account(provider="salesforce", name="Main account", secrets={})


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(ValidationError) as refusal:
        connect("", secrets={}, settings={"colour": "red"})

    problems = refusal.value.message_dict
    assert set(problems) == {"name", "secrets", "settings"}
    assert len(problems["settings"]) == 2


def test_a_refusal_never_repeats_a_secret():
    with pytest.raises(ValidationError) as refusal:
        connect(secrets={"tokn": "hunter2-hunter2"})

    assert "hunter2" not in str(refusal.value)


def test_a_name_is_taken_once():
    connect("Main account")

    with pytest.raises(ValidationError, match="There is a connection of this name already"):
        connect("Main account", provider="hubspot")


def test_the_name_of_a_disconnected_account_is_free_again():
    ended = connect("Main account")
    services.disconnect_account(connection=ended, now=NOON)

    renewed = connect("Main account", provider="hubspot")

    assert stored(ended).name == stored(renewed).name == "Main account"


@pytest.mark.parametrize("secret", ["tok\x00en", "tok\nen", "tök-en", "tok\ufeffen", "tok\u200ben"])
def test_a_secret_that_no_request_can_carry_is_refused_without_repeating_it(secret):
    with pytest.raises(ValidationError) as refusal:
        connect(secrets={"token": secret})

    [line] = refusal.value.message_dict["secrets"]
    assert line == "token holds a character that cannot be sent; paste it again, as plain text."


@pytest.mark.parametrize("secret", [" token\n", "\ufefftoken", "\ufeff token\r\n"])
def test_what_copying_adds_to_a_secret_is_taken_off(secret):
    assert stored(connect(secrets={"token": secret})).secrets == {"token": "token"}


@pytest.mark.parametrize(
    "address",
    [
        "https://crm.example.com:abc",
        "https://crm.example.com:99999",
        "https://a..example.com",
        "https://.example.com",
        f"https://{'x' * 64}.example.com",
        "https://ada:hunter2@crm.example.com",
        "https://crm.example.com/?key=1",
        "https://crm.example.com/#top",
        "https://crm.example.com/a b",
        "https://",
    ],
)
def test_an_address_that_cannot_be_called_is_refused(address):
    with pytest.raises(ValidationError) as refusal:
        connect(base_url=address)

    assert "is not an address such as" in refusal.value.message_dict["base_url"][0]


def test_a_time_zone_that_nobody_knows_is_refused():
    with pytest.raises(ValidationError, match="'Mars/Olympus' is not a time zone such as Europe/Berlin"):
        connect(provider="hubspot", settings={"hub_time_zone": "Mars/Olympus"})


@pytest.mark.parametrize(
    ("setting", "given", "typed"),
    [
        ("task_types", "call=phone_call, email = send_email", {"call": "phone_call", "email": "send_email"}),
        ("task_types", {"call": "ring"}, {"call": "ring"}),
        ("limits", "40/60", "40/60"),
        ("share", 0.25, 0.25),
        ("default_parent", " deal:7 ", "deal:7"),
    ],
)
def test_settings_are_kept_by_their_kind(setting, given, typed):
    connection = connect(provider="leadlex", settings={setting: given})

    assert stored(connection).settings == {setting: typed}


@pytest.mark.parametrize(
    ("provider", "plan", "share"),
    [
        ("leadlex", {"plan": "starter"}, 0.5),
        ("leadlex", {}, 0.1),
        ("leadsquared", {}, 0.5),
        ("hubspot", {}, 0.05),
    ],
)
def test_a_share_may_be_as_small_as_leaves_the_calls_of_one_contact(provider, plan, share):
    connection = connect(provider=provider, settings={**plan, "share": share})

    assert stored(connection).settings["share"] == share


def test_a_share_that_leaves_too_little_of_the_plan_is_refused():
    with pytest.raises(ValidationError, match=r"share: 3 calls in 60 s are too few"):
        connect(provider="leadlex", settings={"plan": "starter", "share": 0.3})


def test_an_empty_setting_is_one_that_was_not_given():
    connection = connect(provider="leadlex", settings={"default_parent": "", "share": None})

    assert stored(connection).settings == {}


@pytest.mark.parametrize(
    "address",
    [
        "https://crm.example.com",
        "http://services.leadconnectorhq.com",
        "https://services.leadconnectorhq.com.example.com",
    ],
)
@pytest.mark.usefixtures("vendors_only")
def test_secrets_go_to_no_address_but_the_vendors_own(address):
    with pytest.raises(ValidationError) as refusal:
        connect(base_url=address)

    assert "is not an address of HighLevel" in refusal.value.message_dict["base_url"][0]
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "https://services.leadconnectorhq.com@example.com",
        "https://[services.leadconnectorhq.com",
        "file:///etc/passwd",
        "services.leadconnectorhq.com",
    ],
)
@pytest.mark.usefixtures("vendors_only")
def test_what_is_no_address_is_refused_as_that(address):
    with pytest.raises(ValidationError) as refusal:
        connect(base_url=address)

    assert "is not an address such as" in refusal.value.message_dict["base_url"][0]


@pytest.mark.usefixtures("vendors_only")
def test_the_vendors_own_address_is_taken_without_its_last_slash():
    connection = connect(base_url="https://services.leadconnectorhq.com/ ")

    assert stored(connection).base_url == "https://services.leadconnectorhq.com"


# Changing


def test_what_is_not_given_stays():
    connection = connect(scope="manual", settings={"location_id": "loc-1"})

    services.change_connection(connection=connection, contacts="lookup")

    kept = stored(connection)
    assert (kept.contacts, kept.scope, kept.settings) == ("lookup", "manual", {"location_id": "loc-1"})
    assert (kept.secrets, kept.credentials_version) == (known_secrets("highlevel"), 1)


def test_new_secrets_end_the_wait_for_them_and_are_a_new_version():
    connection = connect(provider="leadsquared")
    Connection.objects.update(reauthorise_since=NOON, switched_off={"delete": "tasks.write"})

    services.change_connection(connection=connection, secrets={"secret_key": "new-one", "access_key": ""})

    kept = stored(connection)
    assert kept.secrets == {**known_secrets("leadsquared"), "secret_key": "new-one"}
    assert (kept.credentials_version, kept.reauthorise_since, kept.switched_off) == (2, None, {})


@pytest.mark.parametrize("given", [{"token": "new-one"}, {"token": "new-one", "base_url": ELSEWHERE}])
def test_nothing_may_be_sent_with_other_credentials_before_a_test_with_them_has_passed(given):
    connection = connect()
    new = stored(connection)
    services.note_check(connection=connection, account_name="Ada's agency", now=NOON)
    tested = stored(connection)

    address = given.pop("base_url", None)
    services.change_connection(connection=connection, secrets=given, base_url=address)
    changed = stored(connection)
    services.note_check(connection=connection, account_name="Ada's agency", version=1, now=LATER)
    tested_with_the_old_ones = stored(connection)
    services.note_check(connection=connection, account_name="Ada's agency", version=2, now=LATER)

    assert [one.may_be_called(LATER) for one in (new, tested, changed, tested_with_the_old_ones)] == [
        *(False, True, False, False)
    ]
    assert (changed.health(LATER), stored(connection).health(LATER)) == ("degraded", "healthy")
    assert stored(connection).may_be_called(LATER)


def test_the_same_secrets_again_hold_nothing_up():
    connection = connect()
    services.note_check(connection=connection, account_name="Ada's agency", now=NOON)

    services.change_connection(connection=connection, secrets=known_secrets("highlevel"))

    assert stored(connection).may_be_called(LATER)


@pytest.mark.parametrize("given", [{}, {"secret_key": "new-one"}])
def test_a_new_address_asks_for_every_secret_again(given):
    connection = connect(provider="leadsquared")

    with pytest.raises(ValidationError, match="The address or the account changes: give every secret again"):
        services.change_connection(connection=connection, base_url="https://crm.example.com", secrets=given)

    assert (stored(connection).base_url, stored(connection).secrets) == ("", known_secrets("leadsquared"))


def test_a_new_address_with_every_secret_is_a_new_account_of_which_nothing_is_known():
    connection = connect()
    services.note_check(
        connection=connection, account_name="Ada's agency", learned={"zone": "Europe/Rome"}, now=NOON
    )

    services.change_connection(
        connection=connection, base_url=ELSEWHERE + "/", secrets={"token": "for-the-new-address"}
    )

    kept = stored(connection)
    assert (kept.base_url, kept.secrets) == (ELSEWHERE, {"token": "for-the-new-address"})
    assert (kept.account_name, kept.learned) == ("", {})


def test_another_account_asks_for_every_secret_again_and_is_one_of_which_nothing_is_known():
    connection = connect(settings={"location_id": "loc-1"})
    services.note_check(connection=connection, account_name="Ada's agency", learned={"zone": "x"}, now=NOON)
    other = {"location_id": "loc-2"}

    with pytest.raises(ValidationError, match="The address or the account changes: give every secret again"):
        services.change_connection(connection=connection, settings=other)
    services.change_connection(connection=connection, settings=other, secrets={"token": "for-loc-2"})

    kept = stored(connection)
    assert (kept.settings, kept.secrets) == (other, {"token": "for-loc-2"})
    assert (kept.account_name, kept.learned) == ("", {})


def test_a_connection_with_links_cannot_become_one_of_another_account():
    connection = connect(settings={"location_id": "loc-1"})
    settle(link_of(save_task().task, connection), external_id="t-1")

    with pytest.raises(ValidationError, match="tasks are linked with the old account"):
        services.change_connection(
            connection=connection, settings={"location_id": "loc-2"}, secrets={"token": "for-loc-2"}
        )

    assert stored(connection).settings == {"location_id": "loc-1"}


@pytest.mark.usefixtures("vendors_only")
def test_an_address_cannot_be_changed_to_a_strangers():
    connection = connect()

    with pytest.raises(ValidationError, match="is not an address of HighLevel"):
        services.change_connection(
            connection=connection, base_url="https://crm.example.com", secrets=known_secrets("highlevel")
        )


def test_the_same_address_written_otherwise_is_no_new_address():
    connection = connect(base_url=ELSEWHERE)

    services.change_connection(connection=connection, base_url=ELSEWHERE + "/ ", name="Europe")

    assert (stored(connection).name, stored(connection).secrets) == ("Europe", known_secrets("highlevel"))


def test_a_refused_change_changes_nothing():
    connection = connect()

    with pytest.raises(ValidationError):
        services.change_connection(connection=connection, name="Europe", scope="some", secrets={"token": "x"})

    assert (stored(connection).name, stored(connection).credentials_version) == ("Main account", 1)


# Stopping


def test_pausing_and_resuming_keep_what_is_owed():
    connection = connect()
    services.note_check(connection=connection, account_name="Ada's agency", now=NOON)
    save_task()
    services.pause_connection(connection=connection, now=NOON)
    paused = stored(connection)
    Connection.objects.update(wait_until=LATER, wait_reason="quota", failures=7)

    services.resume_connection(connection=connection)

    assert (paused.paused_at, paused.health(NOON)) == (NOON, "paused")
    kept = stored(connection)
    assert (kept.paused_at, kept.wait_until, kept.failures, kept.health(NOON)) == (None, None, 0, "healthy")
    assert TaskLink.objects.get().due_at == NOON


def test_disconnecting_destroys_the_secrets_and_keeps_the_links(ada):
    connection = connect()
    save_task()

    services.disconnect_account(connection=connection, by=ada, now=LATER)

    kept = stored(connection)
    assert (kept.sealed_secrets, kept.secrets, kept.disconnected_at) == ("", {}, LATER)
    assert (kept.health(LATER), kept.may_be_called(LATER)) == ("disconnected", False)
    assert TaskLink.objects.get().connection == connection


def test_secrets_that_are_refreshed_too_late_do_not_come_back_to_a_disconnected_account():
    connection = connect()
    services.disconnect_account(connection=connection, now=LATER)

    is_stored = services.replace_secrets(connection=connection, secrets={"token": "refreshed"}, version=1)

    assert (is_stored, stored(connection).sealed_secrets) == (False, "")


def test_refreshed_secrets_are_stored_only_over_those_that_were_used():
    connection = connect()

    first = services.replace_secrets(connection=connection, secrets={"token": "newer"}, version=1)
    second = services.replace_secrets(connection=connection, secrets={"token": "late"}, version=1)

    assert (first, second) == (True, False)
    assert (stored(connection).secrets, stored(connection).credentials_version) == ({"token": "newer"}, 2)


def test_a_check_that_went_well_ends_every_complaint():
    connection = connect()
    Connection.objects.update(
        reauthorise_since=NOON, failures=3, last_error="refused", wait_until=LATER, switched_off={"find": "x"}
    )

    services.note_check(connection=connection, account_name="Ada's agency", learned={"a": 1}, now=NOON)
    services.note_check(connection=connection, account_name="Ada's agency", learned={"b": 2}, now=LATER)

    kept = stored(connection)
    assert (kept.account_name, kept.learned, kept.last_checked_at) == (
        "Ada's agency",
        {"a": 1, "b": 2},
        LATER,
    )
    assert (kept.health(NOON), kept.last_error) == ("healthy", "")


def test_a_check_with_credentials_that_were_replaced_meanwhile_says_nothing_of_the_new_ones():
    connection = connect()
    used = stored(connection).credentials_version
    services.change_connection(connection=connection, secrets={"token": "newer"})

    services.note_check(
        connection=connection, account_name="Old account", learned={"zone": "x"}, version=used, now=NOON
    )

    kept = stored(connection)
    assert (kept.account_name, kept.learned, kept.last_checked_at) == ("", {}, None)


def test_an_operation_is_switched_on_again():
    connection = connect()
    Connection.objects.update(switched_off={"find": "tasks.read", "delete": "tasks.write"})

    services.switch_on(connection=connection, operation="find")

    assert stored(connection).switched_off == {"delete": "tasks.write"}


# Where secrets must not be


def test_no_secret_stands_in_the_database_in_the_clear_nor_in_the_history_nor_in_any_text(ada):
    connection = connect(secrets={"token": "hunter2-hunter2"}, by=ada)
    services.change_connection(connection=connection, secrets={"token": "hunter2-hunter3"}, by=ada)
    services.pause_connection(connection=connection, by=ada, now=NOON)

    texts = [str(connection), repr(connection), repr(stored(connection).__dict__)]
    for table in ("crmhub_connection", "crmhub_historicalconnection"):
        with database.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")
            texts += [str(row) for row in cursor.fetchall()]

    assert [text for text in texts if "hunter2" in text] == []


def test_the_history_of_an_account_says_who_and_holds_nothing_sealed(ada):
    connection = connect(by=ada)
    services.pause_connection(connection=connection, by=ada, now=NOON)

    rows = list(connection.history.order_by("history_id"))

    assert [(row.paused_at, row.history_user) for row in rows] == [(None, ada), (NOON, ada)]
    kept = {field.name for field in rows[0]._meta.concrete_fields}
    assert not kept & {"sealed_secrets", "credentials_version", "learned"}
    assert stored(connection).sealed_secrets not in json.dumps([str(vars(row)) for row in rows])
