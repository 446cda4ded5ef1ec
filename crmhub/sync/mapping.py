"""Reading what is wanted: hub rows, with the ids that this connection's CRM knows them by, as drafts for a provider."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from crmhub.models import (
    Connection,
    Contact,
    ContactLink,
    OwnerLink,
    RecordLink,
    SyncStatus,
    Task,
    TaskContact,
    TaskLink,
    TaskRecord,
)
from crmhub.sync.credentials import settings_of
from crmhub.sync.values import AwaitedContact, WantedContact, WantedTask
from providers.capabilities import Level
from providers.projection import Loss, project
from providers.types import RECORD_FIELDS, Field, Linked, Person, Priority, RemoteRef, TaskDraft, TaskStatus

Row = TypeVar("Row", TaskContact, TaskRecord)
AnyLink = TypeVar("AnyLink")

NOBODY: Mapping[Any, str] = {}
FIELD_OF_KIND = {str(kind): name for name, kind in RECORD_FIELDS.items()}


def tasks_of(links: Sequence[TaskLink]) -> dict[UUID, Task]:
    """Read the tasks of these links, with their assignees; returns them by id."""
    ids = [link.task_id for link in links]
    return {task.pk: task for task in Task.objects.filter(pk__in=ids).select_related("assignee")}


def read_tasks(
    connection: Connection,
    links: Sequence[TaskLink],
    *,
    tasks: Mapping[UUID, Task] | None = None,
    arrivals: Mapping[UUID, str] = NOBODY,
    owners_found: Mapping[Any, str] = NOBODY,
    people_found: Mapping[UUID, str] = NOBODY,
) -> dict[UUID, WantedTask]:
    """Return, by link id, how each task should stand at this connection. A constant number of queries.

    `arrivals` are external ids by contact link, `owners_found` by user, `people_found` by contact, to be taken for known though they are not
    stored: what a preview assumes, and what a stocktaking has just read. `tasks` are theirs, where the caller has them.
    """
    tasks = tasks_of(links) if tasks is None else tasks
    people = _contacts(connection, tasks, people_found)
    records = _records(connection, tasks)
    owners = _owners(connection, tasks.values())
    for _, link in (pair for pairs in people.values() for pair in pairs):
        if link is not None and link.pk in arrivals:
            link.external_id = arrivals[link.pk]
    for user_id, external_id in owners_found.items():
        owners[user_id] = OwnerLink(connection=connection, user_id=user_id, external_id=external_id)
    return {
        link.pk: wanted_task(
            connection,
            tasks[link.task_id],
            people=people[link.task_id],
            records=records[link.task_id],
            owner=owners.get(tasks[link.task_id].assignee_id),
        )
        for link in links
    }


def wanted_task(
    connection: Connection,
    task: Task,
    *,
    people: Sequence[tuple[TaskContact, ContactLink | None]],
    records: Sequence[tuple[TaskRecord, RecordLink | None]],
    owner: OwnerLink | None,
) -> WantedTask:
    """Return the task as this connection's CRM can hold it, and what is lost: by the CRM's limits, or because it is not linked there."""
    can = connection.capabilities
    losses = [*_unlinked_records(connection, records), *_unknown_owner(connection, task, owner)]
    draft = draft_of(
        task,
        assignee=owner.external_id if owner else "",
        assignee_email=task.assignee.email.lower() if task.assignee and owner and owner.external_id else "",
        contacts=tuple(_linked(link, row) for row, link in people if link and link.external_id),
        **_records_by_field(records),
    )
    awaited = tuple(_awaited(row, link) for row, link in people if not link or not link.external_id)
    projection = project(draft, can, settings_of(connection))
    if can.supports(Field.CONTACTS).level is not Level.NONE:
        losses += [
            Loss(Field.CONTACTS, f"does not have {one.name} yet" + (f": {one.why}" if one.why else ""))
            for one in awaited
        ]
    return WantedTask(
        version=task.version,
        is_deleted=task.is_deleted,
        is_cancelled=task.status == Task.Status.CANCELLED,
        draft=projection.draft,
        losses=(*projection.losses, *losses),
        awaited=awaited,
        whole=draft,
        unsent=tuple(losses),
    )


def draft_of(task: Task, **related: Any) -> TaskDraft:
    """Return the task as a draft; `related` are the assignee and the associations, by the ids of whoever the draft is for."""
    return TaskDraft(
        title=task.title,
        body=task.body,
        status=TaskStatus(task.status),
        priority=Priority(task.priority),
        type=task.type,
        due=task.due_at.date() if task.due_at and task.due_is_date else task.due_at,
        end_at=task.end_at,
        reminder_at=task.reminder_at,
        notify_by_email=task.notify_by_email,
        queue=task.queue,
        location=task.location,
        created_at=task.created_at,
        completed_at=task.completed_at,
        contact_name=task.contact_name,
        # A typed name is for whom is not linked; a company that is, is not to be guessed at once more.
        company_name="" if related.get("companies") else task.company_name,
        **related,
    )


def _contacts(
    connection: Connection, ids: Iterable[UUID], found: Mapping[UUID, str]
) -> dict[UUID, list[tuple[TaskContact, ContactLink | None]]]:
    rows = list(TaskContact.objects.filter(task_id__in=list(ids)).select_related("contact"))
    wanted = {row.contact_id for row in rows}
    links = ContactLink.objects.filter(connection=connection, contact_id__in=wanted)
    by_contact = {
        contact_id: ContactLink(connection=connection, contact_id=contact_id, external_id=external_id)
        for contact_id, external_id in found.items()
        if contact_id in wanted
    }
    by_contact |= {
        link.contact_id: link for link in links if link.external_id or link.contact_id not in found
    }
    return _by_task((row, by_contact.get(row.contact_id)) for row in rows)


def _records(
    connection: Connection, ids: Iterable[UUID]
) -> dict[UUID, list[tuple[TaskRecord, RecordLink | None]]]:
    rows = list(TaskRecord.objects.filter(task_id__in=list(ids)).select_related("record"))
    wanted = {row.record_id for row in rows}
    links = RecordLink.objects.filter(connection=connection, record_id__in=wanted)
    by_record = {link.record_id: link for link in links}
    return _by_task((row, by_record.get(row.record_id)) for row in rows)


def _by_task(pairs: Iterable[tuple[Row, AnyLink]]) -> dict[UUID, list[tuple[Row, AnyLink]]]:
    found: dict[UUID, list[tuple[Row, AnyLink]]] = defaultdict(list)
    for row, link in pairs:
        found[row.task_id].append((row, link))
    return found


def _owners(connection: Connection, tasks: Iterable[Task]) -> dict[Any, OwnerLink]:
    users = {task.assignee_id for task in tasks if task.assignee_id}
    links = OwnerLink.objects.filter(connection=connection, user_id__in=users) if users else ()
    return {link.user_id: link for link in links}


def _linked(link: ContactLink | RecordLink, row: TaskContact | TaskRecord) -> Linked:
    ref = RemoteRef(link.external_id, getattr(link, "external_parent_id", ""))
    return Linked(ref, label=row.label, type=row.type, is_pinned=row.is_pinned)


def _records_by_field(
    records: Sequence[tuple[TaskRecord, RecordLink | None]],
) -> dict[str, tuple[Linked, ...]]:
    fields: dict[str, list[Linked]] = {str(name): [] for name in RECORD_FIELDS}
    for row, link in records:
        if link is not None:
            fields[FIELD_OF_KIND[row.record.kind]].append(_linked(link, row))
    return {name: tuple(linked) for name, linked in fields.items()}


def _unlinked_records(
    connection: Connection, records: Sequence[tuple[TaskRecord, RecordLink | None]]
) -> list[Loss]:
    can = connection.capabilities
    return [
        Loss(name, f"does not know which {row.record.kind} there is {row.record.name}: it is not linked")
        for row, link in records
        if link is None and can.supports(name := FIELD_OF_KIND[row.record.kind]).level is not Level.NONE
    ]


def _unknown_owner(connection: Connection, task: Task, owner: OwnerLink | None) -> list[Loss]:
    if task.assignee is None or (owner and owner.external_id):
        return []
    if connection.capabilities.supports(Field.ASSIGNEE).level is Level.NONE:
        return []
    return [
        Loss(Field.ASSIGNEE, f"has no user with the e-mail of {task.assignee}: the task is unassigned there")
    ]


def _awaited(row: TaskContact, link: ContactLink | None) -> AwaitedContact:
    name = str(row.contact)
    if link is None:
        return AwaitedContact(None, name, is_coming=False, has_failed=False, why="it was never sent there")
    return AwaitedContact(
        link.pk,
        name,
        is_coming=link.due_at is not None and link.sync_status != SyncStatus.FAILED,
        has_failed=link.failures > 0,
        why=link.last_error,
    )


def read_contacts(connection: Connection, links: Sequence[ContactLink]) -> dict[UUID, WantedContact]:
    """Return, by link id, how each contact should stand at this connection."""
    contacts = {one.pk: one for one in Contact.objects.filter(pk__in=[link.contact_id for link in links])}
    return {
        link.pk: WantedContact(
            version=contacts[link.contact_id].version,
            person=person_of(contacts[link.contact_id]),
            may_create=connection.contacts != Connection.Contacts.LOOKUP,
            is_followed=connection.contacts == Connection.Contacts.SYNC,
        )
        for link in links
    }


def person_of(contact: Contact) -> Person:
    """Return the contact as a value; the primary e-mail and phone come first, phones in E.164 where known."""
    emails = [contact.email, *contact.more_emails]
    phones = [contact.phone_e164 or contact.phone, *contact.more_phones]
    return Person(
        first_name=contact.first_name,
        last_name=contact.last_name,
        emails=tuple(email for email in emails if email),
        phones=tuple(phone for phone in phones if phone),
        company=contact.company,
        job_title=contact.job_title,
    )
