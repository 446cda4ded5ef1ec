"""A CRM that was recorded: gives the answers that were given then, one after the other, whatever it is asked."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from providers.simulator.server import Call, NoReply, Reply
from providers.simulator.webhooks import Announcer


class Playback:
    """Plays recorded answers on a real port: `Server(Playback())`. It has no state of its own; who asks compares what was asked."""

    def __init__(self) -> None:
        """Have nothing to say yet."""
        self.closing = threading.Event()
        self.announcer = Announcer()
        self._answers: deque[Reply | None] = deque()

    def load(self, answers: Iterable[Reply | None]) -> None:
        """Give these answers from now on; in place of None the connection is broken, as after the last."""
        self._answers = deque(answers)

    def answer(self, call: Call) -> Reply:
        """Return the next answer. Raises `NoReply` where none came then."""
        reply = self._answers.popleft() if self._answers else None
        if reply is None:
            raise NoReply
        return reply
