"""Rebuilding lost links from what the CRM holds: everything is known again, nothing is made or changed there."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from crmhub import services, sync
from crmhub.models import Connection, ContactLink, Task, TaskLink, Unmatched
from crmhub.tests.engine.conftest import Hub, live, writes
from providers.errors import ProviderError

pytestmark = pytest.mark.engine

DUE = datetime(2026, 12, 1, 14, 30, tzinfo=UTC)
# Everything that makes tasks differ: days and moments, texts of several lines, all statuses and types.
MANY: tuple[dict[str, Any], ...] = (
    {"title": "Call Grace"},
    {
        "title": "Call Grace about the compiler",
        "body": "Ask for the manual.\nThen thank her.  \n",
        "due_at": DUE,
    },
    {
        "title": "Send the offer",
        "due_at": datetime(2026, 12, 3, tzinfo=UTC),
        "due_is_date": True,
        "priority": "high",
    },
    {
        "title": "Meet <Grace> & Ada",
        "type": "meeting",
        "due_at": DUE,
        "end_at": datetime(2026, 12, 1, 15, tzinfo=UTC),
    },
    {"title": "Wait for the answer", "status": "waiting", "type": "email", "queue": "support"},
    {"title": "Thank Grace", "status": "completed"},
    {"title": "Call off", "status": "cancelled"},
    {"title": "Remind Grace", "due_at": DUE, "reminder_at": datetime(2026, 12, 1, 14, tzinfo=UTC)},
)


class HubClock(sync.Clock):
    """The time of the hub of a test; who waits moves it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def now(self) -> datetime:
        return self.hub.now

    def wait(self, seconds: float) -> None:
        self.hub.wait(seconds)

    @property
    def stands_still(self) -> datetime:
        return self.hub.now


def relink(hub: Hub, code: str, **options: Any) -> sync.Relinked:
    return sync.relink(hub.connections[code], clock=HubClock(hub), **options)


def lose_the_links() -> None:
    TaskLink.objects.all().delete()
    ContactLink.objects.all().delete()


def standing() -> dict[Any, Any]:
    """How the tasks are linked: to what, under which key, and how that stands."""
    return {
        link.task.title: (
            link.pk,
            link.generation,
            link.external_id,
            link.external_parent_id,
            link.sync_status,
        )
        for link in TaskLink.objects.select_related("task")
    }


@pytest.fixture
def many(hub: Hub, grace, ada, code):
    """A CRM that holds many kinds of tasks, all in step; returns its simulator."""
    simulator = hub.connect(code)
    hub.wait(60)
    for values in MANY:
        hub.save_task(contacts=[grace], assignee=ada, **values)
    hub.settle()
    return simulator


def test_lost_links_are_rebuilt_as_they_were(hub: Hub, many, grace, code):
    before, people = standing(), list(ContactLink.objects.values_list("contact", "external_id"))
    asked = len(writes(many))
    lose_the_links()

    found = relink(hub, code)

    assert standing() == before
    assert list(ContactLink.objects.values_list("contact", "external_id")) == people
    assert (found.were_lost, found.missing, found.stock.unmatched, found.stock.differing) == (True, 0, 0, 0)
    assert found.stock.by_key == len(before)
    assert [
        line for line in writes(many)[asked:] if "search" not in line.lower() and "Retrieve" not in line
    ] == []
    assert Connection.objects.get().health(hub.now) == "healthy"


def test_after_rebuilding_nothing_is_sent_and_a_save_sends_what_differs(hub: Hub, many, code):
    lose_the_links()
    relink(hub, code)
    held = many.tasks()

    sync.sweep(now=hub.now, everything=True)
    hub.settle()
    assert many.tasks() == held

    task = Task.objects.get(title="Call Grace about the compiler")
    hub.edit(task, title="Call Grace back")
    hub.settle()

    changed = [there for there, before in zip(many.tasks(), held, strict=True) if there != before]
    assert [there["title"] for there in changed] == ["Call Grace back"]
    assert {**changed[0], "title": "Call Grace about the compiler"} in held


# Which one is it


def with_keys_of_old() -> None:
    """Give the links that were just made ids of chance, as they had before an id could be told again."""
    for link in TaskLink.objects.all():
        TaskLink.objects.filter(pk=link.pk).update(id=uuid4())


def test_links_with_older_keys_are_known_by_likeness_and_keep_their_keys(hub: Hub, grace, ada, code):
    simulator = hub.connect(code)
    hub.wait(60)
    for values in MANY:
        hub.save_task(contacts=[grace], assignee=ada, **values)
    with_keys_of_old()
    hub.settle()
    before = standing()
    lose_the_links()

    found = relink(hub, code)

    assert standing() == before
    assert (found.stock.by_key, found.stock.by_likeness) == (0, len(before))
    assert len(live(simulator)) == len(before)


def test_a_generation_is_taken_from_the_key(hub: Hub, grace):
    hub.connect("highlevel")
    task = hub.save_task(contacts=[grace])
    hub.settle()
    edith = hub.save_contact(first_name="Edith", email="edith@example.com")
    about = services.Associations(contacts=[services.Associated(edith.pk)])
    services.save_task(task=task, changed=[], associations=about, now=hub.now)
    hub.settle()
    before = standing()
    lose_the_links()

    relink(hub, "highlevel")

    assert standing() == before
    assert hub.link(task).generation == 2


def test_alike_tasks_with_older_keys_wait_for_a_person(hub: Hub, grace, code):
    simulator = hub.connect(code)
    first, second = (hub.save_task(contacts=[grace], due_at=DUE) for _ in range(2))
    other = hub.save_task(title="Write to Grace", contacts=[grace])
    with_keys_of_old()
    hub.settle()
    lose_the_links()

    found = relink(hub, code)
    hub.settle(rounds=3)

    assert found.stock.unmatched == 2
    assert hub.link(other).sync_status == "in_sync"
    for task in (first, second):
        link = hub.link(task)
        assert (link.sync_status, link.last_error_code, link.due_at) == ("unknown", "unmatched", None)
    assert {row.external_id for row in Unmatched.objects.all()} | {hub.link(other).external_id} == {
        there["id"] for there in live(simulator)
    }
    assert all({*row.tasks.all()} == {first, second} for row in Unmatched.objects.all())


def test_a_save_does_not_send_what_waits_for_a_person(hub: Hub, grace, code):
    simulator = hub.connect(code)
    tasks = [hub.save_task(contacts=[grace], due_at=DUE) for _ in range(2)]
    with_keys_of_old()
    hub.settle()
    lose_the_links()
    relink(hub, code)

    hub.edit(tasks[0], title="Call Grace back")
    sync.sweep(now=hub.now, everything=True)
    hub.settle(rounds=3)

    assert [there["title"] for there in live(simulator)] == ["Call Grace", "Call Grace"]


def test_what_was_changed_on_one_side_with_an_older_key_is_offered(hub: Hub, grace, code):
    hub.connect(code)
    task = hub.save_task(contacts=[grace], body="About the quote")
    hub.save_task(title="Write to Grace", contacts=[grace])
    with_keys_of_old()
    hub.settle()
    lose_the_links()
    hub.edit(task, title="Call Grace back")

    relink(hub, code)

    [row] = Unmatched.objects.all()
    assert (str(row), list(row.tasks.all())) == ("Call Grace", [task])
    assert hub.link(task).sync_status == "unknown"


def test_two_with_the_key_of_one_task_are_both_shown(hub: Hub, grace):
    simulator = hub.connect("leadlex")
    task, other = hub.save_task(contacts=[grace]), hub.save_task(title="Write to Grace", contacts=[grace])
    hub.settle()
    twin_of(simulator, "Call Grace")
    lose_the_links()

    found = relink(hub, "leadlex")
    hub.settle(rounds=3)

    assert found.stock.unmatched == 2
    assert hub.link(other).sync_status == "in_sync"
    assert (hub.link(task).sync_status, hub.link(task).external_id) == ("unknown", "")
    assert len(live(simulator)) == 3


def twin_of(simulator: Any, title: str) -> None:
    """Copy a task at the CRM, with the hub's key in its text, as people do there."""
    [row] = [row for row in simulator._tasks.values() if row["title"] == title]
    copy = {**row, "id": str(uuid4())}
    simulator._tasks[copy["id"]] = copy


def test_tasks_of_others_are_left_alone(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    strangers_task = hub.save_task(title="Somebody else's", contacts=[grace])
    hub.settle()
    TaskLink.objects.filter(task=strangers_task).delete()
    Task.objects.filter(pk=strangers_task.pk).delete()
    lose_the_links()

    found = relink(hub, code)

    assert hub.link(task).sync_status == "in_sync"
    # It carries a hub's key, so it is shown; which task it is nobody here can say.
    assert [(str(row), row.tasks.count()) for row in Unmatched.objects.all()] == [("Somebody else's", 0)]
    assert found.stock.linked == 1
    assert len(live(simulator)) == 2


def test_what_was_deleted_here_and_is_there_still_is_told(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    lose_the_links()
    services.delete_task(task=task, now=hub.now)

    relink(hub, code)
    hub.settle(rounds=3)

    link = hub.link(task)
    assert (link.sync_status, link.last_error_code) == ("conflict", "differs")
    assert "recycle bin" in link.last_error
    assert len(live(simulator)) == 1
    services.replay_links(links=[link], now=hub.now)
    hub.settle()
    assert live(simulator) == []


# After a restore from a backup


def test_what_was_made_there_after_the_backup_is_not_made_again(hub: Hub, grace, code):
    simulator = hub.connect(code)
    hub.save_task(title="Write to Grace", contacts=[grace])
    hub.settle()
    task = hub.save_task(contacts=[grace])
    backup = TaskLink.objects.filter(task=task).values().get()
    hub.settle()
    TaskLink.objects.filter(task=task).update(**backup)

    relink(hub, code)
    hub.settle()

    assert sorted(there["title"] for there in live(simulator)) == ["Call Grace", "Write to Grace"]
    assert hub.link(task).sync_status == "in_sync"


def test_another_generation_than_the_link_knows_of_waits_for_a_person(hub: Hub, grace):
    simulator = hub.connect("leadlex")
    task = hub.save_task(contacts=[grace])
    hub.save_task(title="Write to Grace", contacts=[grace])
    backup = TaskLink.objects.filter(task=task).values().get()
    hub.settle()
    services.delete_task(task=task, now=hub.now)
    hub.settle()
    services.restore_task(task=task, now=hub.now)
    hub.settle()
    TaskLink.objects.filter(task=task).update(**backup)

    relink(hub, "leadlex")
    hub.settle(rounds=3)

    assert (hub.link(task).sync_status, hub.link(task).external_id) == ("unknown", "")
    assert "another generation" in Unmatched.objects.get().why
    assert len(live(simulator)) == 2


# What was not as it was


def test_what_differs_waits_for_a_person_and_says_in_what(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace], due_at=DUE)
    hub.settle()
    hub.edit(task, title="Call Grace back", due_at=datetime(2026, 12, 2, 9, 30, tzinfo=UTC))
    lose_the_links()

    found = relink(hub, code)
    hub.settle(rounds=3)

    link = hub.link(task)
    assert (link.sync_status, link.last_error_code, found.stock.differing) == ("conflict", "differs", 1)
    assert "title, due" in link.last_error
    assert [there["title"] for there in live(simulator)] == ["Call Grace"]


def test_what_differs_is_sent_where_that_is_asked_for(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    hub.edit(task, title="Call Grace back")
    lose_the_links()

    relink(hub, code, is_sent=True)
    hub.settle()

    assert [there["title"] for there in live(simulator)] == ["Call Grace back"]
    assert hub.link(task).sync_status == "in_sync"


def test_saves_between_the_loss_and_the_end_arrive_once(hub: Hub, grace, code):
    simulator = hub.connect(code)
    old = hub.save_task(contacts=[grace])
    hub.settle()
    hub.wait(60)
    lose_the_links()
    sync.sweep(now=hub.now)
    hub.wait(60)
    hub.edit(old, title="Call Grace back")
    new = hub.save_task(title="Write to Grace", contacts=[grace])

    relink(hub, code)
    hub.settle()

    assert sorted(there["title"] for there in live(simulator)) == ["Call Grace back", "Write to Grace"]
    assert {hub.link(old).sync_status, hub.link(new).sync_status} == {"in_sync"}


def test_what_should_be_there_and_is_not_waits_for_a_person(hub: Hub, grace, code):
    simulator = hub.connect(code)
    hub.wait(60)
    task, kept_out = hub.save_task(contacts=[grace]), hub.save_task(title="Only for us", contacts=[grace])
    services.exclude_link(link=hub.link(kept_out), now=hub.now)
    hub.settle()
    lose_the_links()

    found = relink(hub, code)
    sync.sweep(now=hub.now, everything=True)
    hub.edit(kept_out, title="For us only")
    hub.settle(rounds=3)

    assert found.missing == 1
    assert (hub.link(kept_out).sync_status, hub.link(task).sync_status) == ("unknown", "in_sync")
    assert len(live(simulator)) == 1
    services.replay_links(links=[hub.link(kept_out)], now=hub.now)
    hub.settle()
    assert sorted(there["title"] for there in live(simulator)) == ["Call Grace", "For us only"]


def test_an_account_that_holds_nothing_of_ours_is_let_go(hub: Hub, grace, code):
    simulator = hub.connect(code)
    hub.save_task(contacts=[grace])
    hub.settle()
    lose_the_links()
    simulator.reset()
    hub.save_task(title="Write to Grace", contacts=[grace])

    with contextlib.suppress(ProviderError):  # some accounts are another one after that
        relink(hub, code)


# Contacts


def test_contacts_of_whom_several_fit_wait_for_a_person(hub: Hub, grace):
    simulator = hub.connect("hubspot")
    task = hub.save_task(contacts=[grace])
    hub.settle()
    phone = hub.save_contact(first_name="Edith", phone="+442079460958")
    hub.save_task(title="Call Edith", contacts=[phone])
    for name in ("Edith", "Edie"):
        simulator.seed({"contacts": [{"first_name": name, "phone": "+442079460958"}]})
    lose_the_links()

    found = relink(hub, "hubspot")

    link = ContactLink.objects.get(contact=phone)
    assert (found.stock.contacts, found.stock.contacts_unclear) == (1, 1)
    assert (link.sync_status, link.last_error_code, len(link.candidates)) == ("failed", "ambiguous", 2)
    assert hub.link(task).sync_status == "in_sync"


# Stopped, tried first


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


class Hurried(HubClock):
    """A clock at whose n-th look somebody stops the work."""

    def __init__(self, hub: Hub, looks: int) -> None:
        super().__init__(hub)
        self.looks = looks

    def now(self) -> datetime:
        self.looks -= 1
        if self.looks < 0:
            raise Stopped
        return super().now()


def test_who_is_stopped_again_and_again_comes_to_the_same_end(hub: Hub, grace, code):
    simulator = hub.connect(code)
    tasks = [hub.save_task(title=f"Call Grace, {n}", contacts=[grace]) for n in range(4)]
    hub.settle()
    before = standing()
    lose_the_links()
    sync.sweep(now=hub.now)

    stops = 0
    while Connection.objects.get().links_lost_at is not None:
        with contextlib.suppress(Stopped):
            sync.relink(hub.connections[code], clock=Hurried(hub, stops))
        stops += 1
        sync.sweep(now=hub.now, everything=True)
        hub.push()

    assert stops > 3
    assert standing() == before
    assert len(live(simulator)) == len(tasks)


def test_a_dry_run_tells_the_same_and_links_nothing(hub: Hub, many, code):
    lose_the_links()

    told = relink(hub, code, is_dry=True)

    assert not TaskLink.objects.exists()
    assert not ContactLink.objects.exists()
    assert not Unmatched.objects.exists()
    assert Connection.objects.get().links_lost_at is not None
    assert relink(hub, code) == told


def test_a_second_call_finds_nothing_to_do(hub: Hub, many, code):
    lose_the_links()
    relink(hub, code)
    before = standing()

    again = relink(hub, code)

    assert (again.stock.linked, again.stock.linked_before, again.were_lost) == (0, len(before), False)
    assert standing() == before
