"""The search of a simulated HubSpot portal: filters, words, order and pages, with the documented limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from providers.hubspot.simulator_linked import Record
from providers.hubspot.simulator_records import Records
from providers.hubspot.simulator_schema import TYPE_IDS, Refusal, bad_json, shaped, texts

LONGEST_BODY = 3000  # characters
LARGEST_PAGE = 200
LARGEST_RESULT = 10_000
GROUPS, FILTERS, FILTERS_IN_ALL = 5, 6, 18
SEARCHED = {
    "0-27": ("hs_task_subject", "hs_task_body"),
    "0-1": ("firstname", "lastname", "email", "phone", "company"),
    "0-2": ("name", "domain", "phone"),
    "0-3": ("dealname",),
    "0-5": ("subject", "content"),
}
KEYS = ("filterGroups", "sorts", "properties", "limit", "after", "query")


def search(
    records: Records,
    type_id: str,
    body: Any,
    *,
    length: int,
    is_indexed: Callable[[Record], bool],
    most: int = LARGEST_RESULT,
) -> dict[str, Any]:
    """Return the answer to a search. `is_indexed` says which records the index knows yet, `most` how many it shows. Raises `Refusal`."""
    shaped(body, optional=KEYS)
    if length > LONGEST_BODY:
        raise Refusal(f"The request body is too long: {length} characters, at most {LONGEST_BODY}")
    limit, start = _page(body, most)
    fits = _filter_of(records, type_id, body.get("filterGroups", []))
    words = str(body.get("query") or "").lower().split()
    found = [
        one
        for one in records.of_type(type_id)
        if is_indexed(one) and fits(one) and _has_words(records, one, words)
    ]
    found = _sorted(records, type_id, found, body.get("sorts", []))
    properties = texts(body.get("properties", []), "properties")
    answer: dict[str, Any] = {
        "total": len(found),
        "results": [records.shown(one, properties) for one in found[start : start + limit]],
    }
    if start + limit < len(found):
        answer["paging"] = {"next": {"after": str(start + limit)}}
    return answer


def _page(body: Mapping[str, Any], most: int) -> tuple[int, int]:
    limit, after = body.get("limit", 10), str(body.get("after") or "0")
    if not isinstance(limit, int) or not 1 <= limit <= LARGEST_PAGE:
        raise Refusal(f"limit must be between 1 and {LARGEST_PAGE}")
    if not after.isdecimal():
        raise Refusal(f"after is not a number: {after}")
    if int(after) + limit > most and int(after) > 0:
        raise Refusal(f"The query may be paged through {most} results only")
    return limit, int(after)


def _filter_of(records: Records, type_id: str, groups: Any) -> Callable[[Record], bool]:
    if not isinstance(groups, list):
        raise bad_json('Cannot deserialize "filterGroups" as a list')
    parsed = [shaped(group, required=("filters",))["filters"] for group in groups]
    sizes = [len(filters) for filters in parsed]
    if len(sizes) > GROUPS or max(sizes, default=0) > FILTERS or sum(sizes) > FILTERS_IN_ALL:
        raise Refusal("There are too many filters in this search")
    for one in (one for filters in parsed for one in filters):
        shaped(one, required=("propertyName", "operator"), optional=("value", "highValue", "values"))
        _check_filter(records, type_id, one)
    if not parsed:
        return lambda _record: True
    return lambda record: any(all(_fits(records, record, one) for one in filters) for filters in parsed)


def _check_filter(records: Records, type_id: str, one: Mapping[str, Any]) -> None:
    name, operator = str(one["propertyName"]), one["operator"]
    if name not in records.properties[type_id] and not name.startswith("associations."):
        raise Refusal(
            f"There was a problem with the request. Property {name} does not exist: PROPERTY_DOESNT_EXIST",
            errors=[{"message": f"{name} does not exist", "context": {"propertyName": [name]}}],
        )
    if operator not in OPERATORS and operator not in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        raise bad_json(f'Cannot deserialize "{operator}" as an operator')
    needed = {"IN": "values", "NOT_IN": "values", "HAS_PROPERTY": "", "NOT_HAS_PROPERTY": ""}.get(
        operator, "value"
    )
    if needed and needed not in one:
        raise Refusal(f"operator {operator} requires {needed}")


def _fits(records: Records, record: Record, one: Mapping[str, Any]) -> bool:
    name, operator = str(one["propertyName"]), str(one["operator"])
    if name.startswith("associations."):
        other = TYPE_IDS.get(name.removeprefix("associations."), "")
        return str(one.get("value")) in [linked.id for linked in records.linked(record, other)]
    held = records.everything(record).get(name)
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return bool(held) == (operator == "HAS_PROPERTY")
    if held is None:
        return operator in ("NEQ", "NOT_IN", "NOT_CONTAINS_TOKEN")
    return OPERATORS[str(operator)](held, one)


def _order(value: Any) -> tuple[int, float, str]:
    """Return a value in a form that can be compared: a number where it is one, milliseconds for a moment, else lower case."""
    text = str(value)
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return (0, float(text), "")
    if re.fullmatch(r"\d{4}-\d\d-\d\dT.*", text):
        return (0, round(datetime.fromisoformat(text).timestamp() * 1000), "")
    return (1, 0.0, text.lower())


def _has_token(held: str, one: Mapping[str, Any]) -> bool:
    pattern = re.escape(str(one["value"]).lower()).replace(r"\*", r"\S*")
    return re.search(rf"(?<![^\W_]){pattern}(?![^\W_])", held.lower()) is not None


OPERATORS: Mapping[str, Callable[[str, Mapping[str, Any]], bool]] = {
    "EQ": lambda held, one: _order(held) == _order(one["value"]),
    "NEQ": lambda held, one: _order(held) != _order(one["value"]),
    "LT": lambda held, one: _order(held) < _order(one["value"]),
    "LTE": lambda held, one: _order(held) <= _order(one["value"]),
    "GT": lambda held, one: _order(held) > _order(one["value"]),
    "GTE": lambda held, one: _order(held) >= _order(one["value"]),
    "BETWEEN": lambda held, one: _order(one["value"]) <= _order(held) <= _order(one.get("highValue")),
    "IN": lambda held, one: held.lower() in one["values"],
    "NOT_IN": lambda held, one: held.lower() not in one["values"],
    "CONTAINS_TOKEN": _has_token,
    "NOT_CONTAINS_TOKEN": lambda held, one: not _has_token(held, one),
}


def _has_words(records: Records, record: Record, words: list[str]) -> bool:
    everything = records.everything(record)
    text = " ".join(everything.get(name) or "" for name in SEARCHED[record.type_id]).lower()
    return all(word in text for word in words)


def _sorted(records: Records, type_id: str, found: list[Record], sorts: Any) -> list[Record]:
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise Refusal("A search takes one sort")
    for one in sorts:
        name, direction = (
            (one, "ASCENDING") if isinstance(one, str) else (one.get("propertyName"), one.get("direction"))
        )
        if str(name).lstrip("-") not in records.properties[type_id]:
            raise Refusal(f"Property {name} does not exist")
        is_descending = direction == "DESCENDING" or str(name).startswith("-")
        return sorted(
            found,
            key=lambda record: _order(records.everything(record).get(str(name).lstrip("-")) or ""),
            reverse=is_descending,
        )
    return found
