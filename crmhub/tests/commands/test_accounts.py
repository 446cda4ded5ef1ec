"""Connecting, examining, ending and re-encrypting accounts from the command line."""

from __future__ import annotations

import os
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import CommandError

from config.running import Running
from crmhub import services
from crmhub.crypto import seal
from crmhub.models import Connection, SyncStatus, Task, TaskLink
from crmhub.tests.commands.conftest import run

pytestmark = pytest.mark.django_db


def token_of(account):
    return account.simulator.secret["access_token"]


def connect(account, *words, name="Main", secret=None):
    given = f"access_token={secret or token_of(account)}"
    return run("connect", "hubspot", "--name", name, "--secret", given, "--base-url", account.url, *words)


def task_at(connection, title="Call Grace"):
    task = services.save_task(task=Task(title=title, created_at=None), changed=[]).task
    return TaskLink.objects.get(task=task, connection=connection)


def park(link, status=SyncStatus.FAILED):
    TaskLink.objects.filter(pk=link.pk).update(sync_status=status, due_at=None, last_error="Refused.")


# connect


def test_connecting_says_who_we_are_there_and_ends_with_the_id_alone(account):
    said = connect(account)

    connection = Connection.objects.get()
    assert "HubSpot knows us" in said.out
    assert said.out.splitlines()[-1] == str(connection.pk)
    assert (connection.scope, connection.contacts) == ("all", "create")


@pytest.mark.parametrize("way", ["file", "environment", "input"])
def test_a_secret_can_be_kept_out_of_the_command_line(account, tmp_path, monkeypatch, way):
    token = token_of(account)
    (tmp_path / "token").write_text(f"{token}\n")
    reading, writing = os.pipe()
    os.write(writing, f"{token}\n".encode())
    os.close(writing)
    monkeypatch.setenv("HUBSPOT_TOKEN", token)
    ways = {"file": f"@{tmp_path / 'token'}", "environment": "env:HUBSPOT_TOKEN", "input": "-"}

    with os.fdopen(reading) as piped:
        monkeypatch.setattr("sys.stdin", piped)
        said = connect(account, secret=ways[way])

    assert said.warnings == ""
    assert Connection.objects.get().secrets == {"access_token": token}


def test_a_secret_in_the_command_line_works_and_is_warned_of(account):
    said = connect(account)

    assert said.warnings.startswith("warning: the secret access_token stands in the command line")
    assert token_of(account) not in said.warnings + said.out


def test_a_refused_connection_is_kept_and_the_same_command_puts_it_right(account):
    with pytest.raises(CommandError, match=r"does not accept the access token.*Run the same command again"):
        connect(account, secret="wrong")
    kept = Connection.objects.get()

    connect(account)

    assert kept.reauthorise_since is not None
    assert Connection.objects.get().pk == kept.pk
    assert Connection.objects.get().reauthorise_since is None


def test_a_name_that_is_taken_is_refused(account):
    connect(account)

    with pytest.raises(CommandError, match="there is a connection named Main already"):
        connect(account)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["hubspot", "--name", "Main"], "access_token is missing"),
        (["hubspot", "--name", "Main", "--secret", "access_token"], "--secret wants key=value"),
        (["hubspot", "--name", "Main", "--secret", "access_token="], "it is empty"),
        (["hubspot", "--name", "Main", "--secret", "access_token=@/no/file"], "cannot be read"),
        (
            ["hubspot", "--name", "Main", "--secret", "access_token=env:NO_SUCH"],
            "the environment has no NO_SUCH",
        ),
        (["hubspot", "--name", "Main", "--secret", "password=x"], "HubSpot has no secret password"),
        (
            ["hubspot", "--name", "Main", "--secret", "access_token=x", "--setting", "colour=red"],
            "no setting colour",
        ),
        (
            ["hubspot", "--name", "Main", "--secret", "access_token=x", "--setting", "limits=fast"],
            "limits: 'fast'",
        ),
        (["salesforce", "--name", "Main"], "invalid choice: 'salesforce'"),
        (["hubspot"], "--name"),
    ],
)
def test_what_cannot_be_understood_is_told_and_nothing_is_stored(words, complaint):
    with pytest.raises(CommandError, match=complaint):
        run("connect", *words)

    assert not Connection.objects.exists()


@pytest.fixture
def demo_runs(tmp_path, settings):
    """A demo runs in this checkout."""
    settings.VAR_DIR = tmp_path
    demo = Running(tmp_path, "demo")
    demo.note(url="http://127.0.0.1:8000", settings={})
    yield
    demo.release()


@pytest.mark.usefixtures("demo_runs")
@pytest.mark.parametrize("address", [[], ["--base-url", "https://api.hubapi.com"]])
def test_a_real_account_is_not_connected_to_a_demo(address):
    with pytest.raises(CommandError, match="the hub that runs here is the demo"):
        run("connect", "hubspot", "--name", "Main", "--secret", "access_token=x", *address)

    assert not Connection.objects.exists()


@pytest.mark.usefixtures("demo_runs")
def test_half_an_address_beside_a_running_hub_is_refused_in_words():
    with pytest.raises(CommandError, match=r"is not an address such as|the hub that runs here is the demo"):
        run("connect", "hubspot", "--name", "Main", "--secret", "access_token=x", "--base-url", "http://[")

    assert not Connection.objects.exists()


def test_a_token_of_another_account_stops_the_connection(account):
    connect(account)
    connection = Connection.objects.get()
    Connection.objects.update(learned={**connection.learned, "portal_id": "5"})

    with pytest.raises(CommandError):
        run("doctor", "Main")

    connection.refresh_from_db()
    assert connection.reauthorise_since is not None
    assert "this connection belongs to 5" in connection.last_error


@pytest.mark.usefixtures("demo_runs")
def test_a_simulator_is_connected_to_a_demo_and_where_it_goes_is_said(account):
    said = connect(account)

    assert "This goes to the hub that runs here: make demo, http://127.0.0.1:8000" in said.out
    assert Connection.objects.get().account_name


def test_another_host_needs_permission(settings):
    settings.ALLOW_CUSTOM_CRM_HOSTS = False

    with pytest.raises(CommandError, match="is not an address of HubSpot"):
        run(
            "connect",
            "hubspot",
            "--name",
            "Main",
            "--secret",
            "access_token=x",
            "--base-url",
            "https://evil.example",
        )


# doctor


def test_a_well_account_is_told_with_its_limits_and_its_links(account):
    connect(account)

    said = run("doctor", "Main").out

    assert "HubSpot knows us" in said
    assert "Our pace: " in said
    assert "0 in sync" in said
    assert said.endswith("All is well.\n")


def test_an_account_that_refuses_us_makes_the_doctor_fail(account):
    connect(account)
    account.simulator.secret["access_token"] = "changed there"

    with pytest.raises(CommandError, match="1 thing is wrong"):
        run("doctor")


def test_what_needs_a_person_is_counted(account):
    connect(account)
    park(task_at(Connection.objects.get()))

    assert "1 need a person" in run("doctor").out


def test_a_secret_that_was_stored_and_cannot_be_sent_is_told_and_keeps_the_doctor_from_nobody(account):
    connect(account)
    connect(account, name="Other")
    broken = seal({"access_token": "hunter2\x00"})
    Connection.objects.filter(name="Main").update(sealed_secrets=broken)
    out = StringIO()

    with pytest.raises(CommandError, match="1 thing is wrong"):
        call_command("doctor", stdout=out)

    assert "character that cannot be sent" in out.getvalue()
    assert "HubSpot knows us" in out.getvalue()
    assert "hunter2" not in out.getvalue()


def test_an_account_that_is_not_there_is_told_with_those_that_are(account):
    connect(account)

    with pytest.raises(CommandError, match="there is no connection 'Other'; there are Main"):
        run("doctor", "Other")


def forget_the_property(account):
    """Somebody deletes the hub's property in HubSpot's own screens."""
    del account.simulator.records.properties["0-27"]["hub_task_key"]


def test_a_plain_examination_changes_nothing_at_the_crm_and_says_what_could_be_fixed(account):
    connect(account)
    forget_the_property(account)
    account.simulator.log.clear()

    said = run("doctor", "Main").out

    assert "could be fixed by --fix, which would send POST" in said
    assert {one["method"] for one in account.simulator.log if "/properties" in one["path"]} == {"GET"}


def test_what_an_account_lacks_is_installed_when_asked_for(account):
    connect(account)
    forget_the_property(account)

    first, second = run("doctor", "Main", "--fix").out, run("doctor", "Main", "--fix").out

    assert "fixed: POST" in first
    assert "now known: key_is_unique = yes" in first
    assert "nothing to fix at this account" in second
    assert "could be fixed" not in run("doctor", "Main").out


def test_what_the_crm_does_not_allow_is_said_with_its_words(account):
    connect(account)
    forget_the_property(account)
    account.simulator.fail_next("status", "POST .*/properties/tasks", status=403, times=2)

    said = run("doctor", "Main", "--fix").out

    assert "could not be fixed: POST" in said
    assert "answered 403" in said
    assert Connection.objects.get().learned["key"] == "none"


def test_what_waits_for_a_person_is_told_with_what_helps(account):
    connect(account)
    link = task_at(Connection.objects.get())
    park(link)
    TaskLink.objects.filter(pk=link.pk).update(last_error_code="rejected")

    assert "1 of those: The CRM refused what is in it. Change what the CRM refused" in run("doctor").out


# disconnect


def test_disconnecting_destroys_the_secrets_and_keeps_the_links(account):
    connect(account)
    link = task_at(Connection.objects.get())

    run("disconnect", "Main")

    assert Connection.objects.get().sealed_secrets == ""
    assert TaskLink.objects.filter(pk=link.pk).exists()
    with pytest.raises(CommandError, match="was disconnected on"):
        run("disconnect", "Main")


# rotate_credentials


def test_rotation_makes_the_newest_key_enough(account, settings):
    connect(account)
    newest = Fernet.generate_key().decode()
    settings.CREDENTIALS_KEYS = [newest, *settings.CREDENTIALS_KEYS]

    run("rotate_credentials")

    settings.CREDENTIALS_KEYS = [newest]
    assert Connection.objects.get().secrets == {"access_token": token_of(account)}


def test_rotation_without_the_old_key_changes_nothing(account, settings):
    connect(account)
    before = Connection.objects.get().sealed_secrets
    settings.CREDENTIALS_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CommandError, match="the credentials of Main cannot be read"):
        run("rotate_credentials")

    assert Connection.objects.get().sealed_secrets == before


# replay


@pytest.fixture
def links(account):
    """A link that failed, one that is gone there, and one in sync, none of them owed."""
    connect(account)
    connection = Connection.objects.get()
    links = {status: task_at(connection, title=status) for status in ("failed", "gone", "in_sync")}
    for status, link in links.items():
        park(link, status)
    return links


def owed():
    return sorted(TaskLink.objects.filter(due_at__isnull=False).values_list("task__title", flat=True))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--failed"], ["failed"]),
        (["Main"], ["failed", "in_sync"]),
        (["Main", "--failed"], ["failed"]),
        (["Main", "--dry-run"], []),
    ],
)
def test_replay_owes_what_was_asked_for_and_nothing_that_somebody_should_look_at_first(
    links, words, expected
):
    run("replay", *words)

    assert owed() == expected


def test_one_task_is_replayed_whatever_it_was(links):
    run("replay", "--task", str(links["gone"].task_id))

    assert owed() == ["gone"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "say what to send again"),
        (["--task", "5"], "there is no task '5'"),
        (["Nobody"], "no connection 'Nobody'"),
    ],
)
def test_replay_wants_to_be_told_what(words, complaint):
    with pytest.raises(CommandError, match=complaint):
        run("replay", *words)
