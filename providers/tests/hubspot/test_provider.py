"""What is particular to HubSpot in our calls, over its simulator on a port."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from providers.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Rejected,
    Transient,
)
from providers.tests.worlds import new_key
from providers.types import (
    Field,
    HubKey,
    Linked,
    NewTask,
    Person,
    RemoteRef,
)

MODES = {
    "unique property": {"key": "property", "key_is_unique": True},
    "ordinary property": {"key": "property", "key_is_unique": False},
    "marker in the body": {"key": "none", "key_is_unique": False},
}


def speaking(world, learned):
    """A provider on the same account that learned something else."""
    return world.another(replace(world.account, learned={**world.account.learned, **learned}))


def requests(world, since=0):
    return [f"{one['method']} {one['path']}" for one in list(world.simulator.log)[since:]]


def linked(*ids):
    return tuple(Linked(RemoteRef(one)) for one in ids)


# The account


def test_check_tells_the_portal_its_zone_and_what_the_token_may_do(world):
    identity = world.provider.check()

    assert (identity.id, identity.name, identity.time_zone) == ("4711", "Simulated portal", "Europe/Berlin")
    assert "crm.objects.contacts.write" in identity.scopes
    assert identity.limits[0].endswith("of 190 requests left in these ten seconds")
    assert identity.learned == {
        "portal_id": "4711",
        "ui_domain": "app-eu1.hubspot.com",
        "time_zone": "Europe/Berlin",
    }
    assert identity.server_time is not None


def test_check_does_without_the_scopes_where_they_are_not_told(world):
    world.simulator.fail_next("status", "POST /oauth", status=404)

    assert world.provider.check().scopes is None


UNIQUE = {"key": "property", "key_is_unique": True, "key_note": ""}


def test_prepare_makes_a_unique_property_once(world):
    since = len(world.simulator.log)

    assert world.account.learned["key_is_unique"] is True
    assert world.provider.prepare() == UNIQUE
    assert requests(world, since) == ["GET /crm/v3/properties/tasks/hub_task_key"]


@pytest.fixture
def strict_portal(world):
    """A portal that has no property of ours and does not let one on tasks be unique."""
    world.simulator.takes_unique_task_properties = False
    world.simulator.reset()
    return world


def test_prepare_makes_an_ordinary_property_where_the_portal_takes_no_unique_one(strict_portal):
    first, again = strict_portal.provider.prepare(), strict_portal.provider.prepare()

    assert [(one["key"], one["key_is_unique"]) for one in (first, again)] == [("property", False)] * 2
    assert "hasUniqueValue is not supported for object type TASK" in first["key_note"]
    assert "made so before" in again["key_note"]


def test_prepare_does_without_a_property_where_the_scope_is_missing(strict_portal):
    strict_portal.simulator.scopes.discard("crm.schemas.contacts.write")

    learned = strict_portal.provider.prepare()

    assert (learned["key"], learned["key_is_unique"]) == ("none", False)
    assert "it needs crm.schemas.contacts.write" in learned["key_note"]


def test_prepare_takes_the_property_that_another_worker_made_meanwhile(world):
    world.simulator.fail_next("status", "GET /crm/v3/properties/tasks/hub_task_key", status=404)

    assert world.provider.prepare() == UNIQUE
    assert "POST /crm/v3/properties/tasks" in requests(world)


@pytest.mark.parametrize("kind", ["drop", "empty", "html"])
def test_prepare_learns_nothing_from_a_portal_that_is_unwell(strict_portal, kind):
    strict_portal.simulator.fail_next(kind, "GET /crm/v3/properties/tasks/groups")

    with pytest.raises(Transient):
        strict_portal.provider.prepare()


def test_a_missing_scope_is_named_and_concerns_the_operation_only(world):
    world.simulator.scopes.discard("crm.objects.owners.read")

    with pytest.raises(Forbidden) as caught:
        world.provider.list_owners()

    assert caught.value.scope == "crm.objects.owners.read"
    assert world.provider.check().id


# The key


@pytest.mark.parametrize("learned", MODES.values(), ids=MODES.keys())
@pytest.mark.parametrize("has_contact", [True, False])
def test_a_task_is_found_however_the_portal_keeps_the_key(world, learned, has_contact):
    provider, key = speaking(world, learned), new_key()
    draft = world.draft() if has_contact else world.draft(contacts=(), companies=(), deals=(), tickets=())
    ref = provider.create_task(draft, key=key).ref
    provider.create_task(replace(draft, title="Another one"), key=HubKey(key.link, 2))

    found = provider.find_task(key, draft)

    assert (found.ref, found.key) == (ref, str(key))
    assert found.holds[Field.BODY] == draft.body
    assert provider.find_task(HubKey(key.link, 3), draft) is None


@pytest.mark.parametrize("learned", MODES.values(), ids=MODES.keys())
def test_a_deleted_task_is_not_found_even_while_the_index_still_has_it(world, learned):
    provider, key, draft = speaking(world, learned), new_key(), world.draft()
    provider.delete_task(provider.create_task(draft, key=key).ref)

    assert provider.find_task(key, draft) is None


def test_a_task_that_was_made_before_the_property_is_still_found(world):
    key, draft = new_key(), world.draft()
    ref = speaking(world, MODES["marker in the body"]).create_task(draft, key=key).ref

    found = world.provider.find_task(key, draft)

    assert found.ref == ref


def test_a_key_property_that_prepare_never_made_is_never_sent(world):
    world.simulator.reset()
    provider, key = world.another(replace(world.account, learned={})), new_key()

    provider.create_task(world.draft(assignee="", contacts=(), companies=(), deals=(), tickets=()), key=key)

    assert [task["hub_key"] for task in world.simulator.tasks()] == [str(key)]


def test_creating_a_key_again_brings_the_task_that_landed_to_the_draft(world):
    key = new_key()
    first = world.create(world.draft(title="Old", deals=()), key=key)

    again = world.create(world.draft(title="New"), key=key)

    assert again.ref == first.ref
    assert [task["title"] for task in world.held(key)] == ["New"]
    assert again.holds[Field.DEALS] == (world.ids["deals"][0],)


@pytest.mark.parametrize("learned", [MODES["ordinary property"], MODES["marker in the body"]])
def test_a_contact_with_many_tasks_is_looked_through_to_the_end(world, learned):
    provider, key, draft = speaking(world, learned), new_key(), world.draft()
    first = provider.create_task(draft, key=key).ref
    provider.create_tasks([NewTask(world.draft(title=f"Task {n}"), new_key()) for n in range(100)])
    provider.create_tasks([NewTask(world.draft(title=f"Task {n}"), new_key()) for n in range(20)])

    assert provider.find_task(key, draft).ref == first


def test_a_long_search_is_read_to_its_last_page(world):
    provider, key = speaking(world, MODES["marker in the body"]), new_key()
    alone = world.draft(contacts=(), companies=(), deals=(), tickets=())
    late = HubKey(key.link, 9)
    for start in (0, 100, 200):
        items = [NewTask(alone, HubKey(key.link, 1000 + start + n)) for n in range(100)]
        provider.create_tasks(items)
    ref = provider.create_task(alone, key=late).ref

    assert provider.find_task(late, alone).ref == ref
    assert requests(world).count("POST /crm/v3/objects/tasks/search") >= 2


# Due


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles"])
def test_a_day_is_nine_o_clock_in_the_connection_s_zone(world, zone):
    settings = {**world.account.settings, "hub_time_zone": zone}
    provider, key = world.another(replace(world.account, settings=settings)), new_key()

    told = provider.create_task(world.draft(due=date(2026, 12, 1)), key=key)

    assert told.holds[Field.DUE] == "2026-12-01"
    local = {"Europe/Berlin": "01T08", "Pacific/Auckland": "11-30T20", "America/Los_Angeles": "01T17"}[zone]
    assert local in world.held(key)[0]["due_at"]


def test_a_moment_at_nine_o_clock_stays_a_moment(world):
    due = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)

    ref = world.create(world.draft(due=due)).ref

    assert world.provider.fetch_task(ref).holds[Field.DUE] == "2026-12-01T09:00:00Z"


# Associations


def test_changed_associations_are_added_and_removed(world):
    key, (grace, edith) = new_key(), world.ids["contacts"]
    ref = world.create(world.draft(contacts=linked(grace)), key=key).ref

    draft = world.draft(contacts=linked(edith), companies=(), deals=linked(*world.ids["deals"]))
    changed = frozenset({Field.CONTACTS, Field.COMPANIES, Field.DEALS})
    held = world.provider.update_task(ref, draft, changed=changed, key=key).holds

    assert held[Field.CONTACTS] == (edith,)
    assert held[Field.COMPANIES] == ()
    assert held[Field.DEALS] == (world.ids["deals"][0],)
    assert held[Field.TICKETS] == (world.ids["tickets"][0],)


def test_more_associations_than_fill_a_page_are_all_told(world):
    people = [{"first_name": f"P{n}", "email": f"p{n}@client.example"} for n in range(130)]
    ids = world.simulator.seed({"contacts": people})["contacts"]

    ref = world.create(world.draft(contacts=linked(*ids))).ref

    assert world.provider.fetch_task(ref).holds[Field.CONTACTS] == tuple(sorted(ids))


def test_a_contact_that_was_deleted_there_is_named_and_nothing_lands(world):
    with pytest.raises(Rejected) as caught:
        world.create(world.draft(contacts=linked("999")))

    assert list(caught.value.fields) == ["contacts"]
    assert world.simulator.tasks() == []


def test_an_owner_who_is_unknown_there_is_named(world):
    with pytest.raises(Rejected) as caught:
        world.create(world.draft(assignee="12"))

    assert list(caught.value.fields) == ["assignee"]


def test_an_update_without_associations_is_one_request(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref
    since = len(world.simulator.log)

    world.provider.update_task(ref, draft, changed=frozenset({Field.TITLE, Field.DUE}), key=key)

    assert requests(world, since) == [f"PATCH /crm/v3/objects/tasks/{ref.id}"]


# People


def test_a_contact_is_known_by_a_further_e_mail(world):
    found = world.provider.resolve_contact(Person(emails=("old@client.example", "grace@client.example")))

    assert found.ref.id == world.ids["contacts"][0]


def test_a_merged_contact_leads_to_the_survivor(world, ask):
    grace, edith = world.ids["contacts"]
    ask("POST", "/crm/v3/objects/contacts/merge", {"primaryObjectId": grace, "objectIdToMerge": edith})

    found = world.provider.fetch_contact(RemoteRef(edith))

    assert found.ref.id not in (grace, edith)
    assert found.person.email == "grace@client.example"


def test_an_e_mail_that_is_another_s_is_a_conflict(world):
    grace, edith = world.ids["contacts"]

    with pytest.raises(Conflict) as caught:
        world.provider.update_contact(RemoteRef(edith), Person(emails=("grace@client.example",)))

    assert caught.value.existing_id == grace


def test_an_update_of_a_person_leaves_what_the_hub_does_not_know(world):
    grace = RemoteRef(world.ids["contacts"][0])

    world.provider.update_contact(grace, Person(first_name="Amazing"))

    held = world.provider.fetch_contact(grace).person
    assert (held.first_name, held.last_name, held.phone) == ("Amazing", "Hopper", "+12025550123")


def test_owners_are_listed_to_the_last_page(world):
    world.simulator.seed({"users": [{"email": f"u{n}@hub.example", "name": f"User {n}"} for n in range(150)]})

    owners = world.provider.list_owners()

    assert len(owners) == len({owner.id for owner in owners}) == 153


def test_a_phone_that_was_just_saved_is_found_once_search_has_caught_up(world):
    world.simulator.find_lag = 10.0
    world.provider.create_contact(Person(first_name="Ida", phones=("+12025550166",)), key=new_key())

    with pytest.raises(NotFound):
        world.provider.resolve_contact(Person(phones=("+12025550166",)))
    world.simulator.move_clock(11)

    assert world.provider.resolve_contact(Person(phones=("+12025550166",))).person.first_name == "Ida"


def test_a_record_is_found_by_its_id(world):
    deal = world.ids["deals"][0]

    [found] = world.provider.find_records("deal", deal)

    assert (found.ref.id, found.name) == (deal, "New compiler")


def test_a_blank_token_is_refused_there_and_not_a_crash(world):
    with pytest.raises(Exception, match="does not accept the access token"):
        world.with_secrets({"access_token": " "}).check()
