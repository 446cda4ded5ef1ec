"""Four processes of four threads share one rate: how many requests a vendor refuses, and how long 500 of them take.

Not part of the hub. Run it from the checkout, in a virtual environment that has the hub's packages:

    python bench/compare_pacers.py 3 --limit 100/5

`--pacers` names some of those below; `limits` and `pyrate-limiter` need the packages of those names. `--limit 50/6/fixed` is a window from stroke to
stroke. `--database postgres` has the hub's rows on a private PostgreSQL instead of SQLite. `redis-stops` stops Redis half-way, `no-redis` never has one.

The vendor is a server on this machine that enforces the limit (`providers.simulator.windows.Window`) and answers after 50 ms. Whoever is refused waits
as long as `Retry-After` says and tries again. What takes least is known: so many whole windows lie between the first request and the last.

    python bench/compare_pacers.py cost

says instead what one slot costs, asked for one at a time, in microseconds: the least and the median of many short series.
"""

# ruff: noqa: PLC0415 — each pacer imports what it alone needs, once the settings stand
from __future__ import annotations

import argparse
import contextlib
import http.client
import math
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

REQUESTS = 500
PROCESSES, THREADS = 4, 4


def limit_of(text: str) -> Any:
    """Return the limit that 100/5 or 50/6/fixed names."""
    from providers.capabilities import Limit

    calls, seconds, *kind = text.split("/")
    return Limit(int(calls), float(seconds), is_fixed=kind == ["fixed"])


def vendor(limit: str, port: multiprocessing.Queue, refused: Any, span: Any) -> None:
    """Serve one account that counts strictly."""
    from providers.simulator.windows import Window

    window, lock = Window(limit_of(limit)), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            now = time.time()
            with lock:
                wait = window.wait(now)
                if wait <= 0:
                    window.count(now)
                    span[0], span[1] = span[0] or now, now
                else:
                    refused.value += 1
            time.sleep(0.05)
            self.send_response(429 if wait > 0 else 200)
            if wait > 0:
                self.send_header("Retry-After", f"{wait:.3f}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads, request_queue_size = True, 128

    server = Server(("127.0.0.1", 0), Handler)
    port.put(server.server_address[1])
    server.serve_forever()


def nothing(_account: str, _limit: str) -> Callable[[], None]:
    """No limiter: obey Retry-After only."""
    return lambda: None


def own(account: str, limit: str) -> Callable[[], None]:
    """The hub's: reserve a slot, sleep until it comes, count it when it is used if that is later."""
    import django

    django.setup()
    from crmhub.sync.gate import PaceGate
    from providers.errors import NotSent
    from providers.http import Request

    limits = [limit_of(limit)]

    def wait() -> None:
        while True:
            gate = PaceGate(uuid.UUID(account), limits, lane=0)
            gate.ahead = 0.25
            try:
                gate.before_request(Request("GET", ""))
                gate.before_bytes()
            except NotSent:
                time.sleep(gate.ask_again_in or 0)
            else:
                return

    return wait


def limits_moving_window(account: str, limit: str) -> Callable[[], None]:
    """`limits`: moving window in Redis, asked again after the time it names."""
    from limits import RateLimitItemPerSecond
    from limits.storage import RedisStorage
    from limits.strategies import MovingWindowRateLimiter

    limiter = MovingWindowRateLimiter(RedisStorage(os.environ["TCP_REDIS"]))
    item = RateLimitItemPerSecond(limit_of(limit).calls, int(limit_of(limit).seconds))

    def wait() -> None:
        while not limiter.hit(item, account):
            time.sleep(max(limiter.get_window_stats(item, account).reset_time - time.time(), 0.005))

    return wait


def pyrate(account: str, limit: str) -> Callable[[], None]:
    """`pyrate-limiter`: sliding log in Redis, blocking."""
    import redis
    from pyrate_limiter import Limiter, Rate, RedisBucket

    rates = [Rate(limit_of(limit).calls, int(limit_of(limit).seconds * 1000))]
    limiter = Limiter(RedisBucket.init(rates, redis.Redis.from_url(os.environ["TCP_REDIS"]), account))
    return lambda: limiter.try_acquire("call") and None


PACERS = {
    "none": nothing,
    "own": own,
    "no-redis": own,
    "redis-stops": own,
    "limits": limits_moving_window,
    "pyrate-limiter": pyrate,
}


def client(pacer: str, account: str, limit: str, port: int, left: Any, start: Any) -> None:
    """Send until no request is left."""
    wait = PACERS[pacer](account, limit)

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while True:
            with left.get_lock():
                if left.value <= 0:
                    return
                left.value -= 1
            while True:
                wait()
                connection.request("GET", "/")
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    break
                time.sleep(float(answer.headers["Retry-After"]))

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    start.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure(pacer: str, limit: str) -> tuple[int, float]:
    """Return the refusals, and the seconds for all requests over the least possible."""
    from tools import servers

    refused, left = multiprocessing.Value("i", 0), multiprocessing.Value("i", REQUESTS)
    # When the vendor let the first request pass, and the last.
    span = multiprocessing.Array("d", 2)
    told: multiprocessing.Queue = multiprocessing.Queue()
    server = multiprocessing.Process(target=vendor, args=(limit, told, refused, span), daemon=True)
    server.start()
    account, start = new_account(), multiprocessing.Barrier(PROCESSES + 1)
    with contextlib.ExitStack() as running:
        url = "unix:///nowhere/valkey.sock"
        if pacer != "no-redis":
            url = running.enter_context(servers.valkey())
        os.environ |= {"REDIS_URL": url, "TCP_REDIS": url}
        arguments = (pacer, account, limit, told.get(), left, start)
        clients = [multiprocessing.Process(target=client, args=arguments) for _ in range(PROCESSES)]
        for process in clients:
            process.start()
        start.wait()
        if pacer == "redis-stops":
            while left.value > REQUESTS / 2:
                time.sleep(0.05)
            running.close()
        for process in clients:
            process.join()
    server.terminate()
    return refused.value, (span[1] - span[0]) / least(limit, span[0])


def least(limit: str, began: float) -> float:
    """Return the seconds between the first request and the last that the vendor allows at best."""
    one = limit_of(limit)
    windows = math.ceil(REQUESTS / one.calls) - 1
    return windows * one.seconds - (began % one.seconds if one.is_fixed else 0.0)


def new_account() -> str:
    """Make an account, whose row the pace needs, and return its id."""
    from crmhub.models import Connection

    name = f"Vendor {uuid.uuid4()}"
    return str(Connection.objects.create(provider="highlevel", name=name, created_at=datetime.now(UTC)).pk)


def cost() -> None:
    """Print what one slot costs, of whoever keeps the pace."""
    from crmhub.sync import pace

    def series(limit: str) -> tuple[float, float]:
        account, limits, took = uuid.UUID(new_account()), (limit_of(limit),), []
        for _ in range(1000):
            began = time.perf_counter()
            for _ in range(3):
                assert pace.reserve(account, limits).delays
            took.append((time.perf_counter() - began) / 3 * 1e6)
        return min(took), statistics.median(took)

    print("Redis      least {:.0f}, median {:.0f} µs".format(*series("100000/10")))
    pace.stay_away(3600)
    print("the row    least {:.0f}, median {:.0f} µs".format(*series("100000/10")))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rounds", help="how many rounds, or cost")
    parser.add_argument("--limit", default="100/5")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--pacers", nargs="+", choices=list(PACERS), default=["none", "own"])
    chosen = parser.parse_args()

    from config import keys
    from tools import servers

    os.environ |= {name: make() for name, make in keys.MAKERS.items()}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "ENV_FILE": os.devnull}
    with contextlib.ExitStack() as running:
        os.environ["VAR_DIR"] = running.enter_context(tempfile.TemporaryDirectory())
        if chosen.database == "postgres":
            os.environ["DATABASE_URL"] = running.enter_context(servers.postgres())
        os.environ["REDIS_URL"] = running.enter_context(servers.valkey())
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        if chosen.rounds == "cost":
            cost()
            return
        found: dict[str, list[tuple[int, float]]] = {pacer: [] for pacer in chosen.pacers}
        # In turns, so that whatever else this machine does meets all of them alike.
        for _ in range(int(chosen.rounds)):
            for pacer, rounds in found.items():
                rounds.append(measure(pacer, chosen.limit))
    for pacer, rounds in found.items():
        refusals = ", ".join(str(count) for count, _ in rounds)
        times = ", ".join(f"{took:.3f}" for _, took in sorted(rounds, key=lambda one: one[1]))
        print(f"{pacer:15} refused {refusals:18} time ÷ least {times}")


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
