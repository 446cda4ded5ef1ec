"""Reading what the sub-account holds, page by page: nothing is skipped, whatever comes, goes or changes meanwhile."""

from __future__ import annotations

import json

import pytest

from providers.errors import Forbidden, NotFound, Permanent, Rejected, Transient
from providers.highlevel.walking import PAGE, Place, step
from providers.simulator.server import Reply
from providers.tests.worlds import new_key
from providers.types import Field, Person, RemoteRef


def made(world, count, **changes):
    """Create tasks in the account's own store, oldest first, a second apart; return their ids."""
    contact, ids = world.ids["contacts"][0], []
    for number in range(count):
        world.simulator.move_clock(1)
        ids.append(
            world.create(world.draft(title=f"Call Grace, {number}", **changes)).ref.id
            if number == 0
            else _copied(world, ids[0], contact)
        )
    return ids


def _copied(world, first, contact):
    # As many requests would wait for the burst limit.
    simulator = world.simulator
    task = {
        **simulator._tasks[first],
        "id": simulator._new_id(),
        "added": simulator.now(),
        "contactId": contact,
    }
    simulator._tasks[task["id"]] = task
    simulator._index(task)
    return task["id"]


def walked(page_at, *, between=lambda at: None):
    ids, cursor, at = [], None, 0
    while True:
        page = page_at(cursor)
        ids += [one.ref.id for one in page.items]
        if page.cursor is None:
            return ids
        cursor, at = page.cursor, at + 1
        between(at)
        assert at < 60, "the listing does not end"


def searches(world):
    return [one["body"] for one in world.simulator.log if one["path"].endswith("/tasks/search")]


# Tasks of the sub-account


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_every_task_is_listed_once(world, count):
    ids = made(world, count)

    assert sorted(walked(world.provider.list_tasks)) == sorted(ids)


def test_a_page_is_asked_for_behind_the_last_row_of_the_one_before(world):
    made(world, 120)

    walked(world.provider.list_tasks)

    first, second, third = searches(world)
    assert first == {"limit": PAGE, "skip": 0}
    assert (second["limit"], len(second["searchAfter"]), "skip" in second) == (PAGE, 2, False)
    assert third["searchAfter"] != second["searchAfter"]


@pytest.mark.parametrize("goes_on_after", [True, False])
def test_nothing_is_skipped_while_tasks_come_and_go(world, goes_on_after):
    ids = made(world, 350)
    _search_that(world, goes_on_after=goes_on_after)
    gone = []

    def meanwhile(at):
        if at == 1:
            gone.extend(ids[-40:-20])  # from the page that was read
            for id_ in gone:
                world.simulator._tasks[id_]["deleted"] = True
                world.simulator._index(world.simulator._tasks[id_])
        if at == 2:
            made(world, 5)

    assert set(walked(world.provider.list_tasks, between=meanwhile)) >= set(ids) - set(gone)


@pytest.mark.parametrize("refusal", [True, False])
def test_a_search_that_does_not_go_on_after_a_place_is_read_by_counting(world, refusal):
    ids = made(world, 230)
    _search_that(world, goes_on_after=False, refuses=refusal)

    assert set(walked(world.provider.list_tasks)) == set(ids)


def test_a_search_that_gives_short_pages_is_read_to_its_end(world):
    ids = made(world, 90)
    _search_that(world, goes_on_after=True, most=25)

    assert sorted(walked(world.provider.list_tasks)) == sorted(ids)


def test_a_task_that_the_search_shows_as_deleted_is_not_listed(world):
    first, second = made(world, 2)
    world.simulator.shows_deleted = True
    world.provider.delete_task(RemoteRef(first, world.ids["contacts"][0]))

    assert walked(world.provider.list_tasks) == [second]


def test_a_listed_task_tells_when_it_was_changed(world):
    ref, key = world.create(world.draft(), key=new_key()).ref, new_key()
    world.simulator.move_clock(90)
    world.provider.update_task(ref, world.draft(title="Anew"), changed=frozenset({Field.TITLE}), key=key)

    [task] = world.provider.list_tasks().items

    assert abs((task.modified_at - world.simulator.now()).total_seconds()) < 5
    assert task.holds[Field.TITLE] == "Anew"


def test_the_listing_shows_what_the_search_has_seen_so_far(world):
    ref = world.create().ref
    world.simulator.find_lag = 30.0
    world.simulator.move_clock(60)
    world.provider.update_task(
        ref, world.draft(title="Anew"), changed=frozenset({Field.TITLE}), key=new_key()
    )
    world.create(world.draft(title="Too new"))

    assert [one.holds[Field.TITLE] for one in world.provider.list_tasks().items] == [world.draft().title]
    world.simulator.move_clock(31)
    assert {one.holds[Field.TITLE] for one in world.provider.list_tasks().items} == {"Anew", "Too new"}


def test_without_the_scope_of_the_search_the_listing_names_it(world):
    world.simulator.scopes.discard("locations/tasks.readonly")

    with pytest.raises(Forbidden) as caught:
        world.provider.list_tasks()

    assert caught.value.scope == "locations/tasks.readonly"


@pytest.mark.parametrize(
    "cursor", ["", "{}", "[]", "7", "[[], 1, 2, false]", "[null, true, null, 0]", "soon", "[" * 5000]
)
def test_a_cursor_that_is_not_ours_is_refused_before_any_call(world, cursor):
    before = len(world.simulator.log)

    with pytest.raises(Permanent, match="cursor is not one of ours"):
        world.provider.list_tasks(cursor)

    assert len(world.simulator.log) == before


def _search_that(world, *, goes_on_after, refuses=False, most=500):
    """Put a search in place that behaves as no document rules out."""
    simulator, answer = world.simulator, world.simulator.answer

    def altered(call):
        if not call.path.endswith("/tasks/search"):
            return answer(call)
        asked = call.json
        if not goes_on_after and "searchAfter" in asked:
            if refuses:
                said = ["property searchAfter should not exist"]
                return Reply(422, {"statusCode": 422, "message": said, "error": "Unprocessable Entity"})
            del asked["searchAfter"]
        asked["limit"] = min(asked["limit"], most)
        return answer(type(call)(**{**vars(call), "body": _bytes(asked)}))

    simulator.answer = altered


def _bytes(asked):
    return json.dumps(asked).encode()


# One step of a walk


def rows(*ids, places=True):
    return [{"_id": one, **({"searchAfter": [1, one]} if places else {})} for one in ids]


@pytest.mark.parametrize(
    ("place", "found", "new", "then"),
    [
        (Place(), rows(), [], None),
        (Place(), rows("a", "b"), ["a", "b"], Place([1, "b"], 2, "b")),
        (Place(), rows("a", places=False), ["a"], Place(None, 1, "a")),
        (Place([1, "b"], 2, "b"), rows("c"), ["c"], Place([1, "c"], 3, "c")),
        (Place([1, "b"], 2, "b"), rows(), [], None),
        (Place([1, "b"], 2, "b"), rows("a", "b"), [], Place(None, 2, "b", counts=True)),
        (Place(None, 2, "b", counts=True), rows("a", "b", "c"), ["c"], Place([1, "c"], 3, "c", counts=True)),
        (Place(None, 2, "b", counts=True), rows("a", "b"), [], None),
        (Place(None, 2, "b", counts=True), rows("c", "d"), [], Place(counts=True)),
    ],
)
def test_a_step_of_the_walk(place, found, new, then):
    told, after = step(place, found)

    assert [row["_id"] for row in told] == new
    assert after == then
    assert then is None or Place.of(then.cursor) == then


# A contact's tasks


def test_a_contacts_tasks_are_listed_at_once_and_without_lag(world):
    world.simulator.find_lag = 3600.0
    ids = made(world, 130)

    page = world.provider.list_tasks_of_contact(RemoteRef(world.ids["contacts"][0]))

    assert (sorted(task.ref.id for task in page.items), page.cursor) == (sorted(ids), None)
    assert {task.ref.parent_id for task in page.items} == {world.ids["contacts"][0]}


def test_a_contact_without_tasks_lists_none_and_one_that_is_gone_is_not_found(world, raw):
    grace, edith = (RemoteRef(one) for one in world.ids["contacts"])
    raw.delete(f"/contacts/{edith.id}")

    assert world.provider.list_tasks_of_contact(grace).items == ()
    with pytest.raises(NotFound):
        world.provider.list_tasks_of_contact(edith)


def test_a_task_that_is_known_by_its_id_alone_is_fetched_from_its_contact(world):
    ref = world.create().ref

    assert world.provider.fetch_task(RemoteRef(ref.id)).ref == ref
    with pytest.raises(NotFound):
        world.provider.fetch_task(RemoteRef("NobodyKnowsThisTask1"))


# Contacts


def test_every_contact_is_listed_also_beyond_the_reach_of_pages_by_number(world):
    world.simulator.reach = 100
    people = world.simulator.seed({"contacts": [{"first_name": f"Ida {at}"} for at in range(250)]})[
        "contacts"
    ]

    ids = walked(world.provider.list_contacts)

    assert sorted(ids) == sorted([*world.ids["contacts"], *people])


def test_no_contact_is_skipped_while_others_change_and_go(world, raw):
    people = []
    for at in range(210):
        people += world.simulator.seed({"contacts": [{"first_name": f"Ida {at}"}]})["contacts"]
        world.simulator.move_clock(1)

    def meanwhile(at):
        if at == 1:
            raw.delete(f"/contacts/{people[10]}")
            world.provider.update_contact(RemoteRef(people[20]), Person("Anew"))

    ids = walked(world.provider.list_contacts, between=meanwhile)

    assert set(ids) >= set(people) - {people[10]}
    assert ids[-1] == people[20]


def test_a_list_of_contacts_that_does_not_say_where_it_goes_on_is_not_believed_to_end(world):
    row = Reply(200, {"contacts": [{"id": "CON1"}], "total": 9})
    world.simulator.refusal = lambda _status: row
    world.simulator.fail_next("status", "POST /contacts/search", status=200)

    with pytest.raises(Transient, match="did not say where"):
        world.provider.list_contacts()


@pytest.mark.parametrize("cursor", ["", "{}", "7", "soon"])
def test_a_cursor_of_contacts_that_is_not_ours_is_refused_before_any_call(world, cursor):
    with pytest.raises(Permanent, match="cursor is not one of ours"):
        world.provider.list_contacts(cursor)


def test_a_place_that_the_search_of_contacts_does_not_take_is_a_refusal(world):
    world.simulator.fail_next("status", "POST /contacts/search", status=422)

    with pytest.raises(Rejected):
        world.provider.list_contacts("[1]")
