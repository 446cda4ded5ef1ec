"""What every CRM must do with contacts, owners and records, once per vendor."""

from __future__ import annotations

import pytest

from providers.capabilities import Operation
from providers.errors import Ambiguous, NotFound, Rejected, Unsupported
from providers.tests.worlds import new_key
from providers.types import RECORD_FIELDS, Field, Person

KATHERINE = Person(
    first_name="Katherine",
    last_name="Jönsson",
    emails=("katherine@client.example",),
    phones=("+12025550177",),
    company="Orbits & Sons",
    job_title="Computer",
)


def with_email(world, email):
    return [one for one in world.simulator.contacts() if (one["email"] or "").lower() == email]


def test_check_says_who_we_are(world):
    identity = world.provider.check()

    assert identity.id
    assert identity.name


def test_owners_have_the_e_mails_that_people_are_known_by(world):
    owners = {owner.email: owner.id for owner in world.provider.list_owners()}

    assert owners["ada@hub.example"] == world.ids["users"][0]
    assert owners["mallory@hub.example"] == world.ids["users"][1]


@pytest.mark.parametrize("email", ["grace@client.example", "Grace@Client.Example"])
def test_a_contact_is_known_by_its_e_mail(world, email):
    found = world.provider.resolve_contact(Person(emails=(email,)))

    assert found.ref.id == world.ids["contacts"][0]
    assert found.person.email == "grace@client.example"


def test_a_contact_is_known_by_its_phone(world):
    found = world.provider.resolve_contact(Person(phones=("+442079460958",)))

    assert found.ref.id == world.ids["contacts"][1]


def test_a_phone_is_asked_when_the_e_mail_is_not_known(world):
    found = world.provider.resolve_contact(
        Person(emails=("nobody@client.example",), phones=("+12025550123",))
    )

    assert found.ref.id == world.ids["contacts"][0]


@pytest.mark.parametrize(
    "person",
    [
        Person(emails=("nobody@client.example",)),
        Person(phones=("+12025550199",)),
        Person(first_name="Grace", last_name="Hopper"),
    ],
    ids=["e-mail", "phone", "name only"],
)
def test_a_person_who_is_not_there_is_not_found(world, person):
    with pytest.raises(NotFound):
        world.provider.resolve_contact(person)


def test_two_contacts_with_one_phone_are_for_a_person_to_choose(world):
    twins = [
        {
            "first_name": name,
            "last_name": "Twin",
            "email": f"{name.lower()}@client.example",
            "phone": "+12025550144",
        }
        for name in ("Ida", "Una")
    ]
    ids = world.simulator.seed({"contacts": twins})["contacts"]
    if len(set(ids)) < 2:
        pytest.skip("a phone belongs to one contact there")

    with pytest.raises(Ambiguous) as caught:
        world.provider.resolve_contact(Person(phones=("+12025550144",)))

    assert {one.ref.id for one in caught.value.candidates} == set(ids)


def test_a_new_contact_holds_what_the_hub_knows_of_the_person(world):
    if not world.capabilities.can(Operation.CREATE_CONTACT):
        pytest.skip("declares that it cannot create contacts")

    made = world.provider.create_contact(KATHERINE, key=new_key())

    held = world.provider.fetch_contact(made.ref).person
    assert (held.first_name, held.last_name) == ("Katherine", "Jönsson")
    assert (held.email, held.phone) == ("katherine@client.example", "+12025550177")


def test_creating_a_contact_that_exists_does_not_make_a_second_one(world):
    if not world.capabilities.can(Operation.CREATE_CONTACT):
        pytest.skip("declares that it cannot create contacts")

    first = world.provider.create_contact(KATHERINE, key=new_key())
    second = world.provider.create_contact(KATHERINE, key=new_key())

    assert second.ref.id == first.ref.id
    assert len(with_email(world, "katherine@client.example")) == 1


def test_a_contact_is_brought_up_to_date(world):
    if not world.capabilities.can(Operation.UPDATE_CONTACT):
        pytest.skip("declares that it cannot change contacts")
    ref = world.provider.resolve_contact(Person(emails=("grace@client.example",))).ref

    world.provider.update_contact(
        ref,
        Person(
            first_name="Grace", last_name="Murray", emails=("grace@client.example",), phones=("+12025550188",)
        ),
    )

    held = world.provider.fetch_contact(ref).person
    assert (held.last_name, held.phone) == ("Murray", "+12025550188")
    assert len(with_email(world, "grace@client.example")) == 1


def test_a_contact_that_never_was_is_not_found(world):
    ref = world.provider.resolve_contact(Person(emails=("grace@client.example",))).ref
    other = type(ref)(ref.id[:-1] + ("8" if ref.id[-1] != "8" else "9"), ref.parent_id)

    with pytest.raises(NotFound):
        world.provider.fetch_contact(other)


@pytest.mark.parametrize(
    ("kind", "part", "text"),
    [
        ("company", "companies", "Compilers Ltd"),
        ("deal", "deals", "New compiler"),
        ("ticket", "tickets", "Moth in relay 70"),
        ("event", "events", "Open day"),
    ],
)
def test_a_record_is_found_by_its_name(world, kind, part, text):
    if not world.ids.get(part):
        with pytest.raises(Unsupported):
            world.provider.find_records(kind, text)
        return
    try:
        found = world.provider.find_records(kind, text)
    except Unsupported:
        pytest.skip(f"has no search for {part}")

    assert world.ids[part][0] in [record.ref.id for record in found]
    assert text in [record.name for record in found]


# Who was there and is not any more: the engine asks after them, so a refusal must say for whom it is one


def about_grace_alone(world):
    """A task that points at nothing but its contact."""
    return world.draft(**{str(name): () for name in RECORD_FIELDS})


def test_a_task_for_a_contact_who_was_deleted_there_is_refused_for_the_contact(world):
    draft = about_grace_alone(world)
    if not draft.contacts:
        pytest.skip(world.capabilities.supports(Field.CONTACTS).note)
    world.simulator.remove_contact(draft.contacts[0].ref.id)

    with pytest.raises((Rejected, NotFound)) as caught:
        world.create(draft)

    assert isinstance(caught.value, NotFound) or Field.CONTACTS in caught.value.fields
    with pytest.raises(NotFound):
        world.provider.fetch_contact(draft.contacts[0].ref)


def test_a_task_for_a_user_who_was_removed_there_is_refused_for_the_assignee(world):
    draft = world.draft()
    if not draft.assignee:
        pytest.skip(world.capabilities.supports(Field.ASSIGNEE).note)
    world.simulator.remove_user(draft.assignee)

    with pytest.raises(Rejected) as caught:
        world.create(draft)

    assert Field.ASSIGNEE in caught.value.fields
    assert draft.assignee not in {one.id for one in world.provider.list_owners() if one.is_active}
