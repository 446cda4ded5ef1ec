"""Saving a task: one save is one version, and only what was changed changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from crmhub import services
from crmhub.models import Contact, Task, TaskContact, TaskLink
from crmhub.services import Associated, Associations
from crmhub.tests.services.conftest import LATER, NOON, connect, pointing_at, save_task, stored

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def test_a_new_task_is_version_one_with_everything_it_was_given(grace, acme, ada):
    task = save_task(title="Call Grace", body="About the quote", assignee=ada, about=[grace, acme]).task

    kept = stored(task)
    assert (kept.version, kept.title, kept.body, kept.assignee) == (1, "Call Grace", "About the quote", ada)
    assert [*kept.contacts.all(), *kept.records.all()] == [grace, acme]
    assert (kept.created_at, kept.updated_at) == (NOON, NOON)


def test_a_save_with_associations_is_one_version(grace, acme):
    task = save_task().task
    task.title = "Call Grace back"

    services.save_task(task=task, changed=["title"], associations=pointing_at([grace, acme]), now=LATER)

    assert stored(task).version == 2
    assert task.history.count() == 2


def test_two_people_who_edit_different_fields_do_not_undo_each_other():
    task = save_task(title="Call Grace", body="").task
    adas, mallorys = stored(task), stored(task)

    adas.title = "Call Grace back"
    services.save_task(task=adas, changed=["title"], now=LATER)
    mallorys.body = "She asked for it"
    services.save_task(task=mallorys, changed=["body"], now=LATER)

    kept = stored(task)
    assert (kept.title, kept.body, kept.version) == ("Call Grace back", "She asked for it", 3)
    assert (mallorys.title, mallorys.version) == ("Call Grace back", 3)


def test_what_is_not_named_as_changed_is_not_saved():
    task = save_task(title="Call Grace").task
    task.title, task.body = "Something else", "New"

    services.save_task(task=task, changed=["body"], now=LATER)

    assert (stored(task).title, stored(task).body) == ("Call Grace", "New")


def test_associations_keep_their_order_pins_and_words(grace, katherine):
    wanted = [
        Associated(katherine.pk, label="decides", type="owner", is_pinned=True),
        Associated(grace.pk, label="asked"),
    ]

    task = save_task().task
    services.save_task(task=task, changed=[], associations=Associations(contacts=wanted), now=LATER)

    rows = TaskContact.objects.filter(task=task).order_by("position")
    assert [(one.contact, one.label, one.type, one.is_pinned) for one in rows] == [
        (katherine, "decides", "owner", True),
        (grace, "asked", "", False),
    ]


def test_associations_that_are_not_named_go_and_those_that_stay_keep_their_row(grace, katherine):
    task = save_task(about=[grace, katherine]).task
    row = TaskContact.objects.get(task=task, contact=katherine)

    services.save_task(task=task, changed=[], associations=pointing_at([katherine]), now=LATER)

    assert list(TaskContact.objects.filter(task=task)) == [row]
    assert TaskContact.objects.get(pk=row.pk).position == 0


def test_a_side_that_is_not_given_stays_as_it_is(grace, acme):
    task = save_task(about=[grace, acme]).task

    services.save_task(task=task, changed=[], associations=Associations(records=[]), now=LATER)

    assert list(stored(task).contacts.all()) == [grace]
    assert not stored(task).records.exists()


@pytest.mark.parametrize("name", ["due_at", "end_at", "reminder_at"])
@pytest.mark.parametrize("year", [1, 1969, 3000, 9999])
@pytest.mark.django_db
def test_a_moment_that_no_crm_can_hold_is_refused_by_field(name, year):
    moment = datetime(year, 7, 1, 12, tzinfo=UTC)

    with pytest.raises(ValidationError) as refusal:
        save_task(**{name: moment})

    assert refusal.value.message_dict == {name: [f"The year must lie between 1970 and 2999; it is {year}."]}
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda one: [Associated(one), Associated(one)], "named twice"),
        (lambda one: [Associated(one), Associated(uuid4())], "There is no contact"),
        (lambda one: [Associated(one, label="x" * 101)], "A label is longer than 100 characters"),
        (lambda one: [Associated(one, type="own\x00er")], "NUL character"),
    ],
)
def test_wrong_associations_are_refused_and_the_same_task_can_be_saved_without_them(grace, wrong, words):
    connect()
    task = Task(title="Call Grace", created_at=None)

    with pytest.raises(ValidationError, match=words) as refusal:
        services.save_task(
            task=task, changed=[], associations=Associations(contacts=wrong(grace.pk)), now=NOON
        )
    written = Task.objects.count() + TaskLink.objects.count() + Task.history.count()
    services.save_task(task=task, changed=[], now=NOON)

    assert (written, list(refusal.value.message_dict)) == (0, ["contacts"])
    assert stored(task).version == 1


@pytest.mark.parametrize(
    "given",
    [
        NOON - timedelta(days=5 * 365),
        NOON - timedelta(days=5 * 365 + 1),  # a leap year lies in between
        NOON,
        NOON + timedelta(hours=24),
    ],
)
def test_a_moment_of_creation_within_five_years_back_and_a_day_ahead_is_kept(given):
    saved = save_task(created_at=given)

    assert (stored(saved.task).created_at, saved.warnings) == (given, [])


@pytest.mark.parametrize("given", [NOON - timedelta(days=5 * 365 + 2), NOON + timedelta(hours=24, seconds=1)])
def test_another_moment_of_creation_is_replaced_by_now_and_said_so(given):
    saved = save_task(created_at=given)

    assert stored(saved.task).created_at == NOON
    [warning] = saved.warnings
    assert f"{given:%Y-%m-%dT%H:%M:%SZ} was replaced by now" in warning


def test_a_date_only_task_is_due_at_midnight_utc_of_that_day():
    task = save_task(due_at=datetime(2026, 4, 1, 15, 30, tzinfo=UTC), due_is_date=True).task

    assert stored(task).due_at == datetime(2026, 4, 1, tzinfo=UTC)
    assert stored(task).due_is_date


def test_a_task_without_due_time_is_not_due_on_a_day():
    task = save_task(due_at=datetime(2026, 4, 1, tzinfo=UTC), due_is_date=True).task
    task.due_at = None

    services.save_task(task=task, changed=["due_at"], now=LATER)

    assert (stored(task).due_at, stored(task).due_is_date) == (None, False)


def test_an_end_at_the_due_time_is_fine():
    task = save_task(due_at=NOON, end_at=NOON).task

    assert stored(task).end_at == NOON


@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        ({"due_at": NOON, "end_at": NOON - timedelta(seconds=1)}, "end_at", "lies before the due time"),
        ({"title": ""}, "title", "cannot be blank"),
        ({"title": "   "}, "title", "cannot be blank"),
        ({"title": "x" * 4097}, "title", "at most 4096"),
        ({"title": "Call\x00Grace"}, "title", "NUL character"),
        ({"body": "\x00"}, "body", "NUL character"),
        ({"queue": "a\x00"}, "queue", "NUL character"),
        ({"location": "a\x00"}, "location", "NUL character"),
        ({"contact_name": "a\x00"}, "contact_name", "NUL character"),
        ({"company_name": "a\x00"}, "company_name", "NUL character"),
        ({"status": "finished"}, "status", "is not a valid choice"),
        ({"priority": "urgent"}, "priority", "is not a valid choice"),
        ({"type": "fax"}, "type", "is not a valid choice"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused_by_field_and_nothing_is_written(values, name, words):
    connect()

    with pytest.raises(ValidationError) as refusal:
        save_task(**values)

    assert list(refusal.value.message_dict) == [name]
    assert words in refusal.value.message_dict[name][0]
    assert not Task.objects.exists()
    assert not TaskLink.objects.exists()


def test_a_refused_edit_owes_nothing_and_leaves_no_history():
    connect()
    task = save_task().task
    TaskLink.objects.update(due_at=None, sync_status="in_sync", pushed_version=1)
    task.title = ""

    with pytest.raises(ValidationError):
        services.save_task(task=task, changed=["title"], now=LATER)

    link = TaskLink.objects.get()
    assert (link.wanted_version, link.due_at, link.sync_status) == (1, None, "in_sync")
    assert (stored(task).version, stored(task).title, task.history.count()) == (1, "Call Grace", 1)


def test_a_save_of_an_old_version_is_refused_and_changes_nothing():
    task = save_task().task
    adas, mallorys = stored(task), stored(task)
    adas.title = "Call Grace back"
    services.save_task(task=adas, changed=["title"], expected_version=1, now=LATER)
    mallorys.title = "Write to Grace"

    with pytest.raises(services.StaleVersion, match="at version 2, not 1"):
        services.save_task(task=mallorys, changed=["title"], expected_version=1, now=LATER)

    assert (stored(task).title, stored(task).version) == ("Call Grace back", 2)


def test_every_save_leaves_a_history_row_that_says_who_and_what(ada, grace):
    task = save_task().task
    task.title, task.priority = "Call Grace back", "high"

    services.save_task(
        task=task, changed=["title", "priority"], associations=pointing_at([grace]), by=ada, now=LATER
    )
    services.complete_task(task=task, by=ada, now=LATER)
    services.delete_task(task=task, by=ada, now=LATER)
    services.restore_task(task=task, now=LATER)

    rows = [
        (row.version, row.history_user, row.history_change_reason) for row in task.history.order_by("version")
    ]
    assert rows == [
        (1, None, "saved"),
        (2, ada, "priority, title, contacts, records"),
        (3, ada, "status"),
        (4, ada, "deleted"),
        (5, None, "restored"),
    ]


def test_the_origin_of_the_last_save_is_kept(ada):
    task = save_task().task

    services.complete_task(task=task, by=ada, origin="staff", now=LATER)

    assert stored(task).origin == "staff"


def test_a_task_is_found_by_its_words_and_its_contacts_words(grace):
    task = save_task(title="Straße räumen", contact_name="G. H.", company_name="Acme", about=[grace]).task

    text = stored(task).search_text
    assert text == text.upper()
    for words in ("STRASSE RÄUMEN", "G. H.", "ACME", "GRACE HOPPER", "GRACE@EXAMPLE.COM"):
        assert words in text


def test_a_contact_that_leaves_a_task_is_no_longer_found_by_it(grace):
    task = save_task(about=[grace]).task

    services.save_task(task=task, changed=[], associations=pointing_at([]), now=LATER)

    assert "HOPPER" not in stored(task).search_text


def test_a_task_keeps_its_day_whatever_zone_the_day_was_written_in():
    day = datetime.combine(date(2026, 4, 1), datetime.min.time(), tzinfo=UTC)
    elsewhere = day.astimezone(datetime.strptime("+0530", "%z").tzinfo)

    task = save_task(due_at=elsewhere, due_is_date=True).task

    assert stored(task).due_at.date() == date(2026, 4, 1)


def test_a_contact_of_a_task_cannot_be_lost_from_under_it(grace):
    save_task(about=[grace])

    with pytest.raises(Exception, match="protected"):
        Contact.objects.get(pk=grace.pk).delete()
