"""The made-up world, saved through the services like everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from crmhub import services
from crmhub.demo import people
from crmhub.demo.stories import STORIES
from crmhub.demo.words import Day, Story
from crmhub.models import Connection, Contact, Record, Task
from crmhub.services import Associated, Associations
from providers.registry import capabilities

# Beside what a simulator says of itself. Deleting what is cancelled shows what a setting does; 25 in 5 s is what the
# simulated LeadSquared allows, and more than the hub assumes of a real one.
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "leadsquared": {"limits": "25/5"},
    "leadlex": {"cancelled": "delete"},
}
# The parts of a simulator's answer to `seed`, by the kind of record.
PARTS = {"company": "companies", "deal": "deals", "ticket": "tickets", "event": "events"}


@dataclass
class World:
    """What was saved: the day that counts as today, and the rows by the keys of `people`; tasks stand beside their stories."""

    today: date
    staff: dict[str, Any] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=dict)
    tasks: list[tuple[Story, Task]] = field(default_factory=list)


def seeds() -> dict[str, list[dict[str, str]]]:
    """Return what the CRMs knew before the hub came: users, most of the contacts, every record."""
    known = [one for one in people.CONTACTS.values() if one.is_known]
    return {
        "users": [
            {"email": one.email, "name": f"{one.first_name} {one.last_name}"}
            for one in people.STAFF.values()
            if one.is_owner
        ],
        "contacts": [
            {
                "first_name": one.first_name,
                "last_name": one.last_name,
                "email": one.email,
                "phone": one.phone,
                "company": one.company,
            }
            for one in known
        ],
        **{
            part: [{"name": name} for kind_there, name in people.RECORDS.values() if kind_there == kind]
            for kind, part in PARTS.items()
        },
    }


def save_people(world: World) -> None:
    """Save staff and records. They are there before the first CRM is connected."""
    for key, one in people.STAFF.items():
        world.staff[key] = get_user_model().objects.create_user(
            one.username, one.email, None, first_name=one.first_name, last_name=one.last_name, is_staff=True
        )
    for key, (kind, name) in people.RECORDS.items():
        world.records[key] = services.save_record(record=Record(kind=kind, name=name), changed=())


def connect(world: World, code: str, told: Mapping[str, Any]) -> Connection:
    """Connect the simulated account whose simulator told its address, secret and settings."""
    connection = services.connect_account(
        provider=code,
        name=f"{capabilities(code).label} (simulated)",
        secrets=told["secret"],
        settings={**told["setting"], **SETTINGS.get(code, {})},
        base_url=told["url"],
    )
    world.connections[code] = connection
    return connection


def link_records(world: World, code: str, ids: Mapping[str, Sequence[str]]) -> None:
    """Say which company, deal, ticket or event at the CRM each record is; `ids` is the answer to `seeds`."""
    for kind, part in PARTS.items():
        keys = [key for key, (kind_there, _) in people.RECORDS.items() if kind_there == kind]
        for key, external_id in zip(keys, ids.get(part, ()), strict=False):
            services.link_record(
                record=world.records[key], connection=world.connections[code], external_id=external_id
            )


def save_contacts(world: World) -> None:
    """Save the contacts; each goes to every CRM."""
    for key, one in people.CONTACTS.items():
        contact = Contact(
            first_name=one.first_name,
            last_name=one.last_name,
            email=one.email,
            phone=one.phone,
            company=one.company,
            job_title=one.job_title,
        )
        world.contacts[key] = services.save_contact(contact=contact, changed=())


def save_tasks(world: World) -> None:
    """Save every task as its story begins."""
    for story in STORIES:
        task = _task_of(story, world)
        services.save_task(
            task=task,
            changed=(),
            associations=_associations(world, story.contacts, story.records),
            by=_author(story, world),
        )
        world.tasks.append((story, task))


def change_tasks(world: World) -> int:
    """Let happen what happens to tasks once the CRMs have them; returns how many were changed."""
    changed = [(story, task) for story, task in world.tasks if story.then or story.edit or story.moved_to]
    for story, task in changed:
        by = _author(story, world)
        if story.edit or story.moved_to:
            for name, value in story.edit.items():
                setattr(task, name, value)
            moved = _associations(world, story.moved_to, None) if story.moved_to else None
            services.save_task(task=task, changed=list(story.edit), associations=moved, by=by)
        if story.then in ("complete", "reopen"):
            services.complete_task(task=task, is_completed=story.then == "complete", by=by)
        if story.then == "cancel":
            task.status = Task.Status.CANCELLED
            services.save_task(task=task, changed=["status"], by=by)
        if story.then in ("delete", "restore"):
            services.delete_task(task=task, by=by)
    return len(changed)


def restore_tasks(world: World) -> int:
    """Take back what was deleted by mistake; returns how many."""
    deleted = [(story, task) for story, task in world.tasks if story.then == "restore"]
    for story, task in deleted:
        services.restore_task(task=task, by=_author(story, world))
    return len(deleted)


def _task_of(story: Story, world: World) -> Task:
    due = story.due.on(world.today) if story.due else None
    is_day = isinstance(story.due, Day)
    moment = datetime.combine(due, datetime.min.time(), UTC) if due and is_day else due
    now = datetime.now(UTC)
    return Task(
        title=story.title,
        body=story.body,
        status=story.status,
        priority=story.priority,
        type=story.type,
        due_at=moment,
        due_is_date=is_day,
        end_at=moment + timedelta(minutes=story.lasts)
        if isinstance(moment, datetime) and story.lasts
        else None,
        reminder_at=moment - timedelta(minutes=story.remind)
        if isinstance(moment, datetime) and story.remind
        else None,
        notify_by_email=story.notify,
        assignee=world.staff.get(story.assignee),
        queue=story.queue,
        location=story.location,
        contact_name=story.typed[0],
        company_name=story.typed[1],
        created_at=now - timedelta(days=story.age),
    )


def _associations(world: World, contacts: Sequence[str], records: Sequence[str] | None) -> Associations:
    return Associations(
        contacts=[Associated(world.contacts[key].pk) for key in contacts],
        records=None if records is None else [Associated(world.records[key].pk) for key in records],
    )


def _author(story: Story, world: World) -> AbstractBaseUser:
    author: AbstractBaseUser = world.staff[story.assignee or "ada"]
    return author
