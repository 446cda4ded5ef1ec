"""The table of tasks and CRMs, and the counts below it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from crmhub.demo.build import World
from crmhub.models import Connection, Task, TaskLink
from crmhub.queries.sync import Standing, standing

TITLE = 46  # columns
CELL = 15


def table(world: World) -> list[str]:
    """Return the lines of *task by CRM: status*, the counts for each CRM, and why some tasks wait for a person."""
    connections = list(world.connections.values())
    links = {
        (link.task_id, link.connection_id): link
        for link in TaskLink.objects.filter(connection__in=connections).select_related("connection")
    }
    tasks = list(Task.objects.filter(pk__in=[task.pk for _, task in world.tasks]).order_by("pk"))
    rows = [(task, [_cell(task, links.get((task.pk, one.pk))) for one in connections]) for task in tasks]
    head = _row("task", [one.capabilities.label for one in connections])
    return [
        head,
        "─" * len(head),
        *[_row(task.title, cells) for task, cells in rows],
        "─" * len(head),
        *_counts(connections, [cells for _, cells in rows]),
        *_reasons(links.values()),
    ]


def _cell(task: Task, link: TaskLink | None) -> str:
    if link is None:
        return "–"
    stands = standing(link)
    if stands is not Standing.IN_SYNC:
        return stands.words
    if not link.external_id or task.is_deleted:
        return "deleted" if task.is_deleted else "not there"
    return "completed" if task.status in (Task.Status.COMPLETED, Task.Status.CANCELLED) else "in sync"


def _row(title: str, cells: Iterable[str]) -> str:
    return (_fitted(title, TITLE) + "  " + "".join(_fitted(cell, CELL) for cell in cells)).rstrip()


def _fitted(text: str, columns: int) -> str:
    """Return the text cut and filled to so many columns of a terminal, in which some characters take two or none."""
    widths = [_columns(character) for character in text]
    if sum(widths) > columns:
        while sum(widths) > columns - 1:
            widths.pop()
        return text[: len(widths)] + "…" + " " * (columns - 1 - sum(widths))
    return text + " " * (columns - sum(widths))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _counts(connections: Sequence[Connection], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = []
    for place, connection in enumerate(connections):
        counts = Counter(cells[place] for cells in rows)
        told = ", ".join(f"{count} {word}" for word, count in counts.most_common())
        lines.append(f"{connection.capabilities.label + ':':14}{told}")
    return lines


def _reasons(links: Iterable[TaskLink]) -> list[str]:
    reasons = Counter(link.last_error for link in links if link.is_parked)
    return (
        ["", "Needs a person:", *[f"  {count} × {why}" for why, count in reasons.most_common()]]
        if reasons
        else []
    )
