"""What differs from portal to portal: the paths, how unknown properties are met, plans; and how the simulator tells of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.errors import Permanent
from providers.hubspot.capabilities import CAPABILITIES
from providers.hubspot.paths import CHOICES, RELEASES, path_in, release_of
from providers.hubspot.simulator import HubSpotSimulator
from providers.simulator import Server
from providers.tests.contract.test_lists import all_of
from providers.tests.hubspot.guide import CONTACTS, TASKS, example
from providers.tests.worlds import build_world, new_key
from providers.types import Field, NewTask, Person, RemoteRef

# Paths


@pytest.mark.parametrize(
    ("path", "dated"),
    [
        ("/crm/v3/objects/tasks", "/crm/objects/2026-09/tasks"),
        ("/crm/v3/objects/tasks/batch/create", "/crm/objects/2026-09/tasks/batch/create"),
        ("/crm/v4/objects/0-1/5/associations/0-27", "/crm/objects/2026-09/0-1/5/associations/0-27"),
        ("/crm/v4/associations/0-27/0-1/labels", "/crm/associations/2026-09/0-27/0-1/labels"),
        ("/crm/v3/owners", "/crm/owners/2026-09"),
        ("/crm/v3/properties/tasks/groups", "/crm/properties/2026-09/tasks/groups"),
        ("/oauth/v3/token", "/oauth/2026-09/token"),
        ("/account-info/v3/details", "/account-info/2026-09/details"),
        ("/oauth/v2/private-apps/get/access-token-info", "/oauth/v2/private-apps/get/access-token-info"),
    ],
)
def test_one_setting_says_which_paths_are_called(path, dated):
    assert path_in("2026-09", path) == dated
    assert path_in("", path) == path


@pytest.mark.parametrize(
    ("settings", "release"),
    [
        ({}, ""),
        ({"api_paths": "legacy"}, ""),
        ({"api_paths": "2026-03"}, "2026-03"),
        ({"api_paths": "1999-01"}, ""),
    ],
)
def test_without_a_release_the_numbered_paths_are_called(settings, release):
    assert release_of(settings) == release


@pytest.mark.parametrize("release", RELEASES)
def test_a_whole_life_of_a_task_goes_by_the_paths_of_a_release(world, release):
    settings = {**world.account.settings, "api_paths": release}
    provider, since = world.another(replace(world.account, settings=settings)), len(world.simulator.log)
    key, draft = new_key(), world.draft()

    assert provider.check().id == "4711"
    ref = provider.create_task(draft, key=key).ref
    provider.update_task(ref, replace(draft, title="New", deals=()), changed=frozenset(Field), key=key)
    provider.complete_task(ref, done_at=None)
    provider.reopen_task(ref)
    assert provider.find_task(key, draft).ref == ref
    assert [task.ref for task in all_of(provider.list_tasks)] == [ref]
    outcomes = provider.create_tasks([NewTask(draft, new_key()) for _ in range(250)])
    provider.delete_tasks([one.task.ref for one in outcomes])
    provider.delete_task(ref)

    called = [one["path"] for one in list(world.simulator.log)[since:]]
    assert {path for path in called if release not in path and "private-apps" not in path} == set()
    assert all(task["deleted"] for task in world.simulator.tasks())


def test_a_release_that_is_not_there_is_a_path_that_is_not_there(ask):
    assert ask("GET", "/crm/objects/2025-09/tasks")[0] == 404
    assert ask("GET", "/crm/objects/2026-09/0-27")[0] == 200


def test_the_choices_of_the_setting_are_those_that_are_called():
    [setting] = [one for one in CAPABILITIES.settings if one.name == "api_paths"]

    assert (setting.choices, setting.default) == (CHOICES, "legacy")


# Properties that the portal does not know


@pytest.fixture
def lenient():
    """The portal of the guide page: it drops what it does not know."""
    simulator = HubSpotSimulator(ignores_unknown=True)
    with Server(simulator) as server:
        world = build_world("hubspot", simulator, server)
        yield world
        world.close()


UNKNOWN = {"hs_task_colour": "red", "hs_task_completion_date": "1791187200000"}


@pytest.mark.parametrize("name", UNKNOWN)
def test_live_portals_refuse_properties_that_do_not_exist_or_are_read_only(world, ask, name):
    status, _, told = ask("POST", TASKS, example(world, **{name: UNKNOWN[name]}))

    assert (status, told["category"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("name", UNKNOWN)
def test_the_guide_s_portal_ignores_properties_that_do_not_exist_or_are_read_only(lenient, name):
    record = lenient.simulator.records.create(
        "0-27", example(lenient, **{name: UNKNOWN[name]}), id_="7", now=lenient.simulator.now()
    )

    assert name not in record.properties
    assert record.properties["hs_task_subject"] == "Follow-up for Brian Buyer"


def lost_property(world):
    """Take the property of the hub's key away, as a person may."""
    del world.simulator.records.properties["0-27"]["hub_task_key"]


def test_a_key_property_that_was_taken_away_is_said_so_where_the_portal_refuses(world):
    lost_property(world)

    with pytest.raises(Permanent, match="doctor --fix makes it again"):
        world.create()

    world.provider.prepare()
    assert world.create().ref.id


def test_a_key_property_that_was_taken_away_is_missing_on_the_task_where_the_portal_ignores(lenient):
    lost_property(lenient)

    task = lenient.create()

    assert task.key == ""
    assert [one["hub_key"] for one in lenient.simulator.tasks()] == [""]


@pytest.mark.parametrize("portal", ["world", "lenient"])
def test_a_task_is_made_whole_at_either_portal(request, portal):
    world = request.getfixturevalue(portal)
    key, draft = new_key(), world.draft()

    ref = world.create(draft, key=key).ref

    assert world.provider.fetch_task(ref).holds[Field.TITLE] == draft.title
    assert world.provider.find_task(key, draft).ref == ref


# Plans


@pytest.mark.parametrize(
    ("plan", "burst", "daily"),
    [
        ("", (100, 10.0), (250_000, 86_400.0)),
        ("starter", (100, 10.0), (250_000, 86_400.0)),
        ("professional", (190, 10.0), (625_000, 86_400.0)),
        ("enterprise", (190, 10.0), (1_000_000, 86_400.0)),
        ("app", (110, 10.0), None),
    ],
)
def test_each_plan_has_its_rate(plan, burst, daily):
    limits = [
        (one.calls, one.seconds) for one in CAPABILITIES.limits_for({"plan": plan}) if one.budget == "all"
    ]

    assert limits == [burst, *([daily] if daily else [])]


def test_a_day_that_is_used_up_is_told_as_such(ask, world):
    limits = [replace(limit, calls=2) if limit.seconds > 1000 else limit for limit in world.simulator.limits]
    crowded = HubSpotSimulator(limits=limits)
    with Server(crowded) as server:
        provider = world.another(replace(world.account, secrets=crowded.secret, base_url=server.url))
        provider.list_owners()
        provider.list_owners()

        with pytest.raises(Exception, match="over its daily limit") as refusal:
            provider.list_owners()

    assert refusal.value.retry_after == 3600


# Contacts


def test_a_contact_is_upserted_by_its_e_mail(world, ask):
    grace = world.ids["contacts"][0]
    one = {"id": "grace@client.example", "idProperty": "email", "properties": {"firstname": "Amazing"}}
    new = {"id": "ida@client.example", "idProperty": "email", "properties": {"firstname": "Ida"}}

    told = ask("POST", f"{CONTACTS}/batch/upsert", {"inputs": [one, new]})[2]["results"]

    assert {(one["id"] == grace, one["new"]) for one in told} == {(True, False), (False, True)}
    held = world.provider.fetch_contact(RemoteRef(grace)).person
    # By e-mail a part of a contact is not supported: what is not sent is gone.
    assert (held.first_name, held.last_name, held.email) == ("Amazing", "", "grace@client.example")


def test_a_contact_that_exists_is_named_and_taken(world, ask):
    status, _, told = ask("POST", CONTACTS, {"properties": {"email": "grace@client.example"}})
    person = Person(first_name="Grace", emails=("grace@client.example",))

    assert (status, told["message"]) == (
        409,
        f"Contact already exists. Existing ID: {world.ids['contacts'][0]}",
    )
    assert world.provider.create_contact(person, key=new_key()).ref.id == world.ids["contacts"][0]


def test_a_merged_contact_is_updated_as_the_survivor(world, ask):
    grace, edith = world.ids["contacts"]
    merged = {"primaryObjectId": grace, "objectIdToMerge": edith}
    survivor = ask("POST", f"{CONTACTS}/merge", merged)[2]["id"]

    told = world.provider.update_contact(RemoteRef(edith), Person(first_name="Amazing"))

    assert told.ref.id == survivor
