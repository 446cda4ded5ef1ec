"""The made-up world, and whether its check would notice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from crmhub import services
from crmhub.demo import people
from crmhub.demo.build import World
from crmhub.demo.stories import STORIES
from crmhub.demo.verify import differences
from crmhub.demo.words import CRMS, At, Day, Held, Story, There, everywhere
from crmhub.models import Task, TaskLink
from providers.types import HubKey

TODAY = datetime(2026, 3, 29, tzinfo=UTC).date()


# The world


def test_there_are_about_sixty_tasks_and_no_two_have_the_same_title():
    assert 55 <= len(STORIES) <= 65
    assert len({story.last_title for story in STORIES}) == len(STORIES)


def test_every_story_names_people_and_records_that_there_are_and_says_what_each_crm_must_hold():
    for story in STORIES:
        assert {*story.contacts, *story.moved_to} <= set(people.CONTACTS)
        assert set(story.records) <= set(people.RECORDS)
        assert story.assignee in ("", *people.STAFF)
        assert set(story.there) == set(CRMS)


def test_tasks_in_every_state_are_shown():
    assert {story.status for story in STORIES} == set(Task.Status.values)
    assert {story.priority for story in STORIES} == set(Task.Priority.values)
    assert {story.type for story in STORIES} == set(Task.Type.values)
    assert {type(story.due) for story in STORIES} == {Day, At, type(None)}
    assert {there.held for story in STORIES for there in story.there.values()} == set(Held)
    assert {"complete", "reopen", "delete", "restore", "cancel"} <= {story.then for story in STORIES}


def test_nearly_all_end_in_sync_at_every_crm():
    for code in CRMS:
        held = Counter(story.there[code].held for story in STORIES)
        assert held[Held.LIVE] >= 50


# Its check


@pytest.fixture
def world(db):
    """One task at HubSpot, in sync."""
    connection = services.connect_account(
        provider="hubspot", name="HubSpot", secrets={"access_token": "x"}, base_url="http://127.0.0.1:1"
    )
    world = World(TODAY, connections={"hubspot": connection})
    story = Story("Call Grace", everywhere(), due=Day(1))
    task = Task(
        title=story.title, due_at=datetime(2026, 3, 30, tzinfo=UTC), due_is_date=True, created_at=None
    )
    world.tasks.append((story, services.save_task(task=task, changed=[]).task))
    TaskLink.objects.update(sync_status="in_sync", due_at=None, external_id="17")
    return world


@pytest.fixture
def shown(world):
    """What HubSpot shows of it."""
    return {
        "id": "17",
        "title": "Call Grace",
        "body": "",
        "status": "open",
        "due_at": "2026-03-30T09:00:00Z",
        "contact": None,
        "hub_key": str(HubKey(TaskLink.objects.get().pk)),
        "deleted": False,
    }


def test_a_crm_that_holds_just_what_was_named_passes(world, shown):
    assert differences(world, {"hubspot": [shown]}) == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"title": "Call Gracie"}, "has title 'Call Gracie', expected 'Call Grace'"),
        ({"status": "completed"}, "has status 'completed', expected 'open'"),
        ({"due_at": "2026-03-30T09:00:00.000Z"}, None),
        ({"due_at": "2026-03-31T09:00:00Z"}, "expected '2026-03-30T09:00:00Z'"),
        ({"due_at": None}, "has due_at None"),
        ({"contact": "mallory@example.com"}, "has contact 'mallory@example.com', expected None"),
        ({"id": "18"}, "has id '18', expected '17'"),
        ({"deleted": True}, "is there 0 times, expected 1"),
        ({"hub_key": ""}, "which is no task of the hub"),
    ],
)
def test_every_difference_is_noticed(world, shown, changes, what):
    found = differences(world, {"hubspot": [{**shown, **changes}]})

    assert any(what in line for line in found) if what else not found


def test_a_task_that_was_made_twice_is_noticed(world, shown):
    found = differences(world, {"hubspot": [shown, {**shown, "id": "18"}]})

    assert any("is there 2 times, expected 1" in line for line in found)


def test_a_task_that_is_missing_is_noticed(world):
    assert differences(world, {"hubspot": []}) == ["HubSpot: 'Call Grace' is there 0 times, expected 1"]


def test_a_link_that_is_not_in_step_is_noticed(world, shown):
    TaskLink.objects.update(sync_status="failed", last_error="Refused.")

    assert "is failed in the hub (Refused.)" in differences(world, {"hubspot": [shown]})[0]


def test_a_link_that_is_parked_for_another_reason_is_noticed(world):
    story, task = world.tasks[0]
    world.tasks[0] = (Story(story.title, everywhere(hubspot=There(Held.PARKED, why="no contact"))), task)
    TaskLink.objects.update(sync_status="failed", last_error="Refused.")

    assert "expected it to be parked: no contact" in differences(world, {"hubspot": []})[0]
