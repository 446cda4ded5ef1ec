"""Public ids: UUIDs that grow with time, so that new rows land beside each other in the index."""

from __future__ import annotations

import hashlib
import os
import time
import uuid

HALF = (1 << 64) - 1  # the bits of an id behind its time


def new_id() -> uuid.UUID:
    """Return a version 7 UUID (RFC 9562, section 5.7): 48 bits of Unix milliseconds, the rest chance."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return _with_variant(value)


def link_id(subject: uuid.UUID, connection: uuid.UUID) -> uuid.UUID:
    """Return the id of the link between a task or contact and a connection: always the same for the same two.

    Its first half is the subject's, so it grows with time as that does and tells between which ids the subject lies (`subjects_of`); the
    second half is a digest of both.
    """
    digest = hashlib.blake2b(subject.bytes + connection.bytes, digest_size=8, person=b"crmhub link")
    return _with_variant(subject.int & ~HALF | int.from_bytes(digest.digest(), "big"))


def subjects_of(link: uuid.UUID) -> tuple[uuid.UUID, uuid.UUID]:
    """Return the first and the last id that the subject of a link with this id may have, if `link_id` made it."""
    first = link.int & ~HALF
    return uuid.UUID(int=first), uuid.UUID(int=first | HALF)


def _with_variant(value: int) -> uuid.UUID:
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
