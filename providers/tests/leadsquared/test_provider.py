"""LeadSquared's own ways, over real HTTP against its simulator; what every vendor must do stands in the contract suite."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from providers.errors import (
    Ambiguous,
    Conflict,
    NotFound,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unconfirmed,
    Unsupported,
)
from providers.leadsquared.provider import LeadSquared
from providers.tests.worlds import new_key
from providers.types import Account, Field, HubKey, Person

GRACE = Person("Grace", "Hopper", ("grace@client.example",), ("+12025550123",))


def connected(world, **changes):
    return LeadSquared(replace(world.account, **changes), world.recorder)


def record_of(world, ref):
    return world.simulator.held[ref.id]


def paths(world, since=0):
    return [one["path"].rpartition(".svc/")[2] for one in list(world.simulator.log)[since:]]


# The account


def test_who_we_are_is_one_call_and_names_user_and_zone(world):
    before = len(world.simulator.log)

    identity = world.provider.check()

    assert paths(world, before) == ["UserByAccessKey.Get"]
    assert (identity.name, identity.user, identity.time_zone) == (
        "SIMULATED",
        "Hub Administrator",
        "Asia/Kolkata",
    )
    assert identity.server_time is not None


def test_good_keys_at_the_wrong_region_are_told_the_right_host(world):
    world.simulator.home = "api-in21.leadsquared.com"

    with pytest.raises(Unauthorized, match=r"lives at https://api-in21\.leadsquared\.com"):
        world.provider.check()
    with pytest.raises(Unauthorized, match="another region"):
        world.provider.list_owners()


def test_preparing_learns_zone_user_and_task_types_and_writes_nothing(world):
    learned = world.provider.prepare()

    assert learned["time_zone"] == "Asia/Kolkata"
    assert learned["user_email"] == "admin@crm.example"
    assert learned["task_types"] == {
        "Follow-Up": 1,
        "Phone Call": 1,
        "Revive Old Lead": 1,
        "Document Collection": 1,
        "Meeting": 0,
    }
    assert {one["method"] for one in world.simulator.log} == {"GET"}


def test_a_task_type_that_the_account_does_not_have_is_told_when_connecting(world):
    provider = connected(world, settings={"task_type_map": "call=Ring Up"})

    with pytest.raises(Rejected, match="no task type Ring Up; this account has Follow-Up") as caught:
        provider.prepare()

    assert set(caught.value.fields) == {Field.TYPE}


def test_the_address_may_end_with_the_version(world):
    assert connected(world, base_url=world.account.base_url + "/v2/").check().name == "SIMULATED"


def test_keys_that_were_never_given_are_unauthorized(world):
    provider = LeadSquared(Account(secrets={}, base_url=world.account.base_url), world.recorder)

    with pytest.raises(Unauthorized):
        provider.check()


# Tasks


def test_a_task_with_an_end_becomes_an_appointment_where_a_type_is_set_for_it(world):
    provider = connected(world, settings={"appointment_type_default": "Meeting"})
    draft = world.draft(type="", reminder_at=datetime(2026, 12, 1, 14, 0, tzinfo=UTC))

    held = record_of(world, provider.create_task(draft, key=new_key()).ref)

    assert (held.type.name, held.location, held.reminder) == ("Meeting", "Room 2", 30)


def test_an_appointment_is_found_by_its_key(world):
    provider = connected(world, settings={"appointment_type_default": "Meeting"})
    key, draft = new_key(), world.draft(type="")
    ref = provider.create_task(draft, key=key).ref

    found = provider.find_task(key, draft)

    assert found is not None
    assert found.ref == ref
    assert found.holds[Field.LOCATION] == "Room 2"
    assert found.holds[Field.REMINDER] == "2026-12-01T14:00:00Z"


def test_a_task_of_a_contact_is_found_by_asking_for_the_contacts_tasks(world):
    key, draft = new_key(), world.draft(deals=())
    ref = world.create(draft, key=key).ref
    before = len(world.simulator.log)

    found = world.provider.find_task(key, draft)

    assert paths(world, before) == ["RetrieveTaskByLeadId"]
    assert found is not None
    assert (found.ref, found.key) == (ref, str(key))
    assert found.holds[Field.CONTACTS] == (world.ids["contacts"][0],)


def test_a_task_is_found_although_its_contact_was_changed_since(world):
    key, draft = new_key(), world.draft(deals=())
    ref = world.create(draft, key=key).ref
    moved = replace(draft, contacts=world.linked("contacts", most=2)[1:])

    found = world.provider.find_task(key, moved)

    assert found is not None
    assert found.ref == ref


def test_a_task_is_found_although_its_contact_is_gone(world):
    key, draft = new_key(), world.draft(deals=())
    ref = world.create(draft, key=key).ref
    world.simulator.leads.clear()

    found = world.provider.find_task(key, draft)

    assert found is not None
    assert found.ref == ref


def test_a_task_of_nobody_is_found_among_those_of_the_user_of_the_keys(world):
    key, draft = new_key(), world.draft(contacts=(), deals=(), assignee="", assignee_email="")
    ref = world.create(draft, key=key).ref

    found = world.provider.find_task(key, draft)

    assert found is not None
    assert found.ref == ref
    assert Field.ASSIGNEE not in found.holds


def test_a_task_is_found_without_anything_learned_of_the_account(world):
    key, draft = new_key(), world.draft(contacts=(), deals=(), assignee_email="")
    ref = world.create(draft, key=key).ref

    found = connected(world, learned={}).find_task(key, draft)

    assert found is not None
    assert found.ref == ref


def test_a_task_is_found_on_a_later_page(world):
    draft = world.draft(contacts=(), deals=())
    keys = [new_key() for _ in range(5)]
    refs = [world.create(draft, key=key).ref for key in keys]
    small = SmallPages(world.account, world.recorder)

    found = [small.find_task(key, draft) for key in keys]

    assert [one.ref for one in found if one] == refs
    assert small.find_task(HubKey(keys[0].link, 2), draft) is None


class SmallPages(LeadSquared):
    """LeadSquared asked for two tasks at a time."""

    page_size = 2


def test_a_listing_without_a_list_is_not_taken_for_no(world):
    key, draft = new_key(), world.draft()
    world.simulator.fail_next("empty", ".*RetrieveToDos")

    with pytest.raises(Transient):
        world.provider.find_task(key, draft)


def test_an_update_of_what_is_documented_is_one_call(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref
    before = len(world.simulator.log)

    world.provider.update_task(ref, draft, changed=frozenset({Field.TITLE, Field.BODY}), key=key)

    assert paths(world, before) == ["Update"]


def test_an_update_that_the_crm_does_not_take_whole_tells_what_is_held(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref
    world.simulator.update_takes_all = False
    longer = replace(draft, end_at=draft.end_at + timedelta(hours=2))

    task = world.provider.update_task(ref, longer, changed=frozenset({Field.END}), key=key)

    assert task.holds[Field.END] == "2026-12-01T15:00:00Z"
    assert task.holds[Field.DUE] == "2026-12-01T14:30:00Z"


def test_a_moment_at_midnight_stays_one_when_it_is_written(world):
    key, midnight = new_key(), datetime(2026, 12, 1, 18, 30, tzinfo=UTC)
    draft = world.draft(end_at=None, reminder_at=None)
    ref = world.create(draft, key=key).ref

    task = world.provider.update_task(
        ref,
        replace(draft, due=midnight, end_at=midnight + timedelta(hours=1)),
        changed=frozenset({Field.DUE}),
        key=key,
    )

    assert task.holds[Field.DUE] == "2026-12-01T18:30:00Z"


def test_a_day_is_the_accounts_day(world):
    ref = world.create(world.draft(due=date(2026, 12, 1), end_at=None)).ref

    held = record_of(world, ref)

    assert held.due == datetime(2026, 11, 30, 18, 30, tzinfo=UTC)
    assert held.end == datetime(2026, 12, 1, 18, 29, 59, tzinfo=UTC)


def test_an_update_of_nothing_that_can_be_written_makes_no_call(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref
    before = len(world.simulator.log)

    world.provider.update_task(ref, draft, changed=frozenset({Field.TYPE, Field.STATUS}), key=key)

    assert paths(world, before) == []


def test_a_refused_owner_names_the_assignee(world):
    draft = world.draft(assignee="11111111-2222-3333-4444-555555555555")

    with pytest.raises(Rejected, match="no active user") as caught:
        world.create(draft)

    assert set(caught.value.fields) == {Field.ASSIGNEE}


def test_completing_answers_what_it_holds_and_asks_where_the_answer_is_silent(world):
    ref = world.create().ref
    world.simulator.fail_next("empty", "GET .*MarkComplete", after_write=True)

    task = world.provider.complete_task(ref, done_at=None)

    assert task.holds[Field.STATUS] == "completed"


def test_completing_without_a_verdict_is_unconfirmed(world):
    ref = world.create().ref
    world.simulator.fail_next("empty", "GET .*MarkComplete")

    with pytest.raises(Unconfirmed):
        world.provider.complete_task(ref, done_at=None)


@pytest.mark.parametrize("kind", ["drop", "status", "html"])
def test_completing_is_a_write_although_it_is_a_get(world, kind):
    ref = world.create().ref
    world.simulator.fail_next(kind, "GET .*MarkComplete", after_write=True)

    with pytest.raises(Unconfirmed):
        world.provider.complete_task(ref, done_at=None)


def test_completing_a_task_that_is_gone_is_not_found(world):
    ref = world.create().ref
    world.provider.delete_task(ref)

    with pytest.raises(NotFound):
        world.provider.complete_task(ref, done_at=None)


def test_a_completed_task_cannot_be_reopened(world):
    with pytest.raises(Unsupported, match="LeadSquared cannot reopen"):
        world.provider.reopen_task(world.create().ref)


def test_a_delete_without_a_verdict_is_unconfirmed(world):
    ref = world.create().ref
    world.simulator.fail_next("empty", "POST .*DeleteTasks")

    with pytest.raises(Unconfirmed):
        world.provider.delete_task(ref)


def test_a_refused_delete_of_a_task_that_is_there_is_rejected(world):
    ref = world.create().ref
    world.simulator.fail_next("status", "POST .*DeleteTasks", status=400)

    with pytest.raises(Rejected):
        world.provider.delete_task(ref)


def test_a_refused_delete_of_a_task_that_is_gone_is_not_found(world):
    ref = world.create().ref
    world.provider.delete_task(ref)
    world.simulator.fail_next("status", "POST .*DeleteTasks", status=400)

    with pytest.raises(NotFound):
        world.provider.delete_task(ref)


def test_a_delete_that_counts_nothing_is_not_found(world):
    ref = world.create().ref
    world.provider.delete_task(ref)

    with pytest.raises(NotFound):
        world.provider.delete_task(ref)


def test_an_unknown_path_does_not_end_a_delete(world):
    ref = world.create().ref
    world.simulator.fail_next("status", "POST .*DeleteTasks", status=404)

    with pytest.raises(Exception, match="not at this address") as caught:
        world.provider.delete_task(ref)

    assert not isinstance(caught.value, NotFound)


def test_a_limit_told_under_a_200_is_a_limit(world):
    world.simulator.throttles_in_200 = True
    world.simulator.fail_next("rate_limited", "POST .*Create")

    with pytest.raises(RateLimited) as caught:
        world.create()

    assert caught.value.retry_after == 5
    assert world.simulator.tasks() == []


# People


def test_an_inactive_user_is_listed_as_inactive(world):
    world.simulator.user(email="mallory@hub.example").is_active = False

    owners = {owner.email: owner.is_active for owner in world.provider.list_owners()}

    assert owners == {"admin@crm.example": True, "ada@hub.example": True, "mallory@hub.example": False}


def test_a_duplicate_told_under_a_200_returns_the_contact_that_is_there(world):
    found = world.provider.create_contact(replace(GRACE, emails=()), key=new_key())

    assert found.ref.id == world.ids["contacts"][0]
    assert len(world.simulator.contacts()) == 2


def test_two_contacts_with_one_email_are_for_a_person_to_choose(world):
    world.simulator.seed({"contacts": [{"first_name": "Una", "email": "grace@client.example"}]})

    with pytest.raises(Ambiguous) as caught:
        world.provider.resolve_contact(GRACE)

    assert {one.person.first_name for one in caught.value.candidates} == {"Grace", "Una"}


def test_a_phone_that_only_ends_alike_is_not_the_same_person(world):
    world.simulator.seed({"contacts": [{"first_name": "Una", "phone": "+34412025550123"}]})

    found = world.provider.resolve_contact(Person(phones=("+12025550123",)))

    assert found.person.first_name == "Grace"


def test_a_plus_in_an_email_is_asked_for_as_such(world):
    [known] = world.simulator.seed({"contacts": [{"email": "grace+crm@client.example"}]})["contacts"]

    assert world.provider.resolve_contact(Person(emails=("grace+crm@client.example",))).ref.id == known


def test_changing_a_contact_to_anothers_email_is_a_conflict(world):
    ref = world.provider.resolve_contact(GRACE).ref

    with pytest.raises(Conflict):
        world.provider.update_contact(ref, Person("Grace", emails=("edith@client.example",)))


def test_changing_a_contact_that_is_gone_is_not_found(world):
    ref = world.provider.resolve_contact(GRACE).ref
    world.simulator.leads.clear()

    with pytest.raises(NotFound):
        world.provider.update_contact(ref, GRACE)


def test_a_person_without_anything_to_know_them_by_is_refused(world):
    with pytest.raises(Rejected):
        world.provider.create_contact(Person(company="Compilers Ltd"), key=new_key())
