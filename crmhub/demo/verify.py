"""Whether every CRM holds exactly what the stories name, asked of the simulators themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from crmhub.demo import people
from crmhub.demo.build import World
from crmhub.demo.words import Day, Held, Story, There
from crmhub.models import Connection, SyncStatus, Task, TaskLink
from crmhub.services.people import e164
from providers.projection import STAND_IN_DUE_DAYS
from providers.types import HubKey, canonical_moment

MORNING = time(9)  # of a due day, at a CRM that knows moments only
# HubSpot and HighLevel know moments only; the others keep a day.
KNOWS_NO_DAYS = ("hubspot", "highlevel")
# LeadLex alone takes a task without a due date; elsewhere a day stands in.
TAKES_NO_DUE = ("leadlex",)
# HubSpot takes several contacts and keeps them in no order.
KEEPS_NO_ORDER = ("hubspot",)

Shown = Mapping[str, Any]


@dataclass(frozen=True)
class Pair:
    """One task at one CRM: what its story names, its link, and what the CRM holds of it."""

    story: Story
    task: Task
    there: There
    connection: Connection
    link: TaskLink | None
    live: Sequence[Shown]
    deleted: Sequence[Shown]


def differences(world: World, held: Mapping[str, Sequence[Shown]]) -> list[str]:
    """Return in words everything in which the CRMs differ from the stories; `held` is what each simulator shows."""
    found: list[str] = []
    for code, connection in world.connections.items():
        links = {link.task_id: link for link in TaskLink.objects.filter(connection=connection)}
        pairs = list(_pairs(world, code, connection, links, held[code]))
        label = connection.capabilities.label
        found += [
            f"{label}: {pair.story.last_title!r} {what}"
            for pair in pairs
            for what in _wrong(code, pair, world)
        ]
        found += [f"{label}: {what}" for what in _extras(links, held[code])]
    return found


def _pairs(
    world: World, code: str, connection: Connection, links: Mapping[UUID, TaskLink], held: Sequence[Shown]
) -> Iterator[Pair]:
    by_link: dict[str, list[Shown]] = defaultdict(list)
    for shown in held:
        by_link[_link_of(shown)].append(shown)
    for story, task in world.tasks:
        link = links.get(task.pk)
        own = by_link.get(_link_of({"hub_key": str(HubKey(link.pk))}), []) if link else []
        yield Pair(
            story,
            task,
            story.there[code],
            connection,
            link,
            live=[shown for shown in own if not shown["deleted"]],
            deleted=[shown for shown in own if shown["deleted"]],
        )


def _link_of(shown: Shown) -> str:
    """Return the part of the hub key that stays the same when a task is made anew."""
    return str(shown["hub_key"]).partition(".")[0]


def _wrong(code: str, pair: Pair, world: World) -> Iterator[str]:
    if pair.link is None:
        yield "has no link"
        return
    yield from _wrong_at_the_hub(pair.link, pair.there)
    alive = 1 if pair.there.held is Held.LIVE else 0
    buried = pair.there.before + (1 if pair.there.held is Held.DELETED else 0)
    if len(pair.live) != alive:
        yield f"is there {len(pair.live)} times, expected {alive}"
    if len(pair.deleted) != buried:
        yield f"is there {len(pair.deleted)} times among the deleted tasks, expected {buried}"
    if alive and pair.live:
        yield from _wrong_there(code, pair, pair.live[0], world.today)


def _wrong_at_the_hub(link: TaskLink, there: There) -> Iterator[str]:
    if there.held is Held.PARKED:
        if not link.is_parked or there.why not in link.last_error:
            yield f"is {link.sync_status} ({link.last_error or 'no reason'}), expected it to be parked: {there.why}"
    elif link.sync_status != SyncStatus.IN_SYNC or link.due_at is not None:
        yield f"is {link.sync_status} in the hub ({link.last_error or 'no reason'}), expected in_sync"


def _wrong_there(code: str, pair: Pair, shown: Shown, today: date) -> Iterator[str]:
    assert pair.link is not None
    expected = {
        "id": pair.link.external_id,
        "title": _text(code, pair.story.last_title),
        "body": _text(code, pair.story.last_body),
        "status": pair.there.status,
        "due_at": _due(code, pair, today),
        "hub_key": str(HubKey(pair.link.pk, pair.link.generation)),
    }
    told = {**shown, "due_at": _moment(shown["due_at"])}
    for name, value in expected.items():
        if told[name] != value:
            yield f"has {name} {told[name]!r}, expected {value!r}"
    contacts = _contacts(code, pair.story)
    if shown["contact"] not in contacts:
        yield f"has contact {shown['contact']!r}, expected {' or '.join(map(repr, contacts))}"


def _text(code: str, text: str) -> str:
    return text.replace("<", "‹").replace(">", "›") if code == "leadsquared" else text


def _due(code: str, pair: Pair, today: date) -> str | None:
    due = pair.story.due
    if due is not None and not isinstance(due, Day):
        return canonical_moment(due.on(today))
    if due is None and code in TAKES_NO_DUE:
        return None
    day = (
        due.on(today)
        if due
        else pair.task.created_at.astimezone(UTC).date() + timedelta(days=STAND_IN_DUE_DAYS)
    )
    if code not in KNOWS_NO_DAYS:
        return canonical_moment(day)
    zone = (
        settings.HUB_TIME_ZONE
        if code == "hubspot"
        else str(pair.connection.learned.get("time_zone") or "UTC")
    )
    return canonical_moment(datetime.combine(day, MORNING, ZoneInfo(zone)))


def _moment(shown: Any) -> str | None:
    """Return what a CRM shows as due in the one spelling that is compared."""
    if not isinstance(shown, str) or "T" not in shown:
        return shown or None
    return canonical_moment(datetime.fromisoformat(shown))


def _contacts(code: str, story: Story) -> Sequence[str | None]:
    """Return whom the CRM may show as the task's contact: the first, where it keeps their order or takes one only."""
    if code == "leadsquared" and any(people.RECORDS[key][0] == "deal" for key in story.records):
        # There a task of a deal is the deal's, and every deal in this world is the first contact's.
        return [next(one.email for one in people.CONTACTS.values() if one.is_known)]
    clients = [people.CONTACTS[key] for key in story.last_contacts]
    if not clients:
        return [None]
    known_as = [client.email or e164(client.phone) for client in clients]
    return known_as if code in KEEPS_NO_ORDER else known_as[:1]


def _extras(links: Mapping[UUID, TaskLink], held: Sequence[Shown]) -> Iterator[str]:
    ours = {_link_of({"hub_key": str(HubKey(link.pk))}) for link in links.values()}
    for shown in held:
        if _link_of(shown) not in ours:
            yield f"holds {shown['title']!r}, which is no task of the hub"
    keys = Counter(str(shown["hub_key"]) for shown in held if not shown["deleted"])
    for key, count in keys.items():
        if count > 1:
            yield f"holds {count} tasks with the hub key {key}"
