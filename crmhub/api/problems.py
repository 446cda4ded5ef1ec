"""Errors as RFC 9457 problems: what is wrong in words, and per field where there are fields."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError as FieldsRefused
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template import loader
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from crmhub.services import StaleVersion

MEDIA_TYPE = "application/problem+json"
LONGEST_MESSAGE = 500  # characters; a message may repeat what was sent
# Under these names frameworks file what is wrong with the whole rather than with one field.
TAKES_NO_WRITES = "25006"  # PostgreSQL's code for it
WHOLE = ("non_field_errors", "__all__", "detail")


class Stale(exceptions.APIException):
    """`If-Match` names another version than the present one."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "Somebody changed it meanwhile: read it again and repeat your change."
    default_code = "stale_version"


class ManyAtOnce(exceptions.APIException):
    """What is asked for is more than the hub does without being told that it is meant."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "These are many at once; nothing was done. Send `confirmed` as well to do it."
    default_code = "many_at_once"


class Unavailable(exceptions.APIException):
    """The database does not answer, is busy for longer than we wait, is full, or takes no writes."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The database does not answer now; nothing was changed. Try again in a moment."
    default_code = "unavailable"


def answer_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the problem that the error is answered with; None for one that nobody foresaw."""
    error = _in_words_of_the_framework(error)
    response = exception_handler(error, context)
    if response is None:
        return None
    response.data = problem(response.status_code, code=_code(error), said=_said(error, response))
    response.content_type = MEDIA_TYPE
    return response


def problem(code_of_status: int, *, code: str, said: Any) -> dict[str, Any]:
    """Return the body of a problem. `said` is a text, or texts by field, nested as serializers nest them."""
    errors = fields_of(said) if isinstance(said, Mapping | list) else {}
    whole = [text for name in WHOLE for text in errors.pop(name, [])]
    if not isinstance(said, Mapping | list):
        whole = [_shown(said)]
    detail = " ".join(whole) or f"Refused: {', '.join(errors)}."
    title = HTTPStatus(code_of_status).phrase
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": code_of_status,
        "code": code,
        "detail": detail,
    }
    return {**body, "errors": errors} if errors else body


def fields_of(said: Any) -> dict[str, list[str]]:
    """Return texts by field; what stands deeper says in words where it stands."""
    if isinstance(said, list):
        return {"non_field_errors": _texts(said)}
    return {_shown(name): _texts(texts) for name, texts in said.items()}


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer an address that does not exist: a problem below /api/, the usual page elsewhere."""
    if request.path.startswith("/api/"):
        return _plain(status.HTTP_404_NOT_FOUND, "not_found", f"There is nothing at {request.path[:200]}.")
    return defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that Django itself refuses."""
    if request.path.startswith("/api/"):
        return _plain(status.HTTP_400_BAD_REQUEST, "bad_request", "The request cannot be read.")
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer what nobody foresaw, and on a page that the database is away; the log has the details, the answer has none."""
    is_unavailable = _is_of_the_database(sys.exc_info()[1])
    if request.path.startswith("/api/"):
        if is_unavailable:
            return _plain(Unavailable.status_code, Unavailable.default_code, Unavailable.default_detail)
        text = "The hub failed at this. Nothing was changed; the failure is in its log."
        return _plain(status.HTTP_500_INTERNAL_SERVER_ERROR, "server_error", text)
    if is_unavailable:
        # Without the request: the usual pages ask the database who is looking at them.
        return HttpResponse(loader.render_to_string("503.html"), status=Unavailable.status_code)
    return defaults.server_error(request)


def _plain(code_of_status: int, code: str, text: str) -> JsonResponse:
    body = problem(code_of_status, code=code, said=text)
    return JsonResponse(body, status=code_of_status, content_type=MEDIA_TYPE)


def _in_words_of_the_framework(error: Exception) -> Exception:
    if isinstance(error, FieldsRefused):
        by_field = error.message_dict if hasattr(error, "error_dict") else {"detail": error.messages}
        return exceptions.ValidationError(by_field)
    if isinstance(error, StaleVersion):
        return Stale(str(error))
    if _is_of_the_database(error):
        return Unavailable()
    return error


def _is_of_the_database(error: BaseException | None) -> bool:
    is_away = isinstance(error, OperationalError | InterfaceError)
    return is_away or getattr(error and error.__cause__, "sqlstate", "") == TAKES_NO_WRITES


def _code(error: Exception) -> str:
    if isinstance(error, exceptions.ValidationError):
        return "invalid"
    code = error.get_codes() if isinstance(error, exceptions.APIException) else "not_found"
    return code if isinstance(code, str) else "invalid"


def _said(error: Exception, response: Response) -> Any:
    if isinstance(error, exceptions.APIException):
        return error.detail
    return response.data.get("detail", "")


def _texts(said: Any) -> list[str]:
    if isinstance(said, Mapping):
        return [f"{_place(name)}: {text}" for name, below in said.items() for text in _texts(below)]
    if isinstance(said, list):
        # Of many things that were sent, those that are well have an empty place.
        placed = [
            {number: below} if isinstance(below, Mapping) else below for number, below in enumerate(said)
        ]
        return [text for below in placed for text in _texts(below)]
    return [_shown(said)]


def _place(name: Any) -> str:
    return f"item {name + 1}" if isinstance(name, int) else _shown(name)


def _shown(text: Any) -> str:
    """Return the text cut, and without the half characters that JSON can name and UTF-8 cannot hold."""
    return str(text)[:LONGEST_MESSAGE].encode("utf-8", "replace").decode()
