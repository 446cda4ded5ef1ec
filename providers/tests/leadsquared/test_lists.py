"""Reading all of a LeadSquared account, where pages are counted and rows move while they are read."""

from __future__ import annotations

import pytest

from providers.errors import NotFound, Rejected, Transient
from providers.leadsquared import listings
from providers.leadsquared.provider import LeadSquared
from providers.tests.contract.test_lists import all_of
from providers.tests.worlds import new_key
from providers.types import Field, RemoteRef


class SmallPages(LeadSquared):
    """LeadSquared asked for four rows at a time."""

    page_size = 4


@pytest.fixture
def small(world):
    return SmallPages(world.account, world.recorder)


def made(world, count, *, together=3, **changes):
    """Create tasks, so many within one second."""
    ids = []
    for number in range(count):
        if number % together == 0:
            world.simulator.move_clock(30)
        ids.append(world.create(world.draft(title=f"Call Grace, {number}", **changes)).ref.id)
    world.simulator.move_clock(30)
    return ids


def bodies(world, path):
    return [one["body"] for one in world.simulator.log if one["path"].endswith(path)]


def listed(small, world):
    """Return the ids of a listing, with time between the pages for any limit."""
    listing = all_of(lambda cursor: (world.simulator.move_clock(5), small.list_tasks(cursor))[1])
    return [task.ref.id for task in listing]


def test_tasks_are_asked_for_owner_by_owner_open_and_completed(world):
    list(all_of(world.provider.list_tasks))

    asked = [one["Parameter"] for one in bodies(world, "Task.svc/Retrieve")]
    owners = sorted(user.id for user in world.simulator.users)
    assert [(one["LookupValue"], one["StatusCode"]) for one in asked] == [
        (owner, status) for owner in owners for status in (0, 1)
    ]
    assert {one["LookupName"] for one in asked} == {"OwnerId"}


def test_every_task_is_read_although_pages_end_within_a_second(world, small):
    ids = made(world, 23)

    assert set(listed(small, world)) == set(ids)


def test_more_tasks_within_a_second_than_a_page_holds_do_not_hold_the_listing_up(world, small):
    ids = made(world, 9, together=9)
    world.simulator.ties_move = False

    assert set(listed(small, world)) == set(ids)


@pytest.mark.parametrize("window_is_on", ["due", "created"])
def test_it_does_not_matter_which_date_a_window_is_about(world, window_is_on):
    ids = made(world, 2)
    world.simulator.window_is_on = window_is_on

    assert {task.ref.id for task in all_of(world.provider.list_tasks)} == set(ids)


def test_completed_tasks_and_those_of_inactive_users_are_listed(world):
    done, hers = made(world, 2)
    world.provider.complete_task(RemoteRef(done), done_at=None)
    world.simulator.user(email="ada@hub.example").is_active = False

    told = {task.ref.id: task.holds[Field.STATUS] for task in all_of(world.provider.list_tasks)}

    assert told == {done: "completed", hers: "open"}


@pytest.mark.parametrize("gone", range(1, 8))
def test_nothing_is_skipped_although_read_tasks_are_deleted_meanwhile(world, small, gone):
    ids = made(world, 12)
    page = next(page for page in pages(small) if page.items)
    for id_ in ids[:gone]:
        world.simulator.held[id_].deleted_at = world.simulator.now()

    later = [task.ref.id for rest in pages(small, page.cursor) for task in rest.items]

    assert {task.ref.id for task in page.items} | set(later) >= set(ids[gone:])


def test_nothing_is_skipped_although_all_that_was_read_is_deleted(world, small):
    ids = made(world, 12)
    read = list(pages(small, most=5))
    for id_ in ids[:8]:
        world.simulator.held[id_].deleted_at = world.simulator.now()

    later = [task.ref.id for rest in pages(small, read[-1].cursor) for task in rest.items]

    assert {task.ref.id for page in read for task in page.items} | set(later) >= set(ids[8:])


def pages(provider, cursor=None, *, most=100):
    for _ in range(most):
        page = provider.list_tasks(cursor)
        yield page
        cursor = page.cursor
        if cursor is None:
            return


def test_a_listing_that_does_not_count_ends_where_nothing_comes_any_more(world, small):
    world.simulator.counts_rows = False
    ids = made(world, 10)

    assert set(listed(small, world)) == set(ids)


@pytest.mark.parametrize("cursor", ["7", "nonsense", "[1]", '["a", "b", 1, ""]', '{"a": 1}'])
@pytest.mark.parametrize("listing", ["list_tasks", "list_contacts"])
def test_a_place_that_is_none_is_refused_in_words(world, listing, cursor):
    with pytest.raises(Rejected, match="begin the listing again"):
        getattr(world.provider, listing)(cursor)


@pytest.mark.parametrize("listing", ["list_tasks", "list_contacts"])
def test_an_answer_that_is_no_listing_is_not_taken_for_its_end(world, listing):
    world.simulator.fail_next("empty", ".*(Task.svc/Retrieve|Leads.Get)$")

    with pytest.raises(Transient):
        getattr(world.provider, listing)()


def test_a_contacts_tasks_say_whose_they_are(world):
    grace = RemoteRef(world.ids["contacts"][0])
    key = new_key()
    world.create(world.draft(deals=()), key=key)

    page = world.provider.list_tasks_of_contact(grace)

    [task] = page.items
    assert (task.key, page.cursor, task.holds[Field.CONTACTS]) == (str(key), None, (grace.id,))
    assert Field.END not in task.holds


def test_the_tasks_of_a_contact_that_is_gone_are_not_found(world):
    grace = RemoteRef(world.ids["contacts"][0])
    world.simulator.leads.clear()

    with pytest.raises(NotFound):
        world.provider.list_tasks_of_contact(grace)


def leads_made(world, count, *, together=3):
    ids = []
    for number in range(count):
        if number % together == 0:
            world.simulator.move_clock(30)
        person = {"first_name": "Ida", "email": f"ida{number}@client.example"}
        ids += world.simulator.seed({"contacts": [person]})["contacts"]
    return ids


def contacts_of(small, world):
    listing = all_of(lambda cursor: (world.simulator.move_clock(5), small.list_contacts(cursor))[1])
    return [one.ref.id for one in listing]


@pytest.mark.parametrize("together", [1, 3, 9])
def test_every_lead_is_read_however_many_came_within_a_second(world, small, together):
    ids = leads_made(world, 18, together=together)
    world.simulator.ties_move = together < small.page_size

    assert set(contacts_of(small, world)) >= set(ids)


def test_no_lead_is_skipped_although_read_ones_are_deleted_meanwhile(world, small):
    ids = leads_made(world, 12)
    page = small.list_contacts()
    for one in page.items:
        world.simulator.leads.pop(one.ref.id)

    later = {one.ref.id for one in all_of(lambda cursor: small.list_contacts(cursor or page.cursor))}

    assert later >= set(ids) - {one.ref.id for one in page.items}


def test_leads_inside_an_object_are_listed_too(world, small):
    world.simulator.lists_in_objects = True

    assert set(contacts_of(small, world)) >= set(world.ids["contacts"])


def test_a_listing_begins_before_the_vendor_did():
    assert listings.FIRST < "2011" < "2099" < listings.LAST
