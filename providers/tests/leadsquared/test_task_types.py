"""What LeadSquared's own task types demand is said in words before a task is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.errors import Rejected
from providers.leadsquared import task_types
from providers.leadsquared.account import Rules
from providers.leadsquared.provider import LeadSquared
from providers.leadsquared.simulator_records import TaskType
from providers.tests.worlds import new_key
from providers.types import Account, Field

VERIFIED = {"mx_Custom_1": "Verified by"}


@pytest.fixture
def visit(world):
    """A type that demands a field of the account's own, and one that demands a lead."""
    world.simulator.types += [
        TaskType("t1", "KYC Visit", 1, mandatory=("mx_Custom_1",), custom=VERIFIED),
        TaskType("t2", "Lead Visit", 1, mandatory=("RelatedEntityId",)),
        TaskType("t3", "Site Visit", 0, mandatory=("Location",)),
    ]
    return world


def prepared(world, **settings):
    account = replace(world.account, settings={**world.account.settings, **settings})
    learned = LeadSquared(account, world.recorder).prepare()
    return LeadSquared(replace(account, learned=learned), world.recorder)


def test_preparing_learns_what_the_types_demand(visit):
    learned = visit.provider.prepare()

    assert learned["demanded"] == {
        "KYC Visit": {"mx_Custom_1": "Verified by"},
        "Lead Visit": {"RelatedEntityId": "a contact or deal"},
        "Site Visit": {"Location": "a location"},
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"task_type_default": "KYC Visit"},
        {"appointment_type_default": "KYC Visit"},
        {"task_type_map": "call=KYC Visit"},
    ],
)
def test_a_type_that_demands_what_the_hub_has_not_is_refused_when_connecting(visit, settings):
    with pytest.raises(
        Rejected, match=r"demands Verified by of every task of the type KYC Visit.*Choose"
    ) as caught:
        prepared(visit, **settings)

    assert set(caught.value.fields) == {Field.TYPE}


def test_the_usual_type_gives_way_to_one_that_the_hub_can_fill(world):
    world.simulator.types[0].mandatory, world.simulator.types[0].custom = ("mx_Custom_1",), VERIFIED
    key = new_key()

    ref = prepared(world).create_task(world.draft(type=""), key=key).ref

    assert world.simulator.held[ref.id].type.name == "Phone Call"


@pytest.mark.parametrize(
    ("kind", "changes", "words", "field"),
    [
        ("KYC Visit", {}, "Verified by", Field.TYPE),
        ("Lead Visit", {"contacts": (), "deals": ()}, "a contact or deal", Field.CONTACTS),
        ("Site Visit", {"location": ""}, "a location", Field.LOCATION),
    ],
)
def test_what_a_type_demands_is_said_before_the_call(visit, kind, changes, words, field):
    provider = prepared(visit)
    before = len(visit.simulator.log)

    with pytest.raises(Rejected, match=f"demands {words} of every task of the type {kind}") as caught:
        provider.create_task(visit.draft(type=kind, **changes), key=new_key())

    assert set(caught.value.fields) == {field}
    assert len(visit.simulator.log) == before


@pytest.mark.parametrize("kind", ["Lead Visit", "Site Visit"])
def test_a_task_that_has_what_its_type_demands_is_sent(visit, kind):
    ref = prepared(visit).create_task(visit.draft(type=kind), key=new_key()).ref

    assert visit.simulator.held[ref.id].type.name == kind


def test_a_demand_that_is_newer_than_what_was_learned_is_refused_by_the_crm(world):
    world.simulator.types[0].mandatory, world.simulator.types[0].custom = ("mx_Custom_1",), VERIFIED

    with pytest.raises(Rejected, match="Verified by is mandatory"):
        world.provider.create_task(world.draft(type=""), key=new_key())


@pytest.mark.parametrize(
    "learned",
    [
        {},
        {"demanded": None},
        {"demanded": {"Follow-Up": None}},
        {"demanded": []},
    ],
)
def test_an_account_that_learned_nothing_demands_nothing(learned):
    assert Rules.of(Account(secrets={}, learned=learned)).demanded == {}


@pytest.mark.parametrize("columns", [None, {}, [7], [{"Mandatory": True}], [{"SchemaName": None}]])
def test_columns_that_cannot_be_read_demand_nothing(columns):
    assert task_types._demanded({"ColumnConfiguration": columns}) == {}


@pytest.mark.parametrize("mandatory", [True, "true", "1", 1])
def test_a_demand_is_read_in_every_spelling(mandatory):
    row = {"ColumnConfiguration": [{"SchemaName": "mx_Custom_2", "Mandatory": mandatory}]}

    assert task_types._demanded(row) == {"mx_Custom_2": "mx_Custom_2"}


def test_what_every_task_has_is_no_demand(world):
    [follow_up] = [one for one in world.simulator.types if one.name == "Follow-Up"]

    mandatory = [one["SchemaName"] for one in follow_up.columns() if one["Mandatory"]]

    assert mandatory == ["OwnerId", "Name"]
    assert task_types._demanded({"ColumnConfiguration": follow_up.columns()}) == {}


@pytest.mark.parametrize("name", ["Name", "TaskName", "TaskTypeName"])
def test_a_type_is_known_by_each_of_the_names_that_were_seen(name):
    assert task_types._name({name: "Follow-Up"}) == "Follow-Up"
