"""Proving that an inbound request comes from the vendor: HMAC, Ed25519, RSA and a shared secret, each compared in constant time.

Every check returns nothing and raises `InvalidSignature` in words that hold neither the secret nor the signature that would be right.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature as _Mismatch
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from providers.errors import InvalidSignature

CLOCK_TOLERANCE = timedelta(minutes=5)  # that a delivery's own time may differ from ours, either way


def check_hmac(signature: str, *, secret: str, signed: bytes, encoding: str = "hex") -> None:
    """Require `signature` to be the HMAC-SHA256 of `signed`, written in hex or base64."""
    _require(secret, "the secret that webhooks are signed with is not known here")
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    right = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    given = signature.strip().lower() if encoding == "hex" else signature.strip()
    _require(hmac.compare_digest(_bytes(given), _bytes(right)), "the signature does not fit")


def check_shared_secret(given: str, *, secret: str) -> None:
    """Require a header to hold the secret itself: it proves who sends, not what is sent."""
    _require(secret, "the secret that webhooks carry is not known here")
    _require(hmac.compare_digest(_bytes(given), _bytes(secret)), "the secret in it is not ours")


def check_ed25519(signature: str, *, public_key: str, signed: bytes) -> None:
    """Require `signature`, in base64, to be made over `signed` with the private half of this PEM key."""
    key = _key(public_key)
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise InvalidSignature("the key that webhooks are checked with is not an Ed25519 key")
    try:
        key.verify(_decoded(signature), signed)
    except _Mismatch as error:
        raise InvalidSignature("the signature does not fit") from error


def check_rsa(signature: str, *, public_key: str, signed: bytes) -> None:
    """Require `signature`, in base64, to be RSA PKCS#1 v1.5 with SHA-256 over `signed`, by the private half of this PEM key."""
    key = _key(public_key)
    if not isinstance(key, rsa.RSAPublicKey):
        raise InvalidSignature("the key that webhooks are checked with is not an RSA key")
    try:
        key.verify(_decoded(signature), signed, padding.PKCS1v15(), hashes.SHA256())
    except _Mismatch as error:
        raise InvalidSignature("the signature does not fit") from error


def check_recent(
    sent_at: datetime | None, *, received_at: datetime, tolerance: timedelta = CLOCK_TOLERANCE
) -> None:
    """Require a delivery to say when it was sent, and that to be now: an old one is a recording played again.

    `tolerance` is how old it may be. One of the future differs by the clocks alone, by `CLOCK_TOLERANCE` at most.
    """
    is_recent = sent_at is not None and -CLOCK_TOLERANCE <= received_at - sent_at <= tolerance
    _require(is_recent, "it was not sent just now")


def _bytes(text: str) -> bytes:
    # A header may hold anything, half a character too; it is wrong then, and no reason to fall over.
    return text.encode("utf-8", "surrogatepass")


def _key(pem: str) -> object:
    try:
        return serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidSignature("the key that webhooks are checked with cannot be read") from error


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSignature("the signature is not base64") from error


def _require(holds: object, otherwise: str) -> None:
    if not holds:
        raise InvalidSignature(f"Not proven to come from the CRM: {otherwise}.")
