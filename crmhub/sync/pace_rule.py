"""How many requests may leave, and when: the rule, on what is kept of one account. Pure.

It is applied to the account's row as it stands here, and in Redis by its twin in pace.lua; a test holds the two together. All times are whole
milliseconds, of the clock of whoever keeps the state, so that both reckon alike to the last digit.

A state is JSON: `used` has for each bucket what was given out, in order of time: a key, how many slots, the next key, …; a key is the number of a
tick, or of the window where windows are fixed. (One flat list, for Redis reads and writes it several times faster than pairs.) `held` is the moment before which nothing leaves; `slow` has for a budget since when, and at how many thousandths of its rate, it began to rise
again; `most` has for a bucket how many calls the vendor said it allows, and until when that is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from crmhub.sync.pace_windows import Window

State = dict[str, Any]

# Milliseconds; nothing is given further ahead. What lies there was given before the clock was set back.
FURTHEST = 5_000
RISE = 600  # milliseconds for a thousandth: a halved rate is whole again after five minutes
BELIEVED = 86_400_000  # milliseconds for which a limit that a refusal names is kept to


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an account's pace: a rule of those below, the windows that it is about, and what else it takes.

    `every` are all windows of the account, with all their calls. Up to `slots` may be given, none more than `ahead` from now. `now` replaces the
    clock of whoever keeps the state.
    """

    connection_id: UUID
    every: tuple[Window, ...]
    rule: str
    windows: tuple[Window, ...]
    arguments: tuple[int, ...] = ()
    slots: int = 0
    ahead: int = 0
    now: int | None = None

    def of(self, state: State, now: int) -> list[int]:
        """Change the state as the rule says; returns whole numbers, as the twin does."""
        for window in self.windows:
            _tidy(state, window, now)
        arguments = (self.slots, self.ahead) if self.rule == "take" else self.arguments
        found = RULES[self.rule](state, self.windows, now, *arguments)
        state["used"] = {name: used for name, used in state["used"].items() if used}
        return found


# The rules. Each changes the state.


def take(state: State, windows: Sequence[Window], now: int, count: int, ahead: int) -> list[int]:
    """Give up to `count` slots, none more than `ahead` in the future.

    Returns the number of the window that stood in the way (from 1; 0: none did), then how long until the next slot, -1 if all were given, then how
    long until each that was.
    """
    given: list[int] = []
    while len(given) < count:
        slot, which = _next(state, windows, max(now, state.get("held", 0)), now)
        if slot - now > ahead:
            return [which, slot - now, *given]
        for window in windows:
            _count(state, window, slot, 1)
        given.append(slot - now)
    return [0, -1, *given]


def use_late(state: State, windows: Sequence[Window], now: int, late: int) -> list[int]:
    """Count a slot now instead of when it was to be used, `late` ago."""
    for window in windows:
        for key in window.keys(now - late):
            _uncount(state, window, key)
        _count(state, window, now, 1)
    return []


def heed(state: State, windows: Sequence[Window], now: int, *told: int) -> list[int]:
    """Believe the vendor that no more is left of each window than it says: others use the account too.

    `told` has for each window how many calls are left, and how long until it begins anew, -1 where that is not told. What we gave out and it has not
    seen yet is not ours to take off: it may be late to say so, and is never believed to leave more than we think.
    """
    for window, left, reset in zip(windows, told[::2], told[1::2], strict=True):
        slot = now
        if window.tick and reset >= 0:
            slot = min(now, now + reset - window.length - window.margin)
        free = _calls(state, window, now) - _used(state, window, now)
        if free > left:
            _count(state, window, slot, free - left)
    return []


def hold(
    state: State, windows: Sequence[Window], now: int, wait: int, is_told: int, calls: int, length: int
) -> list[int]:
    """Let nothing leave for `wait`, for the vendor has refused a request. Where it did not say for how long, the rate is halved and rises slowly.

    `calls` in `length` is the limit that the refusal names, 0 where it names none.
    """
    is_news = state.get("held", 0) <= now  # one storm of refusals halves the rate once
    state["held"] = max(state.get("held", 0), now + wait)
    for window in windows:
        if calls and window.length == length:
            state.setdefault("most", {})[window.name] = [calls, now + BELIEVED]
    if is_news and not is_told:
        for budget in {window.budget for window in windows}:
            part = _part(state, budget, now) // 2
            state.setdefault("slow", {})[budget] = [now + wait, max(part, 1)]
    return []


RULES: dict[str, Callable[..., list[int]]] = {"take": take, "use_late": use_late, "heed": heed, "hold": hold}


# What befalls a state between those who keep it


def fill(state: State, windows: Sequence[Window], at: int, most: int) -> None:
    """Count as used at that moment what may have been given out until then without our knowing: what each window had left, and at most so many."""
    for window in windows:
        used, keys = state["used"].get(window.name, ()), window.keys(at)
        if window.tick:
            known = sum(slots for key, slots in _pairs(used) if window.ends(key) > at)
        else:
            known = max((slots for key, slots in _pairs(used) if key in keys), default=0)
        if (unknown := min(window.calls - known, most)) > 0:
            _count(state, window, at, unknown)


def moved(state: State, windows: Sequence[Window], by: int) -> State:
    """Return the state in the time of another clock that is ahead by so much. Buckets without a window here are left behind; fixed ones have the
    vendor's time, whoever keeps them.
    """
    new: State = {"used": {}}
    for window in windows:
        used = state["used"].get(window.name, [])
        if used and not window.tick:
            new["used"][window.name] = used
            continue
        for key, slots in _pairs(used):
            _count(new, window, key * window.tick + by, slots)
    if "held" in state:
        new["held"] = state["held"] + by
    if "slow" in state:
        new["slow"] = {budget: [since + by, part] for budget, (since, part) in state["slow"].items()}
    if "most" in state:
        new["most"] = {name: [calls, until + by] for name, (calls, until) in state["most"].items()}
    return new


# The parts of the rule


def _next(state: State, windows: Sequence[Window], slot: int, now: int) -> tuple[int, int]:
    """Return the first moment from `slot` on that every window has room for, and which of them moved it last."""
    which, is_moved = 0, True
    while is_moved:
        is_moved = False
        for number, window in enumerate(windows, 1):
            if (later := _from(state, window, slot, now)) > slot:
                slot, which, is_moved = later, number, True
    return slot, which


def _from(state: State, window: Window, slot: int, now: int) -> int:
    used, calls = state["used"].get(window.name, ()), _calls(state, window, now)
    if window.tick:
        over = sum(used[1::2]) - calls + 1
        for key, slots in _pairs(used):
            if over <= 0:
                break
            over -= slots
            slot = max(slot, window.ends(key))
        return slot
    full = [key for key, slots in _pairs(used) if slots >= calls]
    while bars := [key for key in window.keys(slot) if key in full]:
        slot = window.ends(bars[-1])
    return slot


def _calls(state: State, window: Window, now: int) -> int:
    calls = window.calls
    most, until = state.get("most", {}).get(window.name, (0, 0))
    if now < until:
        calls = min(calls, most)
    return max(calls * _part(state, window.budget, now) // 1000, 1)


def _part(state: State, budget: str, now: int) -> int:
    """Return how many thousandths of its rate a budget has."""
    since, part = state.get("slow", {}).get(budget, (0, 1000))
    return int(min(part + max(now - since, 0) // RISE, 1000))


def _used(state: State, window: Window, now: int) -> int:
    """Return how many slots of a window are used: of a sliding one all that are not forgotten, of a fixed one those of this moment."""
    used, keys = state["used"].get(window.name, ()), window.keys(now)
    if window.tick:
        return sum(used[1::2])
    return max((slots for key, slots in _pairs(used) if key in keys), default=0)


def _tidy(state: State, window: Window, now: int) -> None:
    """Forget what has left the window. What lies too far ahead was given before the clock was set back: when it was used is not known any more, and it
    counts as used now.
    """
    used = state["used"].get(window.name, [])
    while used and window.ends(used[0]) <= now:
        del used[:2]
    lost, furthest = 0, window.keys(now + FURTHEST)[-1]
    while used and used[-2] > furthest:
        lost += used.pop()
        used.pop()
    if lost:
        _count(state, window, now, lost)


def _count(state: State, window: Window, slot: int, slots: int) -> None:
    used = state["used"].setdefault(window.name, [])
    for key in window.keys(slot):
        place = len(used)
        while place and used[place - 2] > key:
            place -= 2
        if place and used[place - 2] == key:
            used[place - 1] += slots
        else:
            used[place:place] = [key, slots]


def _uncount(state: State, window: Window, key: int) -> None:
    """Take one slot off what stands under this key, or directly before it."""
    used = state["used"].get(window.name, [])
    for place in range(len(used) - 2, -1, -2):
        if used[place] == key or (window.tick and used[place] < key):
            used[place + 1] -= 1
            if not used[place + 1]:
                del used[place : place + 2]
            return


def _pairs(used: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip(used[::2], used[1::2], strict=True)
