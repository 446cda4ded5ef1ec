"""HighLevel's own rules over real HTTP, beside what every CRM must do (the contract suite)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from providers.errors import (
    Ambiguous,
    Forbidden,
    NotFound,
    Permanent,
    Rejected,
    Unauthorized,
    Unconfirmed,
    Unsupported,
)
from providers.highlevel.provider import HighLevel
from providers.simulator.server import Reply
from providers.tests.worlds import day, new_key
from providers.types import Field, Linked, Person, RemoteRef, TaskStatus


def requests(world, since=0):
    return [f"{one['method']} {one['path']}" for one in list(world.simulator.log)[since:]]


def account_with(world, **settings):
    return HighLevel(replace(world.account, settings={**world.account.settings, **settings}), world.recorder)


def edith(world):
    return (Linked(RemoteRef(world.ids["contacts"][1])),)


# The account


def test_check_tells_the_sub_account_its_zone_and_what_is_left(world):
    identity = world.provider.check()

    assert (identity.id, identity.name) == (world.account.settings["location_id"], "Simulated Sub-Account")
    assert identity.time_zone == "America/Chicago"
    assert identity.limits[0].endswith("of 200000 requests left today")
    assert abs((identity.server_time - datetime.now(UTC)).total_seconds()) < 60


def test_prepare_learns_the_zone_that_days_are_sent_in(world):
    key = new_key()

    assert world.provider.prepare()["time_zone"] == "America/Chicago"

    world.create(world.draft(due=day("2026-12-01")), key=key)
    assert world.held(key)[0]["due_at"] == "2026-12-01T15:00:00Z"


def test_a_token_without_the_location_scope_still_works(world):
    world.simulator.scopes.discard("locations.readonly")

    assert world.provider.check().id == world.account.settings["location_id"]
    assert world.provider.prepare() == {}


def test_a_missing_scope_is_named(world):
    world.simulator.scopes.discard("contacts.write")

    with pytest.raises(Forbidden) as caught:
        world.create()

    assert caught.value.scope == "contacts.write"
    assert "contacts.write" in caught.value.detail


def test_a_sub_account_that_the_token_does_not_open_is_told_as_such_and_not_as_a_scope(world):
    stranger = account_with(world, location_id="AnotherSubAccount123")

    for call in (stranger.check, stranger.prepare, stranger.list_owners):
        with pytest.raises(Forbidden) as caught:
            call()
        assert (caught.value.code, caught.value.scope) == ("forbidden", "")
        assert "scope" not in caught.value.detail
    with pytest.raises(
        Forbidden, match="The location id AnotherSubAccount123 is not one this token can read"
    ):
        stranger.check()


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_sub_account_that_is_refused_in_other_words_is_told_as_such_too(world, status):
    refused = Reply(status, {"statusCode": status, "message": "No."})
    world.simulator.refusal = lambda _status: refused
    world.simulator.fail_next("status", status=status, times=None)

    with pytest.raises(Forbidden, match=r"The location id .* is not one this token can read: .* No\."):
        world.provider.check()


def test_a_token_without_any_scope_for_the_check_is_told_the_scope(world):
    world.simulator.scopes -= {"locations.readonly", "contacts.readonly"}

    with pytest.raises(Forbidden) as caught:
        world.provider.check()

    assert caught.value.scope == "contacts.readonly"
    assert "location id" not in caught.value.detail


def test_a_blank_token_is_refused_there(world):
    with pytest.raises(Unauthorized, match="does not accept the credentials"):
        world.with_secrets({"token": " "}).check()


def test_a_connection_without_a_sub_account_says_so(world):
    with pytest.raises(Permanent, match="location_id"):
        account_with(world, location_id="").list_owners()


@pytest.mark.parametrize("version", ["2021-07-28", "v3"])
def test_tasks_are_the_same_in_both_versions(world, version):
    key = new_key()

    account_with(world, api_version=version).create_task(world.draft(), key=key)

    assert len(world.held(key)) == 1


def test_a_version_that_is_not_known_is_told_as_such(world):
    with pytest.raises(Permanent, match="API version"):
        account_with(world, api_version="2020-01-01").check()


# Tasks


def test_the_key_is_the_last_line_of_the_body(world):
    key = new_key()

    world.create(key=key)

    sent = world.simulator.log[-1]["body"]["body"]
    assert sent.splitlines()[-1] == key.marker


def test_an_update_of_the_body_keeps_the_key(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref

    told = world.provider.update_task(
        ref, replace(draft, body="Anew"), changed=frozenset({Field.BODY}), key=key
    )

    assert (told.holds[Field.BODY], told.key) == ("Anew", str(key))
    assert len(world.held(key)) == 1


def test_text_and_state_are_changed_in_one_request(world):
    key, draft = new_key(), world.draft()
    ref, before = world.create(draft, key=key).ref, len(world.simulator.log)

    done = replace(draft, title="Called Grace", status=TaskStatus.COMPLETED)
    world.provider.update_task(ref, done, changed=frozenset({Field.TITLE, Field.STATUS}), key=key)

    assert len(requests(world, before)) == 1
    assert [(one["title"], one["status"]) for one in world.held(key)] == [("Called Grace", "completed")]


def test_a_change_that_highlevel_cannot_hold_writes_nothing(world):
    key, draft = new_key(), world.draft()
    ref, before = world.create(draft, key=key).ref, len(world.simulator.log)

    told = world.provider.update_task(ref, draft, changed=frozenset({Field.PRIORITY}), key=key)

    assert told.holds[Field.TITLE] == draft.title
    assert requests(world, before) == [f"GET /contacts/{ref.parent_id}/tasks/{ref.id}"]


def test_a_task_cannot_be_moved_to_another_contact(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref

    with pytest.raises(Unsupported):
        world.provider.update_task(
            ref, replace(draft, contacts=edith(world)), changed=frozenset({Field.CONTACTS}), key=key
        )


def test_an_assignee_can_be_taken_off(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref

    told = world.provider.update_task(
        ref, replace(draft, assignee=""), changed=frozenset({Field.ASSIGNEE}), key=key
    )

    assert told.holds[Field.ASSIGNEE] == ""


def test_an_assignee_who_is_not_there_is_named_as_what_was_refused(world):
    with pytest.raises(Rejected) as caught:
        world.create(world.draft(assignee="NobodyOfThisAccount1"))

    assert set(caught.value.fields) == {Field.ASSIGNEE}


def test_an_appointment_at_nine_stays_an_appointment(world):
    nine = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)

    made = world.create(world.draft(due=nine))

    assert made.holds[Field.DUE] == "2026-12-01T15:00:00Z"
    assert world.provider.fetch_task(made.ref).holds[Field.DUE] == "2026-12-01T15:00:00Z"


def test_a_task_links_to_the_page_of_its_contact(world):
    made = account_with(world, app_url="https://crm.agency.example/").create_task(
        world.draft(), key=new_key()
    )

    location = world.account.settings["location_id"]
    assert (
        made.url == f"https://crm.agency.example/v2/location/{location}/contacts/detail/{made.ref.parent_id}"
    )


@pytest.mark.parametrize("status", [400, 404])
def test_a_missing_task_is_not_found_whichever_status_it_has(world, status):
    world.simulator.missing_task_status = status
    ref = world.create().ref
    world.provider.delete_task(ref)

    with pytest.raises(NotFound):
        world.provider.complete_task(ref, done_at=None)
    with pytest.raises(NotFound):
        world.provider.delete_task(ref)


def test_a_bare_refusal_is_looked_into_before_a_task_counts_as_gone(world):
    ref = world.create().ref

    world.simulator.fail_next("status", "PUT", status=400)
    with pytest.raises(Rejected):
        world.provider.complete_task(ref, done_at=None)

    world.provider.delete_task(ref)
    world.simulator.fail_next("status", "PUT", status=400)
    with pytest.raises(NotFound):
        world.provider.complete_task(ref, done_at=None)


def test_a_task_is_gone_with_its_contact(world, raw):
    draft = world.draft()
    ref = world.create(draft).ref
    raw.delete(f"/contacts/{ref.parent_id}")

    with pytest.raises(NotFound):
        world.provider.fetch_task(ref)
    with pytest.raises(NotFound):
        world.create(draft)
    with pytest.raises(NotFound):
        world.provider.delete_task(ref)


class Merged:
    """A HighLevel that files a contact's tasks under the contact it was merged into."""

    def __init__(self, inner, contact):
        self.inner, self.contact = inner, contact

    def send(self, request):
        response = self.inner.send(request)
        return replace(response, body=response.body.replace(self.contact.encode(), b"survivor"))


def test_a_write_tells_the_contact_that_was_asked_for_and_a_read_the_one_that_is_told(world):
    draft, key, contact = world.draft(), new_key(), world.ids["contacts"][0]
    merged = HighLevel(world.account, Merged(world.recorder, contact))
    made = merged.create_task(draft, key=key)

    written = [
        made,
        merged.update_task(made.ref, draft, changed=frozenset({Field.TITLE}), key=key),
        merged.update_task(made.ref, draft, changed=frozenset({Field.CONTACTS}), key=key),
        merged.complete_task(made.ref, done_at=None),
        merged.reopen_task(made.ref),
    ]
    read = [merged.fetch_task(made.ref), merged.find_task(key, draft)]

    assert {(one.ref.parent_id, one.holds[Field.CONTACTS]) for one in written} == {(contact, (contact,))}
    assert {(one.ref.parent_id, one.holds[Field.CONTACTS]) for one in read} == {("survivor", ("survivor",))}


def test_a_delete_that_is_answered_with_nothing_is_not_believed(world):
    ref = world.create().ref
    world.simulator.fail_next("empty", "DELETE")

    with pytest.raises(Unconfirmed):
        world.provider.delete_task(ref)


# Looking for a task


def test_a_task_is_found_though_its_contact_was_changed_meanwhile(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref

    found = world.provider.find_task(key, replace(draft, contacts=edith(world)))

    assert found is not None
    assert found.ref == ref


def test_the_search_goes_through_all_pages(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref
    for at in range(260):
        if at % 80 == 0:
            world.simulator.move_clock(11)
        world.create(draft)
    world.simulator.move_clock(11)

    found = world.provider.find_task(key, replace(draft, contacts=()))

    assert found is not None
    assert found.ref == ref


def test_without_the_scope_of_the_search_the_contacts_tasks_decide(world):
    key, draft = new_key(), world.draft()
    world.simulator.scopes.discard("locations/tasks.readonly")

    assert world.provider.find_task(key, draft) is None
    ref = world.create(draft, key=key).ref
    assert world.provider.find_task(key, draft).ref == ref


def test_a_contacts_own_tasks_do_not_lag(world):
    key, draft = new_key(), world.draft()
    world.simulator.find_lag = 3600.0
    ref = world.create(draft, key=key).ref

    found = world.provider.find_task(key, draft)

    assert found is not None
    assert found.ref == ref


# People


def test_users_of_other_sub_accounts_are_not_owners(world):
    stranger = world.simulator._users[world.ids["users"][1]]
    stranger["roles"]["locationIds"] = ["AnotherSubAccount123"]

    assert [owner.email for owner in world.provider.list_owners()] == ["ada@hub.example"]


def test_the_users_are_searched_for_where_the_version_has_no_list_of_them(world):
    world.simulator.seed({"users": [{"email": f"u{at}@hub.example", "name": f"U {at}"} for at in range(120)]})
    stranger = world.simulator._users[world.ids["users"][1]]
    stranger["roles"]["locationIds"] = ["AnotherSubAccount123"]
    before = len(world.simulator.log)

    owners = account_with(world, api_version="v3").list_owners()

    assert len({owner.id for owner in owners}) == 121
    assert set(requests(world, before)) == {"GET /users/search"}


def test_without_knowing_the_agency_the_search_of_users_names_the_scope_that_tells_it(world):
    world.simulator.scopes.discard("locations.readonly")
    settings = {**world.account.settings, "api_version": "v3"}
    newcomer = HighLevel(replace(world.account, settings=settings, learned={}), world.recorder)

    with pytest.raises(Forbidden) as caught:
        newcomer.list_owners()

    assert caught.value.scope == "locations.readonly"


def test_a_contact_made_just_now_is_known_though_the_search_lags(world):
    world.simulator.find_lag = 60.0
    made = world.provider.create_contact(Person("Ida", "Rhodes", ("ida@client.example",)), key=new_key())

    assert world.provider.resolve_contact(Person(emails=("IDA@client.example",))).ref == made.ref


def test_a_known_contact_costs_one_request(world):
    before = len(world.simulator.log)

    world.provider.resolve_contact(Person(emails=("grace@client.example",), phones=("+12025550123",)))

    assert requests(world, before) == ["POST /contacts/search"]


def test_two_contacts_with_one_e_mail_are_for_a_person_to_choose(world):
    twins = world.simulator.seed(
        {"contacts": [{"first_name": name, "email": "t@x.example"} for name in "AB"]}
    )

    with pytest.raises(Ambiguous) as caught:
        world.provider.resolve_contact(Person(emails=("t@x.example",)))

    assert {one.ref.id for one in caught.value.candidates} == set(twins["contacts"])


def test_the_contact_that_stands_in_the_way_is_returned_as_it_is(world):
    found = world.provider.create_contact(
        Person("G.", "H.", ("GRACE@client.example",), company="Else Ltd"), key=new_key()
    )

    assert found.ref.id == world.ids["contacts"][0]
    assert (found.person.name, found.person.company) == ("Grace Hopper", "Compilers Ltd")


def test_an_update_of_a_contact_empties_and_leaves_the_company(world):
    ref = RemoteRef(world.ids["contacts"][0])

    told = world.provider.update_contact(
        ref, Person("Grace", "Murray", ("g@client.example",), company="Else Ltd")
    )

    assert told.person == Person("Grace", "Murray", ("g@client.example",), (), "Compilers Ltd")


def test_a_contact_cannot_take_the_e_mail_of_another(world):
    with pytest.raises(Permanent) as caught:
        world.provider.update_contact(
            RemoteRef(world.ids["contacts"][0]), Person(emails=("edith@client.example",))
        )

    assert caught.value.existing_id == world.ids["contacts"][1]
