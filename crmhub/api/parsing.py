"""Reading a request's body: JSON only, of a decent size, and nothing that could be taken in two ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

LARGEST_BODY = 1_000_000  # bytes


class BodyTooLarge(APIException):
    """The body is larger than the API takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"The body is larger than {LARGEST_BODY:,} bytes."
    default_code = "body_too_large"


class LengthRequired(APIException):
    """The body comes in chunks, and nobody said how long it is."""

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send the body with a Content-Length; chunked bodies are not read."
    default_code = "length_required"


def refuse_odd_size(request: Request) -> None:
    """Raise `BodyTooLarge` or `LengthRequired` before a byte of the body is read."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
        raise LengthRequired
    if length.isdigit() and int(length) > LARGEST_BODY:
        raise BodyTooLarge


class StrictJSONParser(BaseParser):
    """Reads JSON as RFC 8259 has it: no NaN, no name twice in one object."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return what the body says. Raises `ParseError` in words."""
        try:
            text = stream.read(LARGEST_BODY + 1).decode("utf-8")
            return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
        except UnicodeDecodeError as error:
            raise ParseError("The body is not UTF-8.") from error
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}.") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:100]!r} stands twice in one object")
    return read


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")
