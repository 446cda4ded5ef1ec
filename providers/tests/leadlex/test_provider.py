"""LeadLex over HTTP, where it differs from other CRMs. What all have in common is tested in `contract/`."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from providers.capabilities import Level, Limit, Operation
from providers.errors import (
    Ambiguous,
    Forbidden,
    NotFound,
    NotSent,
    RateLimited,
    Rejected,
    Unauthorized,
    Unconfirmed,
    Unsupported,
)
from providers.leadlex.capabilities import CAPABILITIES
from providers.leadlex.provider import LeadLex
from providers.leadlex.simulator import LeadLexSimulator
from providers.projection import project
from providers.types import (
    Account,
    Field,
    HubKey,
    Linked,
    Person,
    RecordKind,
    RemoteRef,
    TaskStatus,
    canonical,
)

# The same in every process: parallel ones must collect the same tests.
NOBODY = "00000000-0000-4000-8000-000000000000"


def linked(*ids):
    return tuple(Linked(RemoteRef(one)) for one in ids)


def held(simulator, ref):
    return next(task for task in simulator.tasks() if task["id"] == ref.id)


# The account


def test_check_says_whose_workspace_it_is_and_what_is_left_of_the_day(provider, ids):
    identity = provider.check()

    assert identity.name == "the workspace of ada@hub.example and 1 more"
    assert identity.limits[0].startswith("9999 of 10000 calls left until ")
    assert abs(identity.server_time - datetime.now(UTC)) < timedelta(seconds=5)


def test_check_passes_with_a_key_that_may_not_list_users(provider, simulator):
    simulator.permissions.remove("users:read")

    assert provider.check().id


def test_check_tells_which_permission_is_missing(provider, simulator):
    simulator.permissions -= {"users:read", "activities:read"}

    with pytest.raises(Forbidden) as caught:
        provider.check()

    assert caught.value.scope == "activities:read"


@pytest.mark.parametrize("secrets", [{}, {"api_key": ""}, {"api_key": "wbk_live_other"}])
def test_a_missing_or_wrong_key_is_said_so(account, transport, secrets):
    with pytest.raises(Unauthorized):
        LeadLex(replace(account, secrets=secrets), transport).check()


def test_a_pasted_key_may_have_a_line_break(account, transport, simulator):
    key = simulator.secret["api_key"]

    assert LeadLex(replace(account, secrets={"api_key": f" {key}\n"}), transport).check().id


def test_the_key_is_sent_to_the_vendors_own_address_unless_told_otherwise():
    sent = []

    class Stop:
        def send(self, request):
            sent.append(request)
            raise NotSent("stop")

    with pytest.raises(NotSent):
        LeadLex(Account(secrets={"api_key": "wbk_x"}), Stop()).check()

    assert sent[0].url == "https://data.leadlex.com/functions/v1/api-gateway/v1/users"
    assert sent[0].headers["Authorization"] == "Bearer wbk_x"


def test_a_base_url_with_the_gateways_path_works_as_well(account, transport, server, ids):
    provider = LeadLex(replace(account, base_url=f"{server.url}/functions/v1/api-gateway"), transport)

    assert len(provider.list_owners()) == 2


def test_the_default_parent_is_looked_for_when_the_account_is_prepared(with_settings, ids):
    assert with_settings(default_parent=f"contact:{ids['contacts'][0]}").prepare()
    assert with_settings(default_parent=f"deal:{ids['deals'][0]}").prepare()


@pytest.mark.parametrize("text", [f"contact:{NOBODY}", f"deal:{NOBODY}", "inbox"])
def test_a_default_parent_that_is_not_there_is_said_so(with_settings, text):
    with pytest.raises(Rejected, match=r"default.parent"):
        with_settings(default_parent=text).prepare()


@pytest.mark.parametrize(
    ("plan", "a_minute", "a_day"),
    [("starter", 10, 100), ("pro", 50, 1_000), ("org", 200, 10_000), ("", 50, 1_000)],
)
def test_the_plan_decides_how_often_the_workspace_may_be_called(plan, a_minute, a_day):
    limits = CAPABILITIES.limits_for({"plan": plan})

    assert limits == (Limit(a_minute, 60.0), Limit(a_day, 86_400.0, is_fixed=True))


# Tasks


def test_the_answer_to_a_create_tells_what_the_page_says_it_tells(provider, draft, key):
    task = provider.create_task(draft(body="Bring the chart.", type="call"), key=key)

    assert Field.BODY not in task.holds
    assert Field.TYPE not in task.holds
    assert task.holds[Field.STATUS] == "open"


def test_a_task_keeps_its_moment_of_creation(provider, draft, key):
    ref = provider.create_task(draft(), key=key).ref

    assert provider.fetch_task(ref).holds[Field.CREATED] == "2026-11-20T08:00:00Z"


def test_a_moment_of_creation_too_long_ago_comes_back_as_the_vendors_own(provider, draft, key):
    task = provider.create_task(draft(created_at=datetime(2019, 1, 1, tzinfo=UTC)), key=key)

    assert task.holds[Field.CREATED] > "2026"


def test_open_that_reads_back_as_pending_is_no_change(provider, simulator, draft, key):
    simulator.open_reads_as_pending = True

    task = provider.create_task(draft(), key=key)

    assert task.holds[Field.STATUS] == "open"
    assert provider.fetch_task(task.ref).holds[Field.STATUS] == "open"


def test_a_day_that_is_kept_as_a_moment_is_still_that_day(provider, simulator, draft, key):
    simulator.days_become_moments = True
    day = draft(due=date(2026, 12, 1))

    task = provider.create_task(day, key=key)

    assert task.holds[Field.DUE] == "2026-12-01"
    assert provider.find_task(key, day).holds[Field.DUE] == "2026-12-01"
    assert Field.DUE not in provider.fetch_task(task.ref).holds


def test_every_field_that_is_called_full_can_be_emptied(provider, draft, key, ids):
    full = draft(
        body="Text",
        type="call",
        due=date(2026, 12, 1),
        assignee=ids["users"][0],
        deals=linked(ids["deals"][0]),
    )
    ref = provider.create_task(full, key=key).ref
    changed = frozenset({Field.BODY, Field.TYPE, Field.DUE, Field.ASSIGNEE, Field.DEALS, Field.PRIORITY})

    provider.update_task(ref, draft(), changed=changed, key=key)

    now, wanted = provider.fetch_task(ref).holds, canonical(draft())
    assert {name: now[name] for name in changed} == {name: wanted[name] for name in changed}


def test_an_update_of_the_body_keeps_the_key_on_the_task(provider, simulator, draft, key):
    ref = provider.create_task(draft(), key=key).ref

    provider.update_task(ref, draft(body="New *text*"), changed=frozenset({Field.BODY}), key=key)

    assert (held(simulator, ref)["body"], held(simulator, ref)["hub_key"]) == ("New *text*", str(key))


def test_an_update_of_what_it_cannot_hold_only_reads(provider, simulator, draft, key):
    ref = provider.create_task(draft(), key=key).ref

    task = provider.update_task(ref, draft(), changed=frozenset({Field.CREATED}), key=key)

    assert task.ref == ref
    assert simulator.log[-1]["method"] == "GET"


def test_a_task_without_parent_is_filed_under_the_default_one(with_settings, simulator, draft, key, ids):
    provider = with_settings(default_parent=f"contact:{ids['contacts'][1]}")
    alone = draft(contacts=())

    task = provider.create_task(alone, key=key)

    assert held(simulator, task.ref)["contact"] == "edith@client.example"
    assert task.holds[Field.CONTACTS] == ()
    assert Field.CONTACTS not in provider.fetch_task(task.ref).holds
    assert provider.find_task(key, alone).ref == task.ref


def test_a_task_that_gets_a_parent_of_its_own_leaves_the_default_one(with_settings, draft, key, ids):
    provider = with_settings(default_parent=f"contact:{ids['contacts'][1]}")
    ref = provider.create_task(draft(contacts=()), key=key).ref
    with_deal = draft(contacts=(), deals=linked(ids["deals"][0]))

    task = provider.update_task(ref, with_deal, changed=frozenset({Field.DEALS}), key=key)

    assert (task.holds[Field.CONTACTS], task.holds[Field.DEALS]) == ((), (ids["deals"][0],))


def test_the_last_parent_cannot_be_taken_away(provider, draft, key):
    ref = provider.create_task(draft(), key=key).ref

    with pytest.raises(Rejected) as caught:
        provider.update_task(ref, draft(contacts=()), changed=frozenset({Field.CONTACTS}), key=key)

    assert caught.value.fields == {Field.CONTACTS: "needs a contact, deal or event"}
    assert caught.value.request_id.startswith("req_")


def test_a_contact_of_another_workspace_is_refused_by_name(provider, draft, key):
    with pytest.raises(Rejected) as caught:
        provider.create_task(draft(contacts=linked(str(uuid.uuid4()))), key=key)

    assert caught.value.fields == {Field.CONTACTS: "Not found in this workspace"}


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_workspace_without_the_call_is_told_apart_from_a_task_that_is_gone(
    provider, simulator, draft, key, method, status
):
    ref = provider.create_task(draft(), key=key).ref
    simulator.missing_calls, simulator.missing_call_status = {method}, status

    with pytest.raises(Unsupported, match="by hand"):
        provider.delete_task(ref) if method == "DELETE" else provider.complete_task(ref, done_at=None)

    assert held(simulator, ref)["status"] == "open"


def test_an_empty_answer_to_a_delete_is_no_proof_but_the_next_one_is(provider, simulator, draft, key):
    ref = provider.create_task(draft(), key=key).ref
    simulator.fail_next("empty", "DELETE", after_write=True)

    with pytest.raises(Unconfirmed):
        provider.delete_task(ref)
    with pytest.raises(NotFound):
        provider.delete_task(ref)

    assert held(simulator, ref)["deleted"]


def test_a_key_that_may_only_read_is_told_what_it_lacks(provider, simulator, draft, key):
    simulator.permissions.remove("activities:write")

    with pytest.raises(Forbidden) as caught:
        provider.create_task(draft(), key=key)

    assert caught.value.scope == "activities:write"


def test_where_the_idempotency_key_is_honoured_a_second_create_makes_no_second_task(
    provider, simulator, draft, key
):
    simulator.replays_keys = True

    first, second = (provider.create_task(draft(), key=key) for _ in range(2))
    provider.create_task(draft(), key=HubKey(key.link, 2))

    assert first.ref == second.ref
    assert len(simulator.tasks()) == 2


# Finding


def test_a_task_is_found_on_any_page(provider, draft, key):
    ref = provider.create_task(draft(), key=key).ref
    for _ in range(120):
        provider.create_task(draft(title="Another one"), key=HubKey(uuid.uuid4()))

    assert provider.find_task(key, draft()).ref == ref


@pytest.mark.parametrize("part", ["contacts", "deals", "events"])
def test_a_task_is_found_wherever_it_is_filed(provider, draft, key, ids, part):
    filed = draft(**{"contacts": (), part: linked(ids[part][0])})
    ref = provider.create_task(filed, key=key).ref

    assert provider.find_task(key, filed).ref == ref
    assert provider.find_task(HubKey(uuid.uuid4()), filed) is None


def test_a_task_is_found_under_each_contact_that_the_draft_names(provider, draft, key, ids):
    ref = provider.create_task(draft(), key=key).ref

    assert provider.find_task(key, draft(contacts=linked(ids["contacts"][1], ids["contacts"][0]))).ref == ref


def test_a_look_does_not_see_what_the_vendor_does_not_list_yet(provider, simulator, draft, key):
    simulator.find_lag = 5
    provider.create_task(draft(), key=key)

    assert provider.find_task(key, draft()) is None


# Limits


class TestAtALimitOfOneCallAMinute:
    @pytest.fixture
    def simulator(self):
        return LeadLexSimulator(limits=(Limit(10_000, 86_400.0, is_fixed=True), Limit(1, 60.0)))

    def test_a_full_minute_is_left_alone_until_the_next_one(self, provider):
        provider.list_owners()

        with pytest.raises(RateLimited) as caught:
            provider.list_owners()

        assert 1 <= caught.value.retry_after <= 61


def test_a_spent_day_is_left_alone_until_its_end_an_hour_at_a_time(provider, simulator):
    simulator.fail_next("rate_limited", seconds=30)
    with pytest.raises(RateLimited) as short:
        provider.list_owners()
    simulator.fail_next("rate_limited", seconds=40_000)
    with pytest.raises(RateLimited) as long:
        provider.list_owners()

    assert short.value.retry_after == pytest.approx(30, abs=2)
    assert long.value.retry_after == 3600


# People and records


def test_an_e_mail_is_compared_exactly_though_the_search_is_not(provider, simulator):
    simulator.seed({"contacts": [{"first_name": "Ann", "email": "joann@client.example"}]})

    with pytest.raises(NotFound):
        provider.resolve_contact(Person(emails=("ann@client.example",)))


def test_a_phone_is_found_by_the_name_where_the_search_knows_no_phones(provider, simulator, ids):
    simulator.search_covers_phones = False

    found = provider.resolve_contact(Person("Grace", "Hopper", phones=("+12025550123",)))

    assert found.ref.id == ids["contacts"][0]


def test_several_contacts_of_one_e_mail_are_for_a_person_to_choose(provider, simulator, ids):
    [twin] = simulator.seed({"contacts": [{"first_name": "G.", "email": "Grace@Client.example"}]})["contacts"]

    with pytest.raises(Ambiguous) as caught:
        provider.resolve_contact(Person(emails=("grace@client.example",)))

    assert {one.ref.id for one in caught.value.candidates} == {ids["contacts"][0], twin}


@pytest.mark.parametrize("answers", ["existing", "conflict"])
def test_a_contact_that_exists_is_returned_in_whichever_way_it_is_reported(
    provider, simulator, ids, key, answers
):
    simulator.duplicate_contacts = answers

    found = provider.create_contact(Person("Grace", "H.", ("grace@client.example",)), key=key)

    assert (found.ref.id, found.person.last_name) == (ids["contacts"][0], "Hopper")
    assert len(simulator.contacts()) == 2


def test_a_contact_needs_a_name_or_an_e_mail(provider, key):
    with pytest.raises(Rejected, match="At least one of"):
        provider.create_contact(Person(phones=("+12025550123",)), key=key)


def test_what_a_person_no_longer_has_is_emptied_there(provider, simulator, ids):
    ref = RemoteRef(ids["contacts"][0])

    provider.update_contact(ref, Person("Grace", "Murray", ("grace@client.example",)))

    person = provider.fetch_contact(ref).person
    assert person == Person("Grace", "Murray", ("grace@client.example",))


def test_records_are_found_by_part_of_a_name_or_by_id(provider, ids):
    def found(kind, text):
        return [record.ref.id for record in provider.find_records(kind, text)]

    assert found(RecordKind.COMPANY, "compilers") == [ids["companies"][0]]
    assert found(RecordKind.COMPANY, ids["companies"][1]) == [ids["companies"][1]]
    assert found(RecordKind.DEAL, "compiler") == ids["deals"]
    assert found(RecordKind.DEAL, ids["deals"][1]) == [ids["deals"][1]]
    assert found(RecordKind.DEAL, "nothing like it") == []


@pytest.mark.parametrize("kind", [RecordKind.TICKET, RecordKind.EVENT])
def test_what_cannot_be_searched_is_declared(provider, kind):
    with pytest.raises(Unsupported):
        provider.find_records(kind, "Open day")


# What is declared


def test_what_is_lost_of_a_task_is_told_in_words(draft):
    whole = draft(
        status=TaskStatus.WAITING,
        body="Text\r\n",
        reminder_at=datetime(2026, 12, 1, tzinfo=UTC),
        contacts=linked("a", "b"),
        companies=linked("c"),
    )

    projection = project(whole, CAPABILITIES, {})

    assert {loss.field for loss in projection.losses} == {
        Field.STATUS,
        Field.BODY,
        Field.REMINDER,
        Field.CONTACTS,
        Field.COMPANIES,
    }
    assert (projection.draft.status, projection.draft.body) == (TaskStatus.IN_PROGRESS, "Text")
    assert [one.ref.id for one in projection.draft.contacts] == ["a"]


def test_a_plain_task_loses_nothing(draft):
    assert project(draft(body="Text", due=date(2026, 12, 1)), CAPABILITIES, {}).losses == ()


def test_what_the_pages_do_not_say_is_declared_with_the_claim():
    for operation in (Operation.UPDATE, Operation.COMPLETE, Operation.REOPEN, Operation.DELETE):
        assert "pages on tasks do not say it" in CAPABILITIES.operations[operation].note
    assert CAPABILITIES.supports(Field.END).level is Level.NONE
