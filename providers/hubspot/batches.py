"""Reading the answer to a batch: which item it speaks of, and what it says. Never by position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from providers.error_cases import Answer, vendor_words
from providers.errors import (
    Conflict,
    NotFound,
    NotSent,
    ProviderError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unconfirmed,
)
from providers.hubspot.error_cases import error_inside
from providers.hubspot.json_shapes import mapping, mappings
from providers.hubspot.json_shapes import words as words_in
from providers.hubspot.payloads import KEY_PROPERTY
from providers.types import Outcome

MOST = 100  # inputs in one batch of tasks
OF_AN_ITEM = (Rejected, NotFound, Conflict)  # errors that say something of what was sent
Item = TypeVar("Item")
Verdict = Mapping[str, Any] | ProviderError


def verdicts(answer: Answer, asked: Iterable[str]) -> dict[str, Verdict]:
    """Return for each name asked the record that answers it, or the error.

    `asked` are the trace ids of the inputs. A name that the answer does not mention is `Unconfirmed`: it may have landed.
    """
    body = mapping(answer.json)
    told: dict[str, Verdict] = {}
    for error, meaning in errors_in(answer):
        told.update(dict.fromkeys(_names_in_error(error), meaning))
    for record in mappings(body.get("results")):
        told.update(dict.fromkeys(_names_of(record), record))
    silent = Unconfirmed(
        "HubSpot's answer does not mention this task; it may have landed.", status=answer.status
    )
    return {name: told.get(name, silent) for name in asked}


def errors_in(answer: Answer) -> Iterator[tuple[Mapping[str, Any], ProviderError]]:
    """Yield each error inside the answer to a batch, with what it means."""
    for error in mappings(mapping(answer.json).get("errors")):
        refused = answer.as_error(error)
        yield error, error_inside(refused, vendor_words(refused.json))


def _names_of(record: Mapping[str, Any]) -> Iterator[str]:
    if "id" not in record:
        return
    named = (
        record.get("objectWriteTraceId"),
        mapping(record.get("properties")).get(KEY_PROPERTY),
        record["id"],
    )
    yield from (str(name) for name in named if name)


def _names_in_error(error: Mapping[str, Any]) -> Iterator[str]:
    contexts = [mapping(one.get("context")) for one in (error, *mappings(error.get("errors")))]
    for context in contexts:
        for key in ("objectWriteTraceId", "ids", "id"):
            yield from words_in(context.get(key))


Stops = Callable[[Sequence[Outcome]], ProviderError | None]


def of_the_account(outcomes: Sequence[Outcome]) -> ProviderError | None:
    """Return the last error where it is of the whole account: it would be that of all that follow."""
    last = outcomes[-1].error if outcomes else None
    return last if isinstance(last, (RateLimited, Unauthorized)) else None


def of_the_vendor(outcomes: Sequence[Outcome]) -> ProviderError | None:
    """Return the last error where it is of more than an item: two in a row that say nothing of theirs, no slot, or the whole account."""
    errors = [one.error for one in outcomes[-2:]]
    if errors and isinstance(errors[-1], NotSent):
        return errors[-1]
    are_alike = len(errors) == 2 and all(one and not isinstance(one, OF_AN_ITEM) for one in errors)
    return errors[-1] if are_alike else of_the_account(outcomes)


def in_batches(
    items: Sequence[Item],
    send: Callable[[Sequence[Item]], Sequence[Outcome]],
    *,
    most: int = MOST,
    stops: Stops = of_the_account,
) -> tuple[Outcome, ...]:
    """Return the outcomes of all items, sent by the hundred or by as many as `most` says.

    A hundred that is refused as a whole is sent again in halves, and so on down to the item that was meant: 15 requests for one bad
    item, 199 when all are. Where `stops` tells an error from the outcomes so far, it is that of all that follow, unsent.
    """
    return tuple(_in_turn([items[start : start + most] for start in range(0, len(items), most)], send, stops))


def _in_turn(
    parts: Iterable[Sequence[Item]], send: Callable[[Sequence[Item]], Sequence[Outcome]], stops: Stops
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for part in parts:
        stopped = stops(outcomes)
        outcomes.extend([Outcome(error=stopped)] * len(part) if stopped else _sent(part, send, stops))
    return outcomes


def _sent(
    items: Sequence[Item], send: Callable[[Sequence[Item]], Sequence[Outcome]], stops: Stops
) -> Sequence[Outcome]:
    try:
        return send(items)
    except OF_AN_ITEM as refusal:
        # Refused as a whole, so nothing was written.
        if len(items) == 1:
            return [Outcome(error=refusal)]
        half = len(items) // 2
        return _in_turn([items[:half], items[half:]], send, stops)
    except ProviderError as error:
        return [Outcome(error=error)] * len(items)
