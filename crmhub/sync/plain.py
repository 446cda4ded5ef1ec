"""The engine's frozen values as JSON, and back: what is as it is by default is left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

Value = TypeVar("Value")


def plain(value: Any) -> Any:
    """Return the value as JSON has it: a dataclass as an object, moments as ISO texts, sets in order."""
    # This runs over all that each attempt keeps, so by the exact type, and without a call for what stays as it is.
    return value if type(value) in _AS_IT_IS else _writer_of(type(value))(value)  # type: ignore[arg-type]  # classes are hashable


_AS_IT_IS = frozenset({str, int, float, bool, NoneType})


@cache
def _writer_of(kind: type[Any]) -> Callable[[Any], Any]:
    if kind in _WRITERS:
        return _WRITERS[kind]
    if dataclasses.is_dataclass(kind):
        return _said
    if issubclass(kind, Enum):
        return lambda value: value.value
    if issubclass(kind, Mapping):
        return _object
    raise TypeError(f"{kind.__name__} is no value of the engine's")


def _object(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): one if type(one) in _AS_IT_IS else plain(one) for name, one in value.items()}


def _list(value: Iterable[Any]) -> list[Any]:
    return [one if type(one) in _AS_IT_IS else plain(one) for one in value]


def _said(value: Any) -> dict[str, Any]:
    return {
        name: one if type(one) in _AS_IT_IS else plain(one)
        for name, default in _defaults(type(value))  # type: ignore[arg-type]  # classes are hashable
        if (one := getattr(value, name)) != default
    }


_WRITERS: dict[type[Any], Callable[[Any], Any]] = {
    **dict.fromkeys((datetime, date), lambda value: value.isoformat()),
    **dict.fromkeys((tuple, list), _list),
    **dict.fromkeys((set, frozenset), lambda value: sorted(map(plain, value))),
    UUID: str,
    dict: _object,
}


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((one.name, _default(one)) for one in dataclasses.fields(kind))


def _default(one: dataclasses.Field[Any]) -> Any:
    # A field without a default is always said: its default here is `MISSING`, which nothing equals.
    return one.default_factory() if one.default_factory is not dataclasses.MISSING else one.default


def restored(kind: type[Value], told: Mapping[str, Any]) -> Value:
    """Return the dataclass that `plain` made this object of. Raises `TypeError` or `ValueError` for what it cannot have been."""
    return kind(**restored_fields(kind, told))


def restored_fields(kind: type[Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return these fields of a dataclass as they were; what it does not have is left out."""
    hints = _hints(kind)  # type: ignore[arg-type]  # classes are hashable
    return {name: _restored_as(hints[name], one) for name, one in told.items() if name in hints}


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _restored_as(hint: Any, told: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _one_of([one for one in get_args(hint) if one is not NoneType], told)
    if origin is tuple:
        return tuple(_restored_as(get_args(hint)[0], one) for one in told)
    if origin is frozenset:
        return frozenset(_restored_as(get_args(hint)[0], one) for one in told)
    if dataclasses.is_dataclass(hint):
        return restored(hint, told)  # type: ignore[arg-type]  # a class, as every hint is
    if hint in (datetime, date):
        return hint.fromisoformat(told)
    if isinstance(hint, type) and issubclass(hint, Enum | UUID):
        return hint(told)
    return told


def _one_of(hints: list[Any], told: Any) -> Any:
    if told is None:
        return None
    if datetime in hints and date in hints:
        return _restored_as(datetime if "T" in told else date, told)
    return _restored_as(hints[0], told)
