"""A vendor's JSON over HTTP, as its provider speaks it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from providers.error_cases import Answer, Case, classify
from providers.http import FORM, Request, Transport
from providers.storable import json_fit_for_storage


class JsonApi:
    """One vendor's JSON over HTTP: where it lives, what every request carries, and what its refusals mean."""

    def __init__(
        self,
        transport: Transport,
        *,
        vendor: str,
        base_url: str,
        headers: Mapping[str, str],
        cases: Iterable[Case],
    ) -> None:
        """`cases` are this vendor's rows; those for every vendor follow them."""
        self._transport = transport
        self._vendor = vendor
        self._base_url = base_url.rstrip("/")
        self._headers = headers
        self._cases = tuple(cases)

    def call(
        self,
        method: str,
        path: str,
        *,
        json_body: object = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        writes: bool | None = None,
        budget: str = "all",
    ) -> Answer:
        """Send and return a good answer; raises the `ProviderError` that the answer means. The body is `json_body`, or `form` as a web form.

        `writes` is True for every method but GET unless told otherwise (a search by POST, a GET that changes something).
        A good answer whose body is not JSON is `Unconfirmed` for a write and `Transient` for a read; an empty one is None.
        """
        writes = method != "GET" if writes is None else writes
        request = Request(
            method=method,
            url=self._base_url + path + (f"?{urlencode(query, doseq=True)}" if query else ""),
            headers={
                "Accept": "application/json",
                **({"Content-Type": "application/json"} if json_body is not None else {}),
                **({"Content-Type": FORM} if form is not None else {}),
                **self._headers,
                **(headers or {}),
            },
            body=urlencode(form).encode() if form is not None else _json(json_body),
            writes=writes,
            budget=budget,
        )
        response = self._transport.send(request)
        answer = Answer(response.status, response.headers, *_parse(response.body), response.redact)
        error = classify(answer, self._cases, vendor=self._vendor, writes=writes)
        response.judged(error)
        if error is not None:
            error.request_id = error.request_id or answer.as_error(None).headers.get("x-request-id", "")
            raise error
        return answer


def _json(body: object) -> bytes | None:
    return None if body is None else json.dumps(body).encode()


def _parse(body: bytes) -> tuple[Any, bool]:
    """Return the JSON in the body, fit for storage, and whether it could be read; an empty body reads as None."""
    if not body.strip():
        return None, True
    try:
        return json_fit_for_storage(json.loads(body.decode("utf-8-sig", "replace"))), True
    except (ValueError, RecursionError):
        return None, False
