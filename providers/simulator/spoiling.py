"""What a fault makes of an answer: another one, one that breaks off or drips, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from providers.simulator.faults import Fault, with_words
from providers.simulator.server import NoReply, Reply

if TYPE_CHECKING:
    from providers.simulator.crm import Simulator

HALF_A_DOCUMENT = '{"results": [{"id": "12'


def spoilt(fault: Fault, reply: Reply, crm: Simulator) -> Reply:
    """Return what is answered instead of `reply`, whose status is 0 where the request took no effect. Raises `NoReply`."""
    made = _SPOIL[fault.kind](fault, reply, crm)
    return replace(made, headers=_with(made.headers, fault.headers))


def _with(headers: Mapping[str, str], more: Mapping[str, str | None]) -> Mapping[str, str]:
    """Return the headers with these among them; None takes one away, whatever its case."""
    named = {name.lower() for name in more}
    kept = {name: value for name, value in headers.items() if name.lower() not in named}
    return kept | {name: value for name, value in more.items() if value is not None}


def _hang(fault: Fault, _reply: Reply, crm: Simulator) -> Reply:
    crm.closing.wait(fault.seconds)
    raise NoReply


def _drop(_fault: Fault, _reply: Reply, _crm: Simulator) -> Reply:
    raise NoReply


def _reset(_fault: Fault, _reply: Reply, _crm: Simulator) -> Reply:
    raise NoReply(is_reset=True)


def _as_it_is(_fault: Fault, reply: Reply, _crm: Simulator) -> Reply:
    return reply


def _late(fault: Fault, reply: Reply, crm: Simulator) -> Reply:
    if fault.after_write:
        crm.closing.wait(fault.seconds)
    return reply


def _echo(fault: Fault, _reply: Reply, crm: Simulator) -> Reply:
    reply = crm.refusal(fault.status)
    words = f"You sent {' and '.join(crm.secret.values())}"
    return Reply(reply.status, with_words(reply.body, words), reply.headers)


_SPOIL: Mapping[str, Callable[[Fault, Reply, Simulator], Reply]] = {
    "status": lambda fault, _reply, crm: crm.refusal(fault.status),
    "rate_limited": lambda fault, _reply, crm: crm.throttled(crm.limits[0], fault.seconds),
    "hang": _hang,
    "drop": _drop,
    "reset": _reset,
    "delay": _late,
    "slow": lambda fault, reply, _crm: replace(reply, seconds_per_byte=fault.seconds),
    "cut": lambda _fault, reply, _crm: replace(
        reply if reply.status else Reply(200, HALF_A_DOCUMENT), is_cut=True
    ),
    "html": lambda *_: Reply(200, "<html><body><h1>We will be back soon</h1></body></html>"),
    "empty": lambda *_: Reply(200),
    "garbage": lambda *_: Reply(200, HALF_A_DOCUMENT),
    "error_in_200": lambda _fault, _reply, crm: Reply(200, crm.refusal(400).body),
    "partial": _as_it_is,
    "expire": _as_it_is,
    "echo": _echo,
}
