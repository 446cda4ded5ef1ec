"""The sockets under `HttpTransport`: each read and write ends at the deadline of the whole call, and connections lead to public addresses."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpcore2


class Call(threading.local):
    """What the socket layer must know of the call that this thread is making."""

    deadline: float = 0.0
    before_bytes: Callable[[], None] | None = None
    has_written: bool = False


this_call = Call()


class _DeadlineStream(httpcore2.NetworkStream):
    """A socket whose every read and write ends at the call's deadline: a vendor that drips bytes cannot stretch it."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _time_left(httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer and not this_call.has_written:
            if this_call.before_bytes is not None:
                this_call.before_bytes()
            this_call.has_written = True
        self._inner.write(buffer, _time_left(httpcore2.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _time_left(httpcore2.ConnectTimeout)
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class DeadlineBackend(httpcore2.SyncBackend):
    """Opens connections within the deadline, with `public_only` to public addresses alone."""

    def __init__(self, *, public_only: bool) -> None:
        """Open nothing yet."""
        self._public_only = public_only

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        # The address that was checked is the one connected to; asking the resolver twice would let it
        # answer differently the second time.
        address = _public_address(host, port) if self._public_only else host
        left = _time_left(httpcore2.ConnectTimeout)
        return _DeadlineStream(
            super().connect_tcp(address, port, left, *args[1:], **_without_timeout(kwargs))
        )


def _without_timeout(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name != "timeout"}


def _time_left(too_late: type[httpcore2.TimeoutException]) -> float:
    left = this_call.deadline - time.monotonic()
    if left <= 0:
        raise too_late("the deadline of the whole call has passed")
    return left


def _public_address(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"the name {host} is not known") from error
    for *_rest, address in found:
        if not ipaddress.ip_address(address[0]).is_global:
            raise httpcore2.ConnectError(f"the name {host} leads to a private address")
    return str(found[0][4][0])
