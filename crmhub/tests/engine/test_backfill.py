"""Bringing tasks to a CRM that were saved before it was connected: what is there already is adopted, the rest is made once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crmhub import services, sync
from crmhub.models import Connection, ContactLink, Lane, Task, TaskLink, Unmatched
from crmhub.sync import CannotBegin, Wish
from crmhub.tests.engine.conftest import Hub, live
from crmhub.tests.engine.test_relink import HubClock

pytestmark = pytest.mark.engine

DUE = datetime(2026, 12, 1, 14, 30, tzinfo=UTC)


def backfill(hub: Hub, code: str, wish: Wish | None = None, **options: Any) -> sync.Backfilled:
    return sync.backfill(hub.connections[code], wish or Wish(), clock=HubClock(hub), **options)


def titles(simulator: Any) -> list[str]:
    return sorted(there["title"] for there in live(simulator))


def test_tasks_saved_before_the_connection_arrive_once(hub: Hub, grace, code):
    for number in range(5):
        hub.save_task(title=f"Call Grace, {number}", contacts=[grace])
    hub.wait(60)
    simulator = hub.connect(code)

    done = backfill(hub, code)
    lanes = set(TaskLink.objects.values_list("lane", flat=True))
    hub.settle()
    again = backfill(hub, code)
    hub.settle()

    assert titles(simulator) == [f"Call Grace, {number}" for number in range(5)]
    assert (done.to_make, done.stock.linked, lanes) == (5, 0, {Lane.BACKFILL})
    assert (again.to_make, again.stock.linked_before) == (0, 5)
    assert set(TaskLink.objects.values_list("sync_status", flat=True)) == {"in_sync"}


def test_what_an_ended_connection_left_there_is_adopted_by_its_key(hub: Hub, grace, code):
    simulator = hub.connect(code)
    for number in range(3):
        hub.save_task(title=f"Call Grace, {number}", contacts=[grace], body="About the quote")
    hub.settle()
    services.disconnect_account(connection=hub.connections[code], now=hub.now)
    hub.wait(60)
    hub.connect(code, simulator=simulator)

    done = backfill(hub, code)
    hub.settle()

    assert (done.stock.by_key, done.to_make, len(live(simulator))) == (3, 0, 3)
    mine = TaskLink.objects.filter(connection=hub.connections[code])
    assert {link.external_id for link in mine} == {there["id"] for there in live(simulator)}
    task = Task.objects.get(title="Call Grace, 1")
    hub.edit(task, title="Call Grace back")
    hub.settle()
    assert titles(simulator) == ["Call Grace back", "Call Grace, 0", "Call Grace, 2"]


def test_what_people_made_there_by_hand_is_adopted_if_it_is_the_same(hub: Hub, grace, code):
    simulator = made_by_hand(hub, code, grace, [{"title": "Call Grace", "due_at": DUE}])

    done = backfill(hub, code)
    hub.settle()

    [there] = live(simulator)
    assert (done.stock.by_likeness, done.to_make) == (1, 0)
    assert (hub.link(Task.objects.get()).external_id, hub.link(Task.objects.get()).sync_status) == (
        there["id"],
        "in_sync",
    )


def test_of_two_that_are_alike_none_is_taken_and_none_is_made(hub: Hub, grace, code):
    simulator = made_by_hand(hub, code, grace, [{"title": "Call Grace", "due_at": DUE}] * 2)

    done = backfill(hub, code)
    hub.settle(rounds=3)

    assert (done.stock.unmatched, done.to_make, done.stock.linked) == (2, 0, 0)
    assert len(live(simulator)) == 2
    assert set(TaskLink.objects.values_list("sync_status", "last_error_code")) == {("unknown", "unmatched")}
    assert {row.tasks.count() for row in Unmatched.objects.all()} == {2}


def made_by_hand(hub: Hub, code: str, grace: Any, many: list[dict[str, Any]]) -> Any:
    """Let the CRM hold tasks as if people had made them there, without any key of ours; each is saved here as well."""
    simulator: Any = hub.connect(code)
    for values in many:
        hub.save_task(contacts=[grace] if grace else [], **values)
    hub.settle()
    for row in rows_of(simulator):
        forget_key(row)
        if code == "highlevel":
            simulator._index(row)  # what its search shows
    TaskLink.objects.all().delete()
    ContactLink.objects.all().delete()
    Connection.objects.update(linked_at=None)
    return simulator


def rows_of(simulator: Any) -> list[Any]:
    """Return the task rows that the simulator keeps."""
    if simulator.code == "hubspot":
        return [one.properties for one in simulator.records.of_type("0-27")]
    if simulator.code == "leadsquared":
        return [vars(row) for row in simulator.held.values()]
    return list(simulator._tasks.values())


def forget_key(row: dict[str, Any]) -> None:
    """Take our key from a row, whatever it is called there."""
    row.pop("hub_task_key", None)
    for name, value in row.items():
        if isinstance(value, str):
            row[name] = re.sub(r"(<br>|\s)*\[hub:[^]]+\]", "", value)


def test_only_what_is_asked_for_is_brought(hub: Hub, grace):
    hub.save_task(title="Done", contacts=[grace], status="completed")
    old = hub.save_task(title="Old", contacts=[grace], created_at=hub.now - timedelta(days=400))
    new = hub.save_task(title="New", contacts=[grace])
    hub.wait(60)
    hub.connect("hubspot")

    wish = Wish(only_open=True, since=hub.now - timedelta(days=30))
    done = backfill(hub, "hubspot", wish)

    assert done.to_make == 1
    assert hub.link(new).due_at == hub.now
    assert not old.links.exists()


def test_a_plan_tells_what_it_would_be_and_changes_nothing(hub: Hub, grace, code):
    edith = hub.save_contact(first_name="Edith", email="edith@example.com", phone="+442079460958")
    for number in range(25):
        hub.save_task(title=f"Call {number}", contacts=[grace if number % 2 else edith])
    hub.save_task(title="About nobody")
    hub.wait(60)
    simulator = hub.connect(code, settings={"limits": "10/5"})
    can = hub.connections[code].capabilities

    plan = backfill(hub, code, is_dry=True)

    needs_somebody = bool(can.needs_one_of)
    assert (plan.to_make, plan.skipped) == (25 if needs_somebody else 26, int(needs_somebody))
    tasks = 1 if can.batch_size > 1 else plan.to_make
    assert plan.calls == tasks + 2 + 3  # Grace by e-mail, Edith by e-mail and phone, and each is made
    assert plan.seconds == (plan.calls - 1) // 7 * 5  # three tenths of the rate are kept for people
    assert not TaskLink.objects.exists()
    assert not ContactLink.objects.exists()
    assert live(simulator) == []
    assert Connection.objects.get().backfill == {}


def test_a_task_that_the_crm_cannot_take_is_left_out(hub: Hub):
    hub.save_task(title="About nobody")
    hub.wait(60)
    hub.connect("highlevel")

    done = backfill(hub, "highlevel")

    assert (done.to_make, done.skipped) == (0, 1)
    assert not TaskLink.objects.exists()


def test_a_connection_for_linked_tasks_is_brought_those_whose_contact_is_there(hub: Hub, grace, code):
    edith = hub.save_contact(first_name="Edith", email="edith@example.com")
    hub.save_task(title="Call Grace", contacts=[grace])
    hub.save_task(title="Call Edith", contacts=[edith])
    hub.wait(60)
    simulator = hub.connect(code, scope="linked")
    simulator.seed({"contacts": [{"first_name": "Grace", "email": "grace@example.com"}]})

    done = backfill(hub, code)
    hub.settle()

    assert (done.to_make, done.skipped) == (1, 1)
    assert titles(simulator) == ["Call Grace"]


def test_a_save_meanwhile_does_not_make_a_second_one(hub: Hub, grace, code):
    task = hub.save_task(contacts=[grace])
    hub.wait(60)
    simulator = hub.connect(code)

    class Busy(HubClock):
        """A clock at which somebody saves the task while the account is read."""

        is_saved = False

        def now(self) -> datetime:
            if not self.is_saved:
                self.is_saved = True
                self.hub.edit(task, title="Call Grace back")
            return super().now()

    sync.backfill(hub.connections[code], Wish(), clock=Busy(hub))
    hub.settle()

    assert titles(simulator) == ["Call Grace back"]


# What cannot begin


def test_where_only_staff_add_tasks_nothing_is_brought(hub: Hub, grace):
    hub.save_task(contacts=[grace])
    hub.wait(60)
    hub.connect("hubspot", scope="manual")

    with pytest.raises(CannotBegin, match="only tasks that staff add"):
        backfill(hub, "hubspot")


def test_lost_links_are_rebuilt_first(hub: Hub, grace):
    hub.connect("hubspot")
    hub.save_task(contacts=[grace])
    hub.settle()
    TaskLink.objects.all().delete()

    with pytest.raises(CannotBegin, match="relink"):
        backfill(hub, "hubspot")
