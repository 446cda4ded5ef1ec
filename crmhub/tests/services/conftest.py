"""Ada, who saves; Grace and Acme, whom tasks are about; and connections that are never called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model

from crmhub import services
from crmhub.models import Connection, Contact, Record, Task, TaskLink
from crmhub.models.links import PushedLink
from providers.registry import capabilities

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


def known_secrets(provider: str) -> dict[str, str]:
    """Return something for each secret that this CRM's accounts are opened with."""
    return {one.name: f"known-to-nobody-{one.name}" for one in capabilities(provider).secrets}


def needed_settings(provider: str) -> dict[str, Any]:
    """Return something for each setting that this CRM demands."""
    return {
        one.name: one.choices[0][0] if one.choices else "x"
        for one in capabilities(provider).settings
        if one.is_required
    }


def connect(name: str = "Main account", provider: str = "highlevel", **options: Any) -> Connection:
    """Connect an account that nobody calls."""
    values = {"secrets": known_secrets(provider), "settings": needed_settings(provider), "now": NOON}
    return services.connect_account(provider=provider, name=name, **{**values, **options})


def save_task(
    *, about: list[Contact | Record] | None = None, now: datetime = NOON, **values: Any
) -> services.Saved:
    """Save a new task about these contacts and records."""
    task = Task(**{"title": "Call Grace", "created_at": None, **values})
    return services.save_task(task=task, changed=list(values), associations=pointing_at(about), now=now)


def pointing_at(about: list[Contact | Record] | None) -> services.Associations | None:
    """Return the associations of a task with these contacts and records."""
    if about is None:
        return None
    return services.Associations(
        contacts=[services.Associated(one.pk) for one in about if isinstance(one, Contact)],
        records=[services.Associated(one.pk) for one in about if isinstance(one, Record)],
    )


def stored(row: Any) -> Any:
    """Return the row as the database has it."""
    return type(row)._default_manager.get(pk=row.pk)


def link_of(task: Task, connection: Connection) -> TaskLink:
    """Return the task's counterpart there."""
    return TaskLink.objects.get(task=task, connection=connection)


def settle(link: PushedLink, **changes: Any) -> None:
    """Leave the link as a push would that brought all over, or as `changes` say."""
    in_step = {"sync_status": "in_sync", "due_at": None, "pushed_version": link.wanted_version}
    type(link)._default_manager.filter(pk=link.pk).update(**{**in_step, **changes})


def claim(link: PushedLink, *, until: datetime = NOON + timedelta(seconds=60)) -> None:
    """Let a worker hold the link."""
    type(link)._default_manager.filter(pk=link.pk).update(
        claim_token=uuid4(), claimed_at=NOON, due_at=until, sync_status="pending"
    )


@pytest.fixture
def ada(db) -> Any:
    return get_user_model().objects.create_user("ada", "ada@example.com", is_staff=True)


@pytest.fixture
def grace(db) -> Contact:
    contact = Contact(first_name="Grace", last_name="Hopper", email="grace@example.com")
    return services.save_contact(contact=contact, changed=[], now=NOON)


@pytest.fixture
def katherine(db) -> Contact:
    contact = Contact(first_name="Katherine", last_name="Johnson", email="katherine@example.com")
    return services.save_contact(contact=contact, changed=[], now=NOON)


@pytest.fixture
def acme(db) -> Record:
    return services.save_record(record=Record(kind="company", name="Acme"), changed=[], now=NOON)
