"""Places at which a test can let this process die as in a power cut: nothing is closed, committed or said.

`FAULT_AT=after_post` in the environment ends the process when it comes there, `FAULT_AT=after_post:3` when it comes there for the third time.
With `:freeze` behind it the process stops there and lives, until somebody lets it go on. Only the tests of faults set it; `check --deploy` refuses it.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "FAULT_AT"
EXIT_STATUS = 9
POINTS = {
    "after_claim": "links are claimed, and nothing more",
    "after_mark": "what is about to be sent is written down, and not sent",
    "after_post": "the CRM has answered, and that is not written down",
    "in_record": "the links are written and the attempts are not, in a transaction that is open",
    "after_record": "all of it is written down, and the job has not ended",
    "before_commit": "a save is written, in a transaction that is open",
    "after_commit": "a save is committed, and no worker is woken",
}

_times: dict[str, int] = {}


def reached(point: str) -> None:
    """End this process, or freeze it, if the environment says so of this point."""
    wanted = os.environ.get(VARIABLE)
    if not wanted or wanted.partition(":")[0] != point:
        return
    _times[point] = _times.get(point, 0) + 1
    words = wanted.split(":")[1:]
    if _times[point] != next((int(word) for word in words if word.isdigit()), 1):
        return
    if "freeze" in words:
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        os._exit(EXIT_STATUS)
