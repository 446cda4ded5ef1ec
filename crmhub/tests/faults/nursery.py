"""A process that has loaded the hub, and from which workers, beats and web servers are forked: loading takes seconds, forking none.

It reads one JSON object on each line of its input, a process to start (`words`, `environment`, `log`) or one to ask after (`pid`), and answers
each with a line: the process id, or the exit status, null while it runs. When its input ends it kills whatever it started.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from crmhub.tests.faults import clocks

ROOT = Path(__file__).resolve().parents[3]
LOADED = ["config.celery", "config.wsgi", "config.urls", "celery.bin.worker", "gunicorn.app.wsgiapp"]


class Nursery:
    """The nursery of one environment, as whoever starts processes sees it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "crmhub.tests.faults.nursery"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._lock = threading.Lock()

    def start(self, words: Sequence[str], *, environment: Mapping[str, str], log: Path) -> int:
        """Start `python -m words…` with these settings besides; return its process id, which is that of its group as well."""
        return int(self._ask({"words": list(words), "environment": dict(environment), "log": str(log)}))

    def status_of(self, pid: int) -> int | None:
        """Return the exit status of a process that it started, negative for a signal; None while it runs."""
        status = self._ask({"pid": pid})
        return None if status is None else int(status)

    def close(self) -> None:
        """Kill what it started, and end it."""
        self._popen.communicate()

    def _ask(self, question: Mapping[str, Any]) -> Any:
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        with self._lock:
            self._popen.stdin.write(json.dumps(question) + "\n")
            self._popen.stdin.flush()
            return json.loads(self._popen.stdout.readline())


def main() -> None:
    """Load the hub, then serve until the input ends."""
    if file := os.environ.get(clocks.VARIABLE):
        clocks.shift(Path(file))
    for name in LOADED:
        importlib.import_module(name)
    ended: dict[int, int] = {}
    started: set[int] = set()
    for line in sys.stdin:
        question = json.loads(line)
        answer: int | None
        if "words" in question:
            answer = _fork(**question)
            started.add(answer)
        else:
            _bury(ended)
            answer = ended.get(question["pid"])
        print(json.dumps(answer), flush=True)
    for pid in started - set(ended):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _fork(words: Sequence[str], environment: Mapping[str, str], log: str) -> int:
    pid = os.fork()
    # Both sides do it, so that the group is there whoever comes first.
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)
    if not pid:
        _become(words, environment, log)
    return pid


def _become(words: Sequence[str], environment: Mapping[str, str], log: str) -> NoReturn:
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, file in ((0, nothing), (1, output), (2, output)):
        os.dup2(file, number)
    os.environ.update(environment)
    random.seed()
    sys.argv = [*words]
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    sys.exit()


def _bury(ended: dict[int, int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended[found[0]] = os.waitstatus_to_exitcode(found[1])


if __name__ == "__main__":
    main()
