"""The database refuses what the code relies on never to find, whoever writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import IntegrityError, models, transaction

from crmhub.models import (
    ApiKey,
    Attempt,
    Connection,
    Contact,
    ContactLink,
    OwnerLink,
    Record,
    RecordLink,
    Task,
    TaskContact,
    TaskLink,
    TaskRecord,
    Unmatched,
)

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
BEFORE = NOON - timedelta(seconds=1)


class World:
    """One good row of everything, and a way to make another."""

    def __init__(self) -> None:
        self.ada = get_user_model().objects.create_user("ada")
        self.connection = self.account("Main account")
        self.elsewhere = self.account("Elsewhere")
        self.task = self.new_task()
        self.grace = self.new_contact()
        self.acme = self.new_record()

    def account(self, name: str, **values: Any) -> Connection:
        return Connection.objects.create(provider="hubspot", name=name, created_at=NOON, **values)

    def new_task(self, **values: Any) -> Task:
        return Task.objects.create(**{"title": "Call", "created_at": NOON, "updated_at": NOON, **values})

    def new_contact(self, **values: Any) -> Contact:
        return Contact.objects.create(
            **{"first_name": "Grace", "created_at": NOON, "updated_at": NOON, **values}
        )

    def new_record(self, **values: Any) -> Record:
        values = {"kind": "company", "name": "Acme", "created_at": NOON, "updated_at": NOON, **values}
        return Record.objects.create(**values)

    def task_link(self, **values: Any) -> TaskLink:
        values = {"task": self.task, "connection": self.connection, "status_since": NOON, **values}
        return TaskLink.objects.create(**values)

    def contact_link(self, **values: Any) -> ContactLink:
        values = {"contact": self.grace, "connection": self.connection, "status_since": NOON, **values}
        return ContactLink.objects.create(**values)

    def record_link(self, **values: Any) -> RecordLink:
        values = {"record": self.acme, "connection": self.connection, "external_id": "r-1", **values}
        values.setdefault("kind", values["record"].kind)
        return RecordLink.objects.create(**values)

    def unmatched(self, **values: Any) -> Unmatched:
        return Unmatched.objects.create(
            connection=self.connection, **{"external_id": "t-1", "found_at": NOON, **values}
        )

    def owner_link(self) -> OwnerLink:
        return OwnerLink.objects.create(user=self.ada, connection=self.connection, checked_at=NOON)

    def attempt(self, **values: Any) -> Attempt:
        fixed = {"claim_token": uuid4(), "operation": "create", "version": 1, "started_at": NOON}
        return Attempt.objects.create(connection=self.connection, **fixed, **values)

    def key(self) -> Any:
        return ApiKey.objects.create(user=self.ada, name="billing")

    def twice(self, make: Callable[[], Any]) -> None:
        make()
        make()

    def two_with_one_id(self, make: Callable[..., Any], subject: str, others: Any) -> None:
        make(external_id="x-1")
        make(external_id="x-1", **{subject: others})


@pytest.fixture
def world() -> World:
    return World()


# The name of the constraint, and a write that it refuses.
REFUSED: list[tuple[str, Callable[[World], Any]]] = [
    ("task_has_a_title", lambda w: w.new_task(title="")),
    ("task_ends_after_it_is_due", lambda w: w.new_task(due_at=NOON, end_at=BEFORE)),
    ("task_is_completed_at_a_moment", lambda w: w.new_task(status="completed")),
    ("task_is_completed_at_a_moment", lambda w: w.new_task(status="open", completed_at=NOON)),
    ("task_date_needs_due", lambda w: w.new_task(due_is_date=True)),
    ("task_status_is_known", lambda w: w.new_task(status="finished")),
    ("task_priority_is_known", lambda w: w.new_task(priority="urgent")),
    ("task_type_is_known", lambda w: w.new_task(type="errand")),
    ("connection_scope_is_known", lambda w: w.account("New", scope="some")),
    ("one_live_connection_per_name", lambda w: w.account("Main account")),
    (
        "one_record_per_external_id",
        lambda w: (w.record_link(), w.record_link(record=w.new_record(name="Globex"))),
    ),
    ("connection_contacts_is_known", lambda w: w.account("New", contacts="guess")),
    ("contact_is_somebody", lambda w: w.new_contact(first_name="", company="Acme")),
    ("record_kind_is_known", lambda w: w.new_record(kind="planet")),
    (
        "one_association_per_contact",
        lambda w: w.twice(lambda: TaskContact.objects.create(task=w.task, contact=w.grace)),
    ),
    (
        "one_association_per_record",
        lambda w: w.twice(lambda: TaskRecord.objects.create(task=w.task, record=w.acme)),
    ),
    ("one_task_link_per_connection", lambda w: w.twice(w.task_link)),
    ("one_contact_link_per_connection", lambda w: w.twice(w.contact_link)),
    ("one_record_link_per_connection", lambda w: w.twice(w.record_link)),
    ("one_owner_link_per_connection", lambda w: w.twice(w.owner_link)),
    (
        "task_link_external_id_is_unique",
        lambda w: w.two_with_one_id(w.task_link, "task", w.new_task()),
    ),
    (
        "contact_link_external_id_is_unique",
        lambda w: w.two_with_one_id(w.contact_link, "contact", w.new_contact()),
    ),
    ("task_link_claim_is_leased", lambda w: w.task_link(claim_token=uuid4(), claimed_at=NOON)),
    ("task_link_claim_is_leased", lambda w: w.task_link(claim_token=uuid4(), due_at=NOON)),
    ("contact_link_claim_is_leased", lambda w: w.contact_link(claim_token=uuid4(), claimed_at=NOON)),
    ("task_link_generation_from_one", lambda w: w.task_link(generation=0)),
    ("contact_link_generation_from_one", lambda w: w.contact_link(generation=0)),
    ("task_link_status_is_known", lambda w: w.task_link(sync_status="sending")),
    ("contact_link_status_is_known", lambda w: w.contact_link(sync_status="sending")),
    ("task_link_pushed_is_known", lambda w: w.task_link(pushed_version=-2)),
    ("contact_link_pushed_is_known", lambda w: w.contact_link(pushed_version=-2)),
    ("unmatched_has_an_id", lambda w: w.unmatched(external_id="")),
    ("unmatched_once_per_connection", lambda w: w.twice(w.unmatched)),
    ("record_link_has_an_id", lambda w: w.record_link(external_id="")),
    ("attempt_has_one_link", lambda w: w.attempt()),
    (
        "attempt_has_one_link",
        lambda w: w.attempt(task_link=w.task_link(), contact_link=w.contact_link()),
    ),
    ("api_key_name_is_unique", lambda w: w.twice(w.key)),
]


@pytest.mark.parametrize(("name", "write"), REFUSED, ids=[name for name, _ in REFUSED])
def test_what_the_code_relies_on_is_refused_otherwise(world, name, write):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        write(world)

    assert _names(name) & _words(str(refusal.value))


def _names(constraint: str) -> set[str]:
    """Return the words by which the databases call the constraint: its own name, or on SQLite the columns of a unique one."""
    for model in apps.get_app_config("crmhub").get_models():
        for one in model._meta.constraints:
            if one.name == constraint and isinstance(one, models.UniqueConstraint):
                last: Any = model._meta.get_field(one.fields[-1])
                return {constraint, f"{model._meta.db_table}.{last.column}"}
    return {constraint}


def _words(message: str) -> set[str]:
    return {word.strip('",:') for word in message.split()}


def test_every_constraint_of_the_hub_is_tried_above():
    declared = {
        constraint.name
        for model in apps.get_app_config("crmhub").get_models()
        for constraint in model._meta.constraints
    }

    assert declared == {name for name, _ in REFUSED}


@pytest.mark.parametrize(
    "write",
    [
        lambda w: w.new_task(due_at=NOON, end_at=NOON),
        lambda w: w.new_task(end_at=BEFORE),
        lambda w: w.new_task(status="completed", completed_at=NOON),
        lambda w: w.new_contact(first_name="", phone="ask at the desk"),
        lambda w: [w.task_link(), w.task_link(connection=w.elsewhere)],
        lambda w: [w.task_link(), w.task_link(task=w.new_task())],
        lambda w: [w.task_link(external_id="1"), w.task_link(external_id="1", connection=w.elsewhere)],
        lambda w: [w.task_link(external_id="1"), w.contact_link(external_id="1")],
        lambda w: w.task_link(claim_token=uuid4(), claimed_at=NOON, due_at=NOON),
        lambda w: w.task_link(pushed_version=-1),
        lambda w: w.attempt(contact_link=w.contact_link()),
    ],
)
def test_what_is_right_is_taken(world, write):
    assert write(world)


def test_an_account_name_is_taken_once(world):
    with pytest.raises(IntegrityError), transaction.atomic():
        world.account("Main account")


@pytest.mark.parametrize("name", ["connection", "grace", "acme"])
def test_what_others_point_at_is_not_deleted(world, name):
    world.task_link()
    TaskContact.objects.create(task=world.task, contact=world.grace)
    TaskRecord.objects.create(task=world.task, record=world.acme)

    with pytest.raises(models.ProtectedError):
        getattr(world, name).delete()


def test_a_person_who_leaves_takes_no_task_along(world):
    world.task.assignee = world.ada
    world.task.save()

    world.ada.delete()

    assert Task.objects.get(pk=world.task.pk).assignee is None


def test_new_ids_are_versioned_and_grow():
    ids = [Task().id for _ in range(50)]

    assert {one.version for one in ids} == {7}
    assert len(set(ids)) == 50
    assert [one.int >> 80 for one in ids] == sorted(one.int >> 80 for one in ids)
