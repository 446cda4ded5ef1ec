"""What the tests about associations do and look at."""

from __future__ import annotations

from providers.tests.worlds import new_key
from providers.types import Linked, RemoteRef

KINDS = {"contacts": "contact", "companies": "company", "deals": "deal", "tickets": "ticket"}


def linked(*ids, **said):
    return tuple(Linked(RemoteRef(one), **said) for one in ids)


def types_of(world, task, contact):
    return world.simulator.records.held["0-27", task.id].links["0-1", contact]


def pinned_on(world, type_id, id_):
    return world.simulator.records.held[type_id, id_].properties.get("hs_pinned_engagement_id")


def bring(world, ref, draft, *changed):
    return world.provider.update_task(ref, draft, changed=frozenset(changed), key=new_key())


def requests(world, since):
    return [f"{one['method']} {one['path']}" for one in list(world.simulator.log)[since:]]
