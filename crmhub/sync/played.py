"""The way to a playback: what a recorded attempt sends goes there, and meets what it met then."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from urllib.parse import urlsplit

from crmhub.sync.credentials import over_defaults
from crmhub.sync.readback import Opened
from crmhub.sync.recorded import Intent, Told
from providers.base import Provider
from providers.capabilities import Capabilities
from providers.errors import NotSent, Permanent, ProviderError, Rejected, Unauthorized
from providers.http import Gate, HttpTransport, Recorder, Request, Response
from providers.registry import capabilities, provider_class
from providers.simulator.playback import Playback
from providers.simulator.server import Reply, Server
from providers.types import Account

# What the hub itself refused before anything was sent; it hangs on credentials and hosts, which are not recorded.
_REFUSED_HERE: dict[str, type[ProviderError]] = {
    "permanent": Permanent,
    "rejected": Rejected,
    "unauthorized": Unauthorized,
}


class AskedForMore(BaseException):
    """A request that was not made then. No `Exception`, so that no provider takes it for an answer."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.line = f"{request.method} {request.url}"


class Stage:
    """A playback on a port of this machine, and a port on which nobody answers. Use it as a context manager."""

    def __init__(self) -> None:
        """Take the ports."""
        self._playback = Playback()
        self._server = Server(self._playback)
        self._http = HttpTransport((), any_host=True)
        # Bound and not listening: whoever connects there is refused, and nobody else gets the port.
        self._nobody = socket.socket()
        self._nobody.bind(("127.0.0.1", 0))

    def __enter__(self) -> Stage:
        """Begin to answer."""
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop answering."""
        self._http.close()
        self._server.stop()
        self._nobody.close()

    def opens(self, provider: str, intent: Intent, answers: Sequence[Told]) -> Opened:
        """Return what opens the account as it was then; whatever it is asked, it gives these answers, once each and in order."""
        left = deque(answers)

        def opened(gate: Gate) -> tuple[Provider, Recorder]:
            account = _account(capabilities(provider), intent)
            recorder = Recorder(_Way(self, left), secrets=account.secrets.values(), gate=gate)
            return provider_class(provider)(account, recorder), recorder

        return opened

    def send(self, request: Request, told: Told) -> Response:
        """Send the request to the playback and return the answer that is told; raises the error that came then in place of one."""
        if told.status is None and told.kept.error not in ("transient", "unconfirmed"):
            raise _REFUSED_HERE.get(told.kept.error, RuntimeError)(told.kept.detail)
        self._playback.load([_reply(told)])
        # Of a write whose answer is lost nobody knows; of one that failed otherwise, the CRM was not even reached.
        was_reached = told.status is not None or not request.writes or told.kept.error == "unconfirmed"
        try:
            return self._http.send(replace(request, url=self._moved(request.url, is_there=was_reached)))
        except ProviderError as error:
            if told.status is None:
                # How the network failed is a part of what came over it, and so are its words.
                error.detail, error.args = told.kept.detail, (told.kept.detail,)
            raise

    def _moved(self, url: str, *, is_there: bool) -> str:
        host, port = self._nobody.getsockname()
        base = self._server.url if is_there else f"http://{host}:{port}"
        parts = urlsplit(url)
        return f"{base}{parts.path}" + (f"?{parts.query}" if parts.query else "")


class _Way:
    """A transport that ends at the playback."""

    def __init__(self, stage: Stage, left: deque[Told]) -> None:
        self._stage = stage
        self._left = left

    def send(self, request: Request) -> Response:
        if not self._left:
            raise AskedForMore(request)
        return self._stage.send(request, self._left.popleft())


def _reply(told: Told) -> Reply | None:
    return None if told.status is None else Reply(told.status, told.body.encode(), told.kept.headers)


def _account(can: Capabilities, intent: Intent) -> Account:
    names = {one.name for one in can.secrets} | {"access_token", "refresh_token"}
    return Account(
        # Nobody looks at them; but they must not look like anything that could stand in a task.
        secrets={name: f"no-secret-{name}-2f6b1c" for name in names},
        settings=over_defaults(intent.settings, can, zone=intent.zone),
        learned=intent.learned,
        base_url=intent.base_url,
    )


class PlayedGate:
    """Lets as many requests pass as did then; whether the next one was held back then, `held` says: with these words."""

    def __init__(self, passed: int, *, held: str | None = None, ask_again_in: float | None = None) -> None:
        """`ask_again_in` is what it tells of when to come back."""
        self._left = passed
        self._held = held
        self.ask_again_in = ask_again_in

    def before_request(self, request: Request) -> None:
        """Raise what the gate raised then. Raises `AskedForMore` where nothing was held back."""
        if self._left:
            self._left -= 1
        elif self._held is None:
            raise AskedForMore(request)
        else:
            raise NotSent(self._held)

    def after_answer(self, request: Request, headers: Mapping[str, str], error: ProviderError | None) -> None:
        """Learn nothing: the rate of a playback is nobody's."""

    def before_bytes(self) -> None:
        """Let the request leave."""
