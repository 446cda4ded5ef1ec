"""Four processes of four threads share one rate: how many requests a vendor refuses, and how long 500 of them take.

Not part of the hub. Run it from the checkout, in a virtual environment that has the hub's packages and also `limits` and `pyrate-limiter`:

    python bench/compare_pacers.py 3

The vendor is a server on this machine that allows 100 requests in any 5 seconds (`providers.simulator.windows.Window`) and answers after
50 ms. Whoever is refused waits as long as `Retry-After` says and tries again. 500 requests cannot take less than 20 seconds.
"""

# ruff: noqa: PLC0415 — each pacer imports what it alone needs, once the settings stand
from __future__ import annotations

import http.client
import multiprocessing
import os
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

CALLS, SECONDS, REQUESTS = 100, 5.0, 500
PROCESSES, THREADS = 4, 4


def vendor(port: multiprocessing.Queue, refused: object, span: object) -> None:
    """Serve one account with a true sliding window."""
    from providers.capabilities import Limit
    from providers.simulator.windows import Window

    window, lock = Window(Limit(CALLS, SECONDS)), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            now = time.monotonic()
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


def nothing(_: str) -> Callable[[], None]:
    """No limiter: obey Retry-After only."""
    return lambda: None


def own(account: str) -> Callable[[], None]:
    """The hub's: reserve a slot, sleep until it comes."""
    import django

    django.setup()
    from crmhub.sync.pace import reserve
    from providers.capabilities import Limit

    def wait() -> None:
        while True:
            slots = reserve(uuid.UUID(account), [Limit(CALLS, SECONDS)], ahead=0.25)
            if slots.delays:
                time.sleep(slots.delays[0])
                return
            time.sleep(slots.ask_again_in or 0)

    return wait


def limits_moving_window(account: str) -> Callable[[], None]:
    """`limits`: moving window in Redis, asked again after the time it names."""
    from limits import RateLimitItemPerSecond
    from limits.storage import RedisStorage
    from limits.strategies import MovingWindowRateLimiter

    limiter = MovingWindowRateLimiter(RedisStorage(os.environ["TCP_REDIS"]))
    item = RateLimitItemPerSecond(CALLS, int(SECONDS))

    def wait() -> None:
        while not limiter.hit(item, account):
            time.sleep(max(limiter.get_window_stats(item, account).reset_time - time.time(), 0.005))

    return wait


def pyrate(account: str) -> Callable[[], None]:
    """`pyrate-limiter`: sliding log in Redis, blocking."""
    import redis
    from pyrate_limiter import Limiter, Rate, RedisBucket

    rates = [Rate(CALLS, int(SECONDS * 1000))]
    limiter = Limiter(RedisBucket.init(rates, redis.Redis.from_url(os.environ["TCP_REDIS"]), account))
    return lambda: limiter.try_acquire("call") and None


PACERS = {"none": nothing, "own": own, "limits": limits_moving_window, "pyrate-limiter": pyrate}


def client(pacer: str, account: str, port: int, left: object, start: object) -> None:
    """Send until no request is left."""
    wait = PACERS[pacer](account)

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


def measure(pacer: str) -> tuple[int, float]:
    """Return the refusals, and the seconds for all requests over the least possible."""
    refused, left = multiprocessing.Value("i", 0), multiprocessing.Value("i", REQUESTS)
    # When the vendor let the first request pass, and the last.
    span = multiprocessing.Array("d", 2)
    told: multiprocessing.Queue = multiprocessing.Queue()
    server = multiprocessing.Process(target=vendor, args=(told, refused, span), daemon=True)
    server.start()
    account, start = str(uuid.uuid4()), multiprocessing.Barrier(PROCESSES + 1)
    arguments = (pacer, account, told.get(), left, start)
    clients = [multiprocessing.Process(target=client, args=arguments) for _ in range(PROCESSES)]
    for process in clients:
        process.start()
    start.wait()
    for process in clients:
        process.join()
    server.terminate()
    return refused.value, (span[1] - span[0]) / ((REQUESTS / CALLS - 1) * SECONDS)


def main() -> None:
    from config import keys
    from tools import servers

    os.environ |= {name: make() for name, make in keys.MAKERS.items()}
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENV_FILE": os.devnull,
        "VAR_DIR": tempfile.gettempdir(),
    }
    with servers.valkey() as url:
        os.environ |= {"REDIS_URL": url, "TCP_REDIS": url}
        found: dict[str, list[tuple[int, float]]] = {pacer: [] for pacer in sys.argv[2:] or PACERS}
        # In turns, so that whatever else this machine does meets all of them alike.
        for _ in range(int(sys.argv[1])):
            for pacer, rounds in found.items():
                rounds.append(measure(pacer))
    for pacer, rounds in found.items():
        refusals = ", ".join(str(count) for count, _ in rounds)
        times = ", ".join(f"{took:.2f}" for _, took in sorted(rounds, key=lambda one: one[1]))
        print(f"{pacer:15} refused {refusals:18} time ÷ least {times}")


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
