"""Reading the answer to a batch: which item it speaks of, and what it says. Never by position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from providers.error_cases import Answer, vendor_words
from providers.errors import ProviderError, RateLimited, Unauthorized, Unconfirmed
from providers.hubspot.error_cases import error_inside
from providers.hubspot.payloads import KEY_PROPERTY
from providers.types import Outcome

MOST = 100  # inputs in one batch of tasks
Item = TypeVar("Item")
Verdict = Mapping[str, Any] | ProviderError


def verdicts(answer: Answer, asked: Iterable[str]) -> dict[str, Verdict]:
    """Return for each name asked the record that answers it, or the error.

    `asked` are the trace ids of the inputs. A name that the answer does not mention is `Unconfirmed`: it may have landed.
    """
    body = answer.json if isinstance(answer.json, Mapping) else {}
    told: dict[str, Verdict] = {}
    for error in _mappings(body.get("errors")):
        meaning = error_inside(Answer(answer.status, answer.headers, error), vendor_words(error))
        told.update(dict.fromkeys(_names_in_error(error), meaning))
    for record in _mappings(body.get("results")):
        told.update(dict.fromkeys(_names_of(record), record))
    silent = Unconfirmed(
        "HubSpot's answer does not mention this task; it may have landed.", status=answer.status
    )
    return {name: told.get(name, silent) for name in asked}


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in (value if isinstance(value, list) else ()) if isinstance(one, Mapping))


def _names_of(record: Mapping[str, Any]) -> Iterator[str]:
    if "id" not in record:
        return
    named = (
        record.get("objectWriteTraceId"),
        (record.get("properties") or {}).get(KEY_PROPERTY),
        record["id"],
    )
    yield from (str(name) for name in named if name)


def _names_in_error(error: Mapping[str, Any]) -> Iterator[str]:
    contexts = [
        error.get("context") or {},
        *(one.get("context") or {} for one in _mappings(error.get("errors"))),
    ]
    for context in contexts:
        for key in ("objectWriteTraceId", "ids", "id"):
            named = context.get(key) or ()
            yield from (str(name) for name in ([named] if isinstance(named, str) else named))


def in_batches(
    items: Sequence[Item], send: Callable[[Sequence[Item]], Sequence[Outcome]]
) -> tuple[Outcome, ...]:
    """Return the outcomes of all items, sent by the hundred; an error of the whole account is that of all that follow, unsent."""
    outcomes: list[Outcome] = []
    for start in range(0, len(items), MOST):
        chunk = items[start : start + MOST]
        stopped = outcomes[-1].error if outcomes else None
        if isinstance(stopped, (RateLimited, Unauthorized)):
            outcomes.extend([Outcome(error=stopped)] * len(chunk))
        else:
            outcomes.extend(send(chunk))
    return tuple(outcomes)
