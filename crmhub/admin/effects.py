"""What was asked of each CRM and what is there, as tables: on an attempt's page and on a task's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from crmhub.admin.panels import crm_and_name
from crmhub.models import TaskLink
from crmhub.sync import field_in_words

BADGES = {
    "applied": "in_sync",
    "not_told": "waiting",
    "not_supported": "off",
    "not_sent": "off",
    "altered": "needs_a_person",
    "dropped": "needs_a_person",
}


@dataclass(frozen=True)
class EffectRow:
    """One field or association."""

    field: str
    asked: str
    there: str
    outcome: str
    badge: str
    note: str


def effect_rows(stored: Iterable[Mapping[str, Any]]) -> list[EffectRow]:
    """Return the stored lines as they are read."""
    return [
        EffectRow(
            field=field_in_words(one["field"]),
            asked=one["asked"] or "–",
            there="" if one["outcome"] in ("not_told", "not_sent") else one["there"] or "–",
            outcome=one["outcome"].replace("_", " "),
            badge=BADGES.get(one["outcome"], "waiting"),
            note=one["note"],
        )
        for one in stored
    ]


def effects_table(stored: Iterable[Mapping[str, Any]]) -> SafeString:
    """Return the lines as a table; a sentence where there are none."""
    return render_to_string("admin/crmhub/effects.html", {"rows": effect_rows(stored)})


def effects_panel(links: Iterable[TaskLink]) -> list[tuple[str, list[EffectRow], bool]]:
    """Return, for each CRM that has answered a write of the task, its name, its lines, and whether one of them is altered or dropped."""
    shown = [(crm_and_name(link.connection), effect_rows(link.effects)) for link in links if link.effects]
    return [(name, rows, any(row.badge == "needs_a_person" for row in rows)) for name, rows in shown]
