"""Learning whether a workspace takes PATCH and DELETE on tasks, which the pages do not say, without touching anybody's task.

Both are tried on a task that nobody has. A workspace with the call says of it what it says to a GET, that there is no such task; one
without it says what it says of a path that it does not have, or 405.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from providers.errors import Permanent, ProviderError, RateLimited, Unauthorized
from providers.json_api import JsonApi

NOBODYS = "00000000-0000-4000-8000-000000000000"
CHANGES, DELETES = (
    "changes_tasks",
    "deletes_tasks",
)  # what is learned: True, False, or None where the answers do not tell
LEARNED_BY = {"PATCH": CHANGES, "DELETE": DELETES}
_NO_SUCH_CALL = (405, 501)
_VALUES_REFUSED = (400, 422)
_OF_THE_REQUEST = re.compile(r"/\S+|\b(GET|PATCH|DELETE)\b")


class _Said(NamedTuple):
    """An answer without what differs from request to request."""

    status: int | None
    words: str


def learn_calls(api: JsonApi) -> dict[str, bool | None]:
    """Return what is learned, by four calls. Raises `Unauthorized`, and `Transient` where a question was not answered."""
    no_task = _said(api, "GET", f"/v1/tasks/{NOBODYS}")
    no_path = _said(api, "PATCH", f"/v1/no-such-path/{NOBODYS}")
    return {
        name: _is_there(_said(api, method, f"/v1/tasks/{NOBODYS}"), no_task, no_path)
        for method, name in LEARNED_BY.items()
    }


def _said(api: JsonApi, method: str, path: str) -> _Said:
    try:
        # Nobody has the task, so nothing is written: a check that changes nothing may ask.
        answer = api.call(method, path, json_body={} if method == "PATCH" else None, writes=False)
    except (Unauthorized, RateLimited):
        raise
    except ProviderError as error:
        if not isinstance(error, Permanent) and (method == "GET" or error.status is None):
            raise
        return _Said(error.status, _without_request(error))
    return _Said(answer.status, "")


def _without_request(error: ProviderError) -> str:
    return " ".join(_OF_THE_REQUEST.sub("", error.detail).split())


def _is_there(said: _Said, no_task: _Said, no_path: _Said) -> bool | None:
    if said.status in _NO_SUCH_CALL:
        return False
    if said.status in _VALUES_REFUSED and no_path.status not in _VALUES_REFUSED:
        # The values are looked at before the task is: the call is there.
        return True
    if no_task == no_path:
        return None
    return True if said == no_task else False if said == no_path else None
