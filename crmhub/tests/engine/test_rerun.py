"""A recorded incident is run again from the attempts alone, and comes out the same; what was changed since is named."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import partial
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest

from crmhub import services
from crmhub.models import Attempt, TaskLink
from crmhub.sync.journal import FORMAT, Recorded, Unreadable, read_file, write_file
from crmhub.sync.rerun import Total, rerun
from crmhub.tests.engine.conftest import Hub, meanwhile, writing
from providers.registry import codes

pytestmark = pytest.mark.engine


def recorded() -> list[Any]:
    return [Recorded.of(one) for one in Attempt.objects.select_related("connection").order_by("id")]


def run(attempts) -> tuple[Total, list[str]]:
    """Run them again; returns the total and the differences in words."""
    total, said = Total(), []
    for one in rerun(attempts):
        total.add(one)
        said += [f"{one.attempt.id} {it.what}: {it.then} / {it.now}" for it in one.differences]
    return total, said


def incident(hub: Hub, *, seed: int = 1) -> None:
    """Four CRMs on a bad day: lost answers, refusals, quotas, edits in between, deletions, and time that passes."""
    chance = random.Random(seed)
    simulators = [hub.connect(code) for code in codes()]
    grace, katherine = hub.save_contact(), hub.save_contact(first_name="Katherine", email="k@example.com")
    tasks = [
        hub.save_task(
            title=f"Task {number}", body="words " * number, contacts=[chance.choice([grace, katherine])]
        )
        for number in range(5)
    ]
    for _ in range(30):
        simulator, task = chance.choice(simulators), chance.choice(tasks)
        kind = chance.choice(["drop", "html", "garbage", "status", "empty", "rate_limited", "refuse", "edit"])
        if kind == "refuse":
            simulator.fail_next("status", writing(simulator, "POST|PUT|PATCH"), status=400)
        elif kind == "rate_limited":
            simulator.fail_next("rate_limited", seconds=7)
        elif kind == "edit":
            meanwhile(simulator, partial(_edit, hub, task, body=f"{chance.random()}"))
        else:
            is_late = chance.random() < 0.5
            simulator.fail_next(
                kind, writing(simulator, "POST|PUT|PATCH|DELETE"), after_write=is_late, status=502
            )
        what = chance.choice(["title", "complete", "delete", "restore", "nothing"])
        if what == "title":
            _edit(hub, task, title=f"Edit {chance.random()}")
        elif what == "complete":
            services.complete_task(task=_again(task), now=hub.now)
        elif what == "delete":
            services.delete_task(task=_again(task), now=hub.now)
        elif what == "restore":
            services.restore_task(task=_again(task), now=hub.now)
        hub.push(later=chance.choice([0, 5, 30, 130]))
        simulator.before_answer = None
    for simulator in simulators:
        simulator.faults.clear()
    hub.settle()


def _edit(hub: Hub, task, **values):
    hub.edit(_again(task), **values)


def _again(task):
    return type(task).objects.get(pk=task.pk)


@pytest.mark.parametrize("seed", [1, 2])
def test_an_incident_runs_again_with_the_same_hash_each_time(hub: Hub, seed):
    incident(hub, seed=seed)
    attempts = recorded()

    (first, said), (second, _) = run(attempts), run(attempts)

    outcomes = {one.outcome for one in attempts}
    assert said == []
    assert first.left_out == {}
    assert first.hash == second.hash
    assert first.same == len(attempts) > 60
    assert {"ok", "unconfirmed", "rate_limited", "rejected"} <= outcomes


def test_an_incident_in_a_file_runs_again_without_the_database(hub: Hub):
    incident(hub, seed=4)
    file = StringIO()
    write_file(Attempt.objects.select_related("connection").order_by("id"), file)
    there, _ = run(recorded())
    Attempt.objects.all().delete()

    file.seek(0)
    total, said = run(read_file(file))

    assert (said, total.hash, total.same) == ([], there.hash, there.same)


def test_one_byte_of_an_answer_that_was_changed_since_is_named(hub: Hub, grace, code):
    hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    link = hub.link(task)
    one = Attempt.objects.get(task_link=link, operation="create")
    changed = _flipped(one.response, at=one.response.index(link.external_id))
    Attempt.objects.filter(pk=one.pk).update(response=changed)

    total, said = run(recorded())

    assert total.different == 1
    assert [line for line in said if line.startswith(f"{one.pk} answer 1:")]
    assert [line for line in said if line.startswith(f"{one.pk} link.external_id: {link.external_id} /")]


def test_a_byte_that_decides_nothing_is_named_too(hub: Hub, grace):
    hub.connect("hubspot")
    hub.save_task(contacts=[grace])
    hub.settle()
    one = Attempt.objects.get(task_link__isnull=False)
    changed = _flipped(one.response, at=one.response.index("createdAt") + 14)
    Attempt.objects.filter(pk=one.pk).update(response=changed)

    total, said = run(recorded())

    assert total.different == 1
    assert [line.split(":")[0] for line in said] == [f"{one.pk} answer 1"]


def _flipped(text: str, *, at: int) -> str:
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


def test_another_wish_makes_another_request_and_that_is_named(hub: Hub, grace, code):
    hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    one = next(one for one in recorded() if "task" in one.intent)
    wish = {**one.intent["task"], "draft": {**one.intent["task"]["draft"], "title": "Ring Grace"}}

    _, said = run([replace(one, intent={**one.intent, "task": wish})])

    assert task.title == "Call Grace"
    assert said[0].split(":")[0] == f"{one.id} request 1"
    assert "Ring Grace" in said[0]


def test_a_change_of_what_is_planned_is_named(hub: Hub, grace, code):
    hub.connect(code)
    hub.save_task(contacts=[grace])
    hub.settle()
    one = next(one for one in recorded() if "task" in one.intent)

    _, said = run([replace(one, operation="update")])

    assert said[0] == f"{one.id} operation: update / create"


def test_a_batch_runs_again_as_one_call_though_its_answer_is_long(hub: Hub, grace):
    hub.connect("hubspot")
    for number in range(30):
        hub.save_task(title=f"Task {number}", body="words " * 20, contacts=[grace])
    hub.settle()
    attempts = recorded()
    first = next(one for one in attempts if one.settled.get("place") == [1, 30])

    total, said = run(attempts)
    apart, _ = run(one for one in attempts if one.id != first.id)

    assert (said, total.same) == ([], len(attempts))
    assert len(first.settled["answers"][0]["rest"]) > 10_000
    assert apart.left_out == {"other tasks of its batch are missing": 29}


@pytest.mark.parametrize(("count", "landed"), [(7, True), (30, False)])
def test_a_look_for_many_runs_again_as_one_call_though_not_all_could_be_asked(hub: Hub, grace, count, landed):
    simulator = hub.connect("hubspot")
    for number in range(count):
        hub.save_task(title=f"Task {number}", contacts=[grace])
    simulator.fail_next("drop", "POST .*/batch/create", after_write=landed)
    hub.settle()
    attempts = recorded()
    looks = [one for one in attempts if one.operation == "find"]

    total, said = run(attempts)

    assert [1, count] in [one.settled["place"] for one in looks]
    assert ("not_sent" in {one.outcome for one in looks}) is not landed
    assert (said, total.same) == ([], len(attempts))


def test_a_request_that_is_longer_than_what_is_shown_is_compared_to_its_end(hub: Hub, grace):
    hub.connect("hubspot")
    hub.save_task(body="words " * 1000 + "end", contacts=[grace])
    hub.settle()
    one = next(one for one in recorded() if "task" in one.intent)
    draft = {**one.intent["task"]["draft"], "body": "words " * 1000 + "End"}

    _, same = run([one])
    _, said = run([replace(one, intent={**one.intent, "task": {**one.intent["task"], "draft": draft}})])

    assert same == []
    assert said[0].startswith(f"{one.id} request 1, beyond what is shown")


def test_a_crm_that_cannot_be_reached_and_a_worker_that_comes_late_run_again(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    hub.edit(task, title="Ring Grace")
    meanwhile(simulator, lambda: TaskLink.objects.filter(task=task).update(claim_token=uuid4()))
    hub.push()
    hub.settle()
    hub.edit(task, title="Write to Grace")
    hub.servers[code].stop()
    hub.push()
    attempts = recorded()

    total, said = run(attempts)

    assert (said, total.same) == ([], len(attempts))
    assert [one for one in attempts if one.settled and "columns" not in one.settled]
    assert "Could not connect" in attempts[-1].detail


def test_an_id_that_another_one_has_already_runs_again(hub: Hub, grace):
    hub.connect("hubspot")
    hub.save_task(contacts=[grace])
    hub.settle()
    twin = hub.save_contact(first_name="G.", email="grace@example.com")
    hub.settle()
    attempts = recorded()

    total, said = run(attempts)

    assert hub.contact_link(twin).last_error_code == "taken"
    assert (said, total.same) == ([], len(attempts))


def test_a_slot_that_did_not_come_in_the_middle_does_not_come_again(hub: Hub, grace, ada):
    hub.connect("leadsquared", settings={"limits": "6/60"})
    tasks = [hub.save_task(title=f"Task {number}", contacts=[grace]) for number in range(4)]
    hub.settle()
    for task in tasks:
        hub.edit(task, reminder_at=hub.now)
    hub.settle()
    attempts = recorded()

    total, said = run(attempts)

    assert "not_sent" in {one.outcome for one in attempts}
    assert (said, total.same) == ([], len(attempts))


def test_what_cannot_run_again_is_left_out_and_the_reason_said(hub: Hub, grace):
    simulator = hub.connect("leadlex")
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    old, died = (one.pk for one in Attempt.objects.order_by("id")[:2])
    Attempt.objects.filter(pk=old).update(intent=None)
    Attempt.objects.filter(pk=died).update(settled=None, outcome=Attempt.SENDING)
    simulator.fail_next("echo", writing(simulator, "POST"), status=400)
    hub.save_task(title="Second", contacts=[grace])
    hub.settle()

    total, said = run(recorded())

    assert said == []
    assert total.left_out == {
        "what it was planned from was not kept: it is older than that": 1,
        "its worker died before an answer was noted": 1,
        "not all of an answer was kept: it was too long, or a secret stood in it or in what was asked": 1,
    }


def test_no_secret_is_in_what_is_kept_nor_in_a_file(hub: Hub, grace, code):
    simulator = hub.connect(code)
    secrets = list(simulator.secret.values())
    hub.save_task(title=f"Do not tell: {secrets[0]}", contacts=[grace])
    hub.save_task(title="Call Grace", contacts=[grace])
    simulator.fail_next("echo", writing(simulator, "POST"), status=400)
    hub.settle()
    ordinary = [one for one in recorded() if secrets[0] not in json.dumps(one.intent)]
    file = StringIO()

    write_file(Attempt.objects.select_related("connection"), file)

    kept = json.dumps([[one.intent, one.settled, one.request, one.response] for one in ordinary])
    assert len(ordinary) >= 2
    assert [one for one in secrets if one in kept or one in file.getvalue()] == []


def test_a_file_that_is_something_else_is_refused_by_its_line():
    with pytest.raises(Unreadable, match="line 1"):
        list(read_file(StringIO("{}\n")))
    with pytest.raises(Unreadable, match="line 2"):
        list(read_file(StringIO(f"{json.dumps(FORMAT)}\n{{}}\n")))
