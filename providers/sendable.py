"""What cannot go out as HTTP is refused in words before anything is opened.

The HTTP library would refuse it too: with a traceback, and for a header with the header's value in it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from providers.errors import Permanent, Unauthorized

_LONGEST_HOST = 253  # characters (RFC 1035, section 2.3.4)
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)
_LOGIN = re.compile(r"//[^/?#]*@")


def refuse_unsendable(headers: Mapping[str, str]) -> None:
    """Raise `Unauthorized` for a header that cannot be sent, without repeating it.

    Only the values that hold credentials come from people as free text, so it is those that have to be pasted again.
    """
    if not all(map(_is_sendable, headers.values())):
        raise Unauthorized("The credentials hold a character that cannot be sent. Paste them again.")


def split_address(url: str) -> SplitResult:
    """Return the parts of a URL; its port can be read. Raises `Permanent` when it cannot be taken apart."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _not_callable(url) from None
    return parts


def refuse_uncallable(url: str) -> None:
    """Raise `Permanent` for a URL without a host that can exist, with a login, or with characters that no URL has."""
    parts = split_address(url)
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if not is_plain or "@" in parts.netloc or not _is_host(parts.hostname or ""):
        raise _not_callable(url)


def without_login(url: str) -> str:
    """Return the URL without the name and password before its host."""
    return _LOGIN.sub("//", url)


def _is_sendable(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()


def _is_host(host: str) -> bool:
    if ":" not in host:
        return len(host) <= _LONGEST_HOST and _HOST.fullmatch(host) is not None
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _not_callable(url: str) -> Permanent:
    address = without_login(url.split("?", maxsplit=1)[0])
    # What cannot be seen, such as a byte-order mark, is spelled out.
    shown = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in address)
    return Permanent(
        f"The address {shown} is not one that can be called. Correct the base URL of this connection."
    )
