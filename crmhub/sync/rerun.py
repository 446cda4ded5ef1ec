"""Running recorded attempts again: the real plan, provider and judge, at a playback of what the CRM answered then.

Nothing is read from the database and nothing is written, here or at a CRM. What comes out must be what was recorded: the same operation, requests,
decision and columns of the link. Where it is not, the difference is named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import zip_longest
from typing import Any
from uuid import UUID

from crmhub.sync.credentials import over_defaults
from crmhub.sync.journal import Recorded
from crmhub.sync.judge import judge
from crmhub.sync.perform import Answered, Call, Item, look_back, make_call
from crmhub.sync.plain import plain, restored
from crmhub.sync.plan import plan_link
from crmhub.sync.played import AskedForMore, PlayedGate, Stage
from crmhub.sync.recorded import Intent, Settled, Told, answers_in, shortened, shown
from crmhub.sync.values import Action, Remote
from crmhub.sync.verdict import Case, chance_of, columns, taken
from providers.registry import capabilities

NO_INTENT = "what it was planned from was not kept: it is older than that"
OF_ANOTHER_FORM = "what was kept of it is of another version of the hub"
NO_END = "its worker died before an answer was noted"
NOT_WHOLE = "not all of an answer was kept: it was too long, or a secret stood in it or in what was asked"
BATCH_APART = "other tasks of its batch are missing"
LONGEST_QUOTE = 160  # characters of a value that a difference shows
BEFORE = 40  # of them, those before the first that differs


@dataclass(frozen=True)
class Difference:
    """Something that came out otherwise: `what` names it ("request 2", "link.due_at"), the others are cut texts."""

    what: str
    then: str
    now: str


@dataclass(frozen=True)
class Rerun:
    """One attempt that was run again, or why it was not. `came_out` is all that the final hash is made of."""

    attempt: Recorded
    differences: tuple[Difference, ...] = ()
    left_out: str = ""
    came_out: Mapping[str, Any] = field(default_factory=dict)


def rerun(attempts: Iterable[Recorded]) -> Iterator[Rerun]:
    """Run the attempts again, in their order; a batch is one call and comes where its last item stood."""
    with Stage() as stage:
        for call, why_not in _calls(attempts):
            if why_not:
                yield from (Rerun(one.attempt, left_out=why_not) for one in call)
            else:
                yield from _Play(stage, call).run()


class Total:
    """The final hash over what came out, and how many attempts were the same, differed, or were left out."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._hash = hashlib.sha256()
        self.same = self.different = 0
        self.left_out: dict[str, int] = {}

    def add(self, one: Rerun) -> None:
        """Count it."""
        self._hash.update(json.dumps([one.left_out, one.came_out], sort_keys=True).encode())
        if one.left_out:
            self.left_out[one.left_out] = self.left_out.get(one.left_out, 0) + 1
        elif one.differences:
            self.different += 1
        else:
            self.same += 1

    @property
    def hash(self) -> str:
        """Return the hash as text."""
        return f"sha256:{self._hash.hexdigest()}"


@dataclass(frozen=True)
class _Part:
    """One attempt of a call; `why_not` says what keeps it from being run again."""

    attempt: Recorded
    intent: Intent | None = None
    settled: Settled | None = None
    why_not: str = ""

    @classmethod
    def of(cls, attempt: Recorded) -> _Part:
        if attempt.intent is None or attempt.settled is None:
            return cls(attempt, why_not=NO_INTENT if attempt.intent is None else NO_END)
        try:
            intent, settled = restored(Intent, attempt.intent), restored(Settled, attempt.settled)
        except (TypeError, ValueError, KeyError, AttributeError):
            return cls(attempt, why_not=OF_ANOTHER_FORM)
        is_whole = all(kept.is_whole for kept in settled.answers)
        return cls(attempt, intent, settled, why_not="" if is_whole else NOT_WHOLE)


def _calls(attempts: Iterable[Recorded]) -> Iterator[tuple[list[_Part], str]]:
    """Yield the calls that the attempts were part of, their items in order, and why one cannot be made again ("" where it can)."""
    batches: dict[tuple[UUID, UUID], list[_Part]] = {}
    for part in map(_Part.of, attempts):
        if part.settled is None or part.settled.call is None:
            yield [part], part.why_not
            continue
        batch = batches.setdefault((part.attempt.claim, part.settled.call), [])
        batch.append(part)
        if len(batch) == part.settled.place[1]:
            del batches[(part.attempt.claim, part.settled.call)]
            batch.sort(key=lambda one: one.settled.place if one.settled else ())
            yield batch, next((one.why_not for one in batch if one.why_not), "")
    for batch in batches.values():
        yield batch, BATCH_APART


class _Play:
    """One call that is made again."""

    def __init__(self, stage: Stage, parts: Sequence[_Part]) -> None:
        self._stage = stage
        self._runs = [
            _Run(one.attempt, one.intent, one.settled) for one in parts if one.intent and one.settled
        ]
        self._first = self._runs[0]
        self._told = list(answers_in(self._first.attempt.response, self._first.settled.answers))

    def run(self) -> Iterator[Rerun]:
        for number, told in enumerate(self._told, 1):
            if not told.is_as_kept:
                self._first.differ(f"answer {number}", f"digest {told.kept.digest}", "it was changed since")
        for one in self._runs:
            one.plan()
        if all(isinstance(one.action, Remote) for one in self._runs):
            self._make()
        for one in self._runs:
            yield one.outcome(self._told if one is self._first else ())

    def _make(self) -> None:
        call = Call([one.item for one in self._runs])
        looks = self._first.settled.looks
        written, looked = self._told[: len(self._told) - looks], self._told[len(self._told) - looks :]
        # Of a look for many, the first may have its answer and only later ones none.
        held = next((one for one in self._runs if one.attempt.outcome == "not_sent"), None)
        gate = PlayedGate(
            len(written),
            held=held.attempt.detail if held else None,
            ask_again_in=held.settled.ask_again_in if held else None,
        )
        try:
            make_call(call, self._opens(written), gate)
            look_back(call, self._opens(looked), PlayedGate(len(looked), held=""), can=self._first.can)
        except AskedForMore as more:
            self._first.differ(f"request {len(written) + 1}", "none", more.line)
            return
        for one in self._runs:
            one.judge(call.answers[one.item.link.id])

    def _opens(self, told: Sequence[Told]) -> Any:
        return self._stage.opens(self._first.attempt.provider, self._first.intent, told)


class _Run:
    """One attempt on its way through the four steps a second time."""

    def __init__(self, attempt: Recorded, intent: Intent, settled: Settled) -> None:
        self.attempt, self.intent, self.settled = attempt, intent, settled
        self.can = capabilities(attempt.provider)
        self.action: Action | None = None
        self.came_out: dict[str, Any] = {}
        self._differences: list[Difference] = []
        self._settings = over_defaults(intent.settings, self.can, zone=intent.zone)

    def plan(self) -> None:
        self.action = plan_link(
            self.intent.link,
            self.intent.wanted,
            capabilities=self.can,
            settings=self._settings,
            switched_off=self.intent.switched_off,
            now=self.attempt.started_at,
        )
        operation = (
            str(self.action.operation) if isinstance(self.action, Remote) else type(self.action).__name__
        )
        self._compare("operation", self.attempt.operation, operation)

    @property
    def item(self) -> Item:
        assert isinstance(self.action, Remote)
        return Item(self.intent.link, self.intent.wanted, self.action)

    def judge(self, answer: Answered) -> None:
        asked, _, status = shown(answer, self.settled.place)
        for number, (then, now) in enumerate(zip_longest(_parts(self.attempt.request), _parts(asked)), 1):
            self._compare(f"request {number}", then, now)
        for number, (kept, made) in enumerate(
            zip(self.settled.answers, (*answer.exchanges, *answer.looks), strict=False), 1
        ):
            self._compare(f"request {number}, beyond what is shown", kept.asked, made.request_digest)
        self._compare("status", self.attempt.status_code, status)
        case = self._case(answer)
        verdict = judge(case)
        if self.settled.taken_by:
            external_id = str(verdict.changes.get("external_id"))
            verdict = taken(case, verdict, external_id, whose=self.settled.taken_by)
        self._compare("outcome", self.attempt.outcome, verdict.outcome)
        self._compare("detail", self.attempt.detail, verdict.detail[:1000])
        self._compare("decision", self.attempt.decision, verdict.decision[:300])
        self._compare("effects", list(self.attempt.effects), [one.as_row() for one in verdict.effects])
        if self.settled.columns is not None:
            self._compare_columns(self.settled.columns, shortened(columns(case, verdict)))

    def _case(self, answer: Answered) -> Case:
        settled = self.settled
        assert self.action is not None
        return Case(
            link=self.intent.link,
            wanted=self.intent.wanted,
            action=self.action,
            answer=answer,
            is_owed=settled.is_owed,
            previous_mark=self.intent.link.may_land_until,
            mark=settled.mark,
            first_failed_at=settled.first_failed_at,
            sent_at=settled.sent_at,
            ended_at=settled.ended_at,
            now=settled.now,
            capabilities=self.can,
            settings=self._settings,
            switched_off=self.intent.switched_off,
            landing=timedelta(seconds=settled.landing_s),
            linger=timedelta(seconds=settled.linger_s),
            is_renewed=settled.is_renewed,
            chance=chance_of(self.attempt.claim, self.intent.link.id),
            status_before=settled.status_before,
            is_forgotten=settled.is_forgotten,
        )

    def _compare_columns(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        for name in sorted({*then, *now}):
            self._compare(f"link.{name}", then.get(name), now.get(name))

    def _compare(self, what: str, then: Any, now: Any) -> None:
        self.came_out[what] = now
        if then != now:
            self.differ(what, then, now)

    def differ(self, what: str, then: Any, now: Any) -> None:
        self._differences.append(Difference(what, *_where_they_part(then, now)))

    def outcome(self, told: Sequence[Told]) -> Rerun:
        answers = [[one.status, one.body, dict(one.kept.headers), one.kept.detail] for one in told]
        whole = {
            "attempt": self.attempt.id,
            "intent": plain(self.intent),
            "answers": answers,
            **self.came_out,
        }
        return Rerun(self.attempt, tuple(self._differences), came_out=whole)


def _parts(request: str) -> list[str]:
    # No blank line stands inside one: bodies are JSON or forms, on one line.
    return request.split("\n\n") if request else []


def _where_they_part(then: Any, now: Any) -> tuple[str, str]:
    """Return both as texts, from a little before they part; what is long is cut."""
    one, other = ("none" if value is None else str(value) for value in (then, now))
    at = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    start = max(at - BEFORE, 0) if max(len(one), len(other)) > LONGEST_QUOTE else 0
    return _quoted(one, start), _quoted(other, start)


def _quoted(text: str, start: int) -> str:
    part = text[start : start + LONGEST_QUOTE]
    return ("…" if start else "") + part + ("…" if start + LONGEST_QUOTE < len(text) else "")
