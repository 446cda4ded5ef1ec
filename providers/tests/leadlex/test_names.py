"""A contact that is known by a name only: sent when staff want it so, matched there, and never picked for them."""

from __future__ import annotations

import pytest

from providers.errors import Ambiguous, Rejected
from providers.leadlex.capabilities import CAPABILITIES
from providers.types import Field, Linked, RemoteRef


def linked(one):
    return (Linked(RemoteRef(one)),)


def sent(simulator):
    return next(entry["body"] for entry in reversed(simulator.log) if entry["method"] == "POST")


def held(simulator, ref):
    return next(task for task in simulator.tasks() if task["id"] == ref.id)


@pytest.fixture
def by_name(with_settings):
    """A provider on an account that sends names where no contact is linked."""
    return with_settings(send_names="unlinked")


@pytest.fixture
def typed(draft):
    """A task for somebody whose name was typed."""

    def make(name="Grace Hopper", **changes):
        return draft(**{"contacts": (), "contact_name": name, **changes})

    return make


@pytest.fixture
def mullers(simulator):
    """Two contacts whom one name fits."""
    return simulator.seed(
        {
            "contacts": [
                {"first_name": "Hans", "last_name": "Müller", "email": "hans@client.example"},
                {"first_name": "Hanna", "last_name": "Müller", "company": "Mills"},
            ]
        }
    )["contacts"]


def test_names_are_not_sent_unless_staff_want_it(provider, simulator, typed, key, ids):
    with pytest.raises(Rejected) as caught:
        provider.create_task(typed(), key=key)
    provider.create_task(typed(deals=linked(ids["deals"][0])), key=key)

    assert caught.value.fields == {Field.CONTACTS: "LeadLex needs a contact, deal or event"}
    assert {"contact_name", "company_name"}.isdisjoint(sent(simulator))


def test_a_task_with_a_name_alone_is_filed_under_whom_it_fits(by_name, simulator, typed, key, ids):
    task = by_name.create_task(typed("  grace hopper "), key=key)

    assert sent(simulator)["contact_name"] == "grace hopper"
    assert held(simulator, task.ref)["contact"] == "grace@client.example"
    assert by_name.fetch_task(task.ref).holds[Field.CONTACTS] == (ids["contacts"][0],)


def test_whom_the_name_meant_is_no_alteration(by_name, typed, key, ids):
    assert by_name.create_task(typed(), key=key).holds[Field.CONTACTS] == ()


def test_the_company_goes_along_as_it_was_typed(by_name, simulator, typed, key, ids):
    by_name.create_task(typed(company_name=" Compilers "), key=key)

    assert sent(simulator)["company_name"] == "Compilers"


def test_a_company_alone_is_no_parent(by_name, simulator, typed, key, ids):
    with pytest.raises(Rejected):
        by_name.create_task(typed("", company_name="Compilers"), key=key)

    assert not simulator.log


def test_an_id_goes_without_names(by_name, simulator, draft, key, ids):
    by_name.create_task(draft(contact_name="Edith Clarke", company_name="Power"), key=key)

    assert sent(simulator)["contact_id"] == ids["contacts"][0]
    assert {"contact_name", "company_name"}.isdisjoint(sent(simulator))


def test_a_name_comes_before_the_default_parent(with_settings, simulator, typed, key, ids):
    provider = with_settings(send_names="unlinked", default_parent=f"contact:{ids['contacts'][1]}")

    named = provider.create_task(typed(), key=key)
    nameless = provider.create_task(typed(" "), key=key)

    assert held(simulator, named.ref)["contact"] == "grace@client.example"
    assert held(simulator, nameless.ref)["contact"] == "edith@client.example"


def test_a_task_that_was_filed_by_a_name_is_found_again(by_name, typed, key, ids):
    ref = by_name.create_task(typed(), key=key).ref

    assert by_name.find_task(key, typed()).ref == ref


def test_a_change_leaves_the_contact_that_the_name_meant(with_settings, simulator, typed, key, ids):
    provider = with_settings(send_names="unlinked", default_parent=f"contact:{ids['contacts'][1]}")
    with_deal = typed(deals=linked(ids["deals"][0]))
    ref = provider.create_task(with_deal, key=key).ref

    provider.update_task(ref, typed(), changed=frozenset({Field.DEALS}), key=key)

    task = provider.fetch_task(ref)
    assert (task.holds[Field.CONTACTS], task.holds[Field.DEALS]) == ((ids["contacts"][0],), ())


def test_the_contact_that_a_name_meant_gives_way_to_one_that_is_linked(by_name, typed, draft, key, ids):
    ref = by_name.create_task(typed(), key=key).ref
    edith = draft(contacts=linked(ids["contacts"][1]), contact_name="Grace Hopper")

    by_name.update_task(ref, typed(title="Ring"), changed=frozenset({Field.TITLE, Field.CONTACTS}), key=key)
    still = by_name.fetch_task(ref).holds[Field.CONTACTS]
    by_name.update_task(ref, edith, changed=frozenset({Field.CONTACTS}), key=key)

    assert still == (ids["contacts"][0],)
    assert by_name.fetch_task(ref).holds[Field.CONTACTS] == (ids["contacts"][1],)


def test_a_name_of_several_is_for_a_person_to_choose(by_name, simulator, typed, key, mullers):
    with pytest.raises(Ambiguous) as caught:
        by_name.create_task(typed("Müller"), key=key)

    assert {one.ref.id: one.person.name for one in caught.value.candidates} == {
        mullers[0]: "Hans Müller",
        mullers[1]: "Hanna Müller",
    }
    assert "Hans Müller (hans@client.example)" in caught.value.detail
    assert "Hanna Müller (Mills)" in caught.value.detail
    assert "Choose the one that is meant." in caught.value.detail
    assert caught.value.request_id.startswith("req_")
    assert simulator.tasks() == []


def test_candidates_whose_names_cannot_be_asked_are_told_by_their_ids(
    by_name, simulator, typed, key, mullers
):
    simulator.permissions.remove("contacts:read")

    with pytest.raises(Ambiguous, match="several records") as caught:
        by_name.create_task(typed("Müller"), key=key)

    assert {one.ref.id for one in caught.value.candidates} == set(mullers)


def test_companies_that_share_a_name_are_told_by_their_names(by_name, simulator, typed, key, ids):
    twins = simulator.seed({"companies": [{"name": "Twin North"}, {"name": "Twin South"}]})["companies"]

    with pytest.raises(Ambiguous, match="Several companies in LeadLex") as caught:
        by_name.create_task(typed(company_name="Twin"), key=key)

    assert [(one.kind, one.ref.id, one.name) for one in caught.value.candidates] == [
        ("company", twins[0], "Twin North"),
        ("company", twins[1], "Twin South"),
    ]


def test_only_the_first_few_candidates_are_asked_for_their_names(by_name, simulator, typed, key):
    many = [{"first_name": f"Ann {letter}", "last_name": "Twin"} for letter in "abcdefgh"]
    ids = simulator.seed({"contacts": many})["contacts"]

    with pytest.raises(Ambiguous) as caught:
        by_name.create_task(typed("Twin"), key=key)

    assert {one.ref.id for one in caught.value.candidates} == set(ids)
    assert len([entry for entry in simulator.log if entry["method"] == "GET"]) == 5


def test_a_name_that_nobody_has_is_refused_there(by_name, typed, key, ids):
    with pytest.raises(Rejected) as caught:
        by_name.create_task(typed("Nobody"), key=key)

    assert caught.value.fields == {Field.CONTACTS: "needs a contact, deal or event"}


def test_the_setting_is_off_unless_it_is_switched_on():
    [setting] = [one for one in CAPABILITIES.settings if one.name == CAPABILITIES.parent_by_name]

    assert (setting.name, setting.default) == ("send_names", "never")
    assert [word for word, _text in setting.choices] == ["never", "unlinked"]
