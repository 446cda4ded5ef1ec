"""Bringing one connection's due links into step: claim, plan, perform, settle, until nothing is due or the turn is over.

A job keeps as many calls under way as use up the account's rate, and claims, plans and settles meanwhile. What becomes due while a batch is under
way waits a moment for company, so that batches are full; the first save at a quiet account goes at once.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeGuard
from uuid import UUID

from django.conf import settings

from crmhub import wake
from crmhub.clock import database_now
from crmhub.crypto import SecretsUnreadable
from crmhub.kill_points import reached
from crmhub.models import Connection
from crmhub.services.owing import LINGER
from crmhub.sync import circuit, room, sending
from crmhub.sync.checkup import check_connection
from crmhub.sync.claim import Claim, Kind, set_aside, stops_its_worker, take, window_of
from crmhub.sync.doubt import heed_doubts
from crmhub.sync.flow import Flow
from crmhub.sync.health import has_lost_links, hold_back
from crmhub.sync.pieces import Piece, planned
from crmhub.sync.readback import others_wait
from crmhub.sync.seats import Seat, most_per_account
from crmhub.sync.settle import AT_ONCE, settle
from crmhub.sync.sight import Sight, look
from crmhub.sync.tokens import ASK_AGAIN, keep_access
from providers.errors import NotSent

ONE_TURN = 1.0  # seconds of work after which a job lets those of other connections go first
LONGEST_TURN = 5.0  # seconds after which it ends in any case, for its worker may be about to stop
GLANCE = 0.05  # seconds between two looks while calls are under way
ROUNDS = 20_000  # of looking, sending and settling in one job; a guard, not a limit that is met
UNREADABLE_WAIT = timedelta(minutes=1)  # until a missing key is looked for again

# Until when (monotonic) a lane's rate is used up: what is claimed before is only given back.
_used_up: dict[tuple[UUID, int], float] = {}


@dataclass
class Pushed:
    """What one call of `push_due` did: links settled, and the seconds after which more can be sent (None: nothing waits for a slot)."""

    settled: int = 0
    ask_again_in: float | None = None


def push_due(connection_id: UUID, *, now: datetime | None = None) -> Pushed:
    """Push what is due at this connection, interactive links first and contacts before tasks, for a few seconds.

    Ends at once where enough jobs work for the connection already. Wakes itself for what waits for a slot less than a minute ahead, and for what is
    left when its turn is over. Without `now` the database's clock is read for each claim and each settling; with it, time stands still: nothing lingers,
    and each claim is settled before the next.
    """
    return Job(connection_id, now).run()


class Job:
    """One call of `push_due`."""

    def __init__(self, connection_id: UUID, now: datetime | None) -> None:
        """Do nothing yet."""
        self.connection_id = connection_id
        self.now = now
        self.settled = 0
        self.seat = Seat(connection_id)
        self.flow: Flow[sending.Outgoing] = Flow()
        self.ready: list[sending.Outgoing] = []  # calls of one claim that there was no room for yet
        self.began = time.monotonic()
        self.again_at: float | None = None  # monotonic: when more can be sent than now
        self.has_learned = False  # when there are slots again
        self.is_over = self.is_held = self.has_called = self.has_sent = self.is_quiet = False

    def run(self) -> Pushed:
        """Work until nothing is due or the turn is over."""
        if self.now is not None:
            self._work()
            return self._pushed()
        while self.seat.keep(most=most_per_account()):
            wake.heard(self.connection_id)
            try:
                self._work()
            finally:
                self.seat.leave()
            # Whoever was turned away meanwhile relies on this last look, and whoever saves after it on a wake of their own.
            wake.heard(self.connection_id)
            sight = look(self.connection_id)
            if not self._finds_more(sight):
                self._wait_for_slots(sight)
                break
            if self.is_over:
                wake.go_on(self.connection_id)
                break
        return self._pushed()

    def _finds_more(self, sight: Sight | None) -> bool:
        return self._may_go_on(sight) and any(not self._is_used_up(lane) for lane, _ in sight.due)

    def _may_go_on(self, sight: Sight | None) -> TypeGuard[Sight]:
        return sight is not None and sight.connection.may_be_called(sight.moment) and not self.is_held

    def _wait_for_slots(self, sight: Sight | None) -> None:
        """Ask for a wake when there are slots for what has none and is due by then, be it this job or an earlier one that learned so."""
        if self._may_go_on(sight):
            for (lane, _), due_at in sight.first_due.items():
                if self._is_used_up(lane):
                    slot_in = _used_up[self.connection_id, lane] - time.monotonic()
                    self._ask_again(max(slot_in, (due_at - sight.moment).total_seconds()))
        wait = self._pushed().ask_again_in
        # Where nobody knows which wakes are on their way, those of jobs that learned nothing themselves would become ever more.
        if wait is not None and (self.has_learned or not wake.marks.is_open):
            wake.push([self.connection_id], countdown=max(wait, GLANCE))

    def _pushed(self) -> Pushed:
        wait = None if self.again_at is None else max(self.again_at - self._running(), 0.0)
        return Pushed(self.settled, wait)

    def _running(self) -> float:
        return self.began if self.now is not None else time.monotonic()

    # Rounds

    def _work(self) -> None:
        for _ in range(ROUNDS):
            sight = look(self.connection_id, now=self.now)
            if sight is None:
                return
            has_begun = self._may_begin(sight) and self._begin_some(sight)
            if self.flow.under_way:
                self._settle_ended(within_s=self._patience(has_begun=has_begun))
            elif not has_begun and not self._waits_a_moment(sight):
                return

    def _patience(self, *, has_begun: bool) -> float | None:
        if self.now is not None:
            return None
        # The longer calls take, the less is missed by looking less often.
        return 0.0 if has_begun else max(GLANCE, min(self.flow.oldest_s / 10, 0.25))

    def _waits_a_moment(self, sight: Sight) -> bool:
        """Sleep a little where something is due or ripe in a moment; returns whether there is anything like that."""
        if self.is_over or self.now is not None:
            return False
        waits = [LINGER - sight.age(kind) for kind in sight.due if not self._is_used_up(kind[0])]
        waits += filter(None, [sight.next_due(within=LINGER)])
        if waits:
            time.sleep(min(max(min(waits).total_seconds(), 0.001), GLANCE))
        return bool(waits)

    def _may_begin(self, sight: Sight) -> bool:
        """Return whether anything may be sent now. Once it may not, the job ends when its calls are over."""
        self.is_over = self.is_over or self._is_at_an_end(sight)
        if self.is_over:
            self._give_back_the_rest(0.0)
        return not self.is_over

    def _is_at_an_end(self, sight: Sight) -> bool:
        connection = sight.connection
        if connection.is_to_be_tested(sight.moment):
            self._settle_ended(within_s=None)
            check_connection(connection, now=self.now)
            connection.refresh_from_db()
        if not connection.may_be_called(sight.moment) or not _can_be_read(connection, sight.moment):
            return True
        if not sight.has_linked and has_lost_links(connection, now=sight.moment):
            return True
        if self._has_had_its_turn():
            return True
        # Nothing is due either where a job was woken to keep an account's tokens alive.
        if sight.due and circuit.is_probing(connection.failures) and self.seat.others:
            self.is_held = True  # one job is enough to find out whether the vendor is well again
            return True
        held = keep_access(connection, now=self.now, left=self._seconds_left())
        if isinstance(held, NotSent):
            self.has_learned = True
            self._ask_again(ASK_AGAIN.total_seconds())
        # Nothing is claimed then: the links stay due, and nothing is counted.
        self.is_held = held is not None
        # It was brought up to date; somebody may have given it other credentials meanwhile.
        return self.is_held or not connection.may_be_called(sight.moment)

    def _has_had_its_turn(self) -> bool:
        took = time.monotonic() - self.began
        if self.now is not None or took < ONE_TURN:
            return False
        return took > LONGEST_TURN or self._seconds_left() <= 0 or wake.others_wait()

    def _seconds_left(self) -> float:
        """Return the seconds in which calls may begin: none begins so late that it could outlive the job."""
        return self.began + settings.JOB_SOFT_LIMIT - settings.HTTP_DEADLINE_SECONDS - time.monotonic()

    # Beginning

    def _begin_some(self, sight: Sight) -> bool:
        """Send the first of what is due, ripe and for which there is room; returns whether there was any."""
        if self.ready:
            calls = self._room(sight.connection, self.ready[0].claim.kind)
            self._let_out(sight, calls)
            return calls > 0
        for kind in sight.due:
            calls = self._room(sight.connection, kind)
            is_held = calls < 1 or self._is_used_up(kind[0]) or not self._is_ripe(sight, kind)
            if not is_held and self._push_some(sight, kind, calls=calls):
                return True
        return False

    def _room(self, connection: Connection, kind: Kind) -> int:
        under_way = [one.claim for one in self.flow.under_way]
        oldest_s = self.flow.oldest_s if self.now is None else 0.0
        return room.left(connection, kind, under_way=under_way, oldest_s=oldest_s)

    def _is_ripe(self, sight: Sight, kind: Kind) -> bool:
        """Return whether these need not wait for company: no batch is under way, they have waited, or they fill one."""
        size = room.batch_size(sight.connection, kind)
        if size == 1 or self.now is not None or sight.age(kind) >= LINGER or not self._is_under_way():
            return True
        lane, model = kind
        due = model._default_manager.filter(connection=self.connection_id, lane=lane)
        return due.filter(due_at__lte=sight.moment).order_by("due_at")[size - 1 : size].exists()

    def _is_under_way(self) -> bool:
        if self.flow.under_way or self.has_sent:
            return True
        self.seat.keep(most=most_per_account())
        return self.seat.others > 0

    def _push_some(self, sight: Sight, kind: Kind, *, calls: int) -> bool:
        """Claim what these calls can carry, plan it and let it out; returns whether there was any. What needs no call is settled at once."""
        connection = sight.connection
        size = room.claim_size(connection, kind, calls=calls)
        claim = self._taken(connection, kind, size=size)
        if claim is None:
            return False
        reached("after_claim")
        if claim.has_lapsed:
            # It may be what stopped a worker, and whatever is under way beside it would lapse with it.
            self._settle_ended(within_s=None)
        if stops_its_worker(claim, size=size):
            set_aside(claim, now=self._moment())
            return True
        if len(claim.links) == size:
            self._call_for_help(connection)
        # A claim takes all that is due, but for what it has no room for and what lapsed at another time.
        may_be_more = len(claim.links) == size or claim.has_lapsed
        self.is_quiet = sight.due == [kind] and not (may_be_more and others_wait(connection, now=claim.at))
        pieces = planned(claim, now=self.now)
        self.ready = sending.outgoing(claim, pieces)
        leaving = {piece.row.pk for one in self.ready for piece in one.pieces}
        self._settle([piece for piece in pieces if piece.row.pk not in leaving])
        self._let_out(sight, calls)
        return True

    def _taken(self, connection: Connection, kind: Kind, *, size: int) -> Claim[Any] | None:
        lane, model = kind
        # Opened before the clock is read, so that it can only close too early.
        window = window_of(connection, at_most=self._seconds_left())
        return take(model, connection, lane=lane, size=size, now=self._moment(), window=window)

    def _call_for_help(self, connection: Connection) -> None:
        """Wake another job for the connection, once, where there is more than this one can carry."""
        if self.now is None and not self.has_called and not circuit.is_probing(connection.failures):
            self.has_called = True
            wake.push([self.connection_id], is_urgent=False)

    def _let_out(self, sight: Sight, calls: int) -> None:
        """Begin so many of the calls that are ready; those without a slot, and all behind them, are given back."""
        some, self.ready = self.ready[: max(calls, 0)], self.ready[max(calls, 0) :]
        if not some:
            return
        claim = some[0].claim
        ago = None if self.has_sent else sending.last_sent_ago(sight.last_sent_at, claim.at)
        out = sending.let_out(some, last_sent_ago=ago, now=self.now)
        if out.leaving:
            reached("after_mark")
        is_quiet = self.is_quiet and not self.ready
        for one in out.leaving:
            self.flow.begin(one, partial(sending.make, one, is_quiet=is_quiet, now=self.now))
            self.has_sent = True
        self._settle(out.others)
        if out.ask_again_in is not None:
            self._give_back_the_rest(out.ask_again_in)
            self._note_used_up(claim.lane, out.ask_again_in)

    def _give_back_the_rest(self, ask_again_in: float) -> None:
        pieces = [piece for one in self.ready for piece in one.pieces]
        self.ready = []
        sending.give_back(pieces, ask_again_in)
        self._settle(pieces)

    def _note_used_up(self, lane: int, seconds: float) -> None:
        self.has_learned = True
        if self.now is not None:
            self._ask_again(seconds)
            self.is_over = True
        else:
            _used_up[self.connection_id, lane] = time.monotonic() + seconds

    def _is_used_up(self, lane: int) -> bool:
        return self.now is None and time.monotonic() < _used_up.get((self.connection_id, lane), 0.0)

    def _ask_again(self, seconds: float) -> None:
        at = self._running() + seconds
        self.again_at = at if self.again_at is None else min(self.again_at, at)

    # Settling

    def _settle_ended(self, *, within_s: float | None) -> None:
        ended = self.flow.ended(within_s=within_s)
        if ended:
            reached("after_post")
        for one in ended:
            sending.take_answers(one)
        self._settle([piece for one in ended for piece in one.pieces])
        if ended:
            reached("after_record")

    def _settle(self, pieces: Sequence[Piece]) -> None:
        alike: dict[Any, list[Piece]] = defaultdict(list)
        for piece in pieces:
            alike[type(piece.row), piece.claim.connection.credentials_version].append(piece)
        for some in alike.values():
            settle(some, now=self._moment(), linger=LINGER if self.now is None else AT_ONCE)
            heed_doubts(some[0].claim.connection, some, now=self._moment())
            self.settled += len(some)

    def _moment(self) -> datetime:
        return self.now or database_now()


def _can_be_read(connection: Connection, now: datetime) -> bool:
    """Return whether the credentials can be unsealed; if not, the connection waits and says why, and nothing is claimed."""
    try:
        connection.secrets  # noqa: B018 — unsealing is what raises
    except SecretsUnreadable as error:
        hold_back(connection, until=now + UNREADABLE_WAIT, why=str(error))
        return False
    return True
