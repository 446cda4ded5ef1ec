"""Two people at one form: what each changed since it was opened, and what of it can stand together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.db.models import Model

from crmhub.services import Associated


@dataclass(frozen=True)
class Opened:
    """The versions of the object that a form knows: the one it was opened at, and the newest that its reader was shown."""

    version: int
    seen: int

    @classmethod
    def read(cls, text: str, *, current: int) -> Opened:
        """Return what the hidden field says; nonsense counts as the present version."""
        numbers = [int(part) for part in text.split(",")[:2] if re.fullmatch(r"[0-9]{1,9}", part)]
        if not numbers:
            return cls(current, current)
        return cls(min(numbers[0], current), min(max(numbers), current))


class MergingForm(forms.ModelForm):
    """A form that saves what its reader changed and leaves what others changed meanwhile.

    Where both changed the same field to different values, it says so once, shows the other's value, and saves the reader's when it is
    sent again. `changed_fields` are the columns to save. `parts` names the columns behind a form field that is not a column itself.
    """

    opened = forms.CharField(widget=forms.HiddenInput, required=False)

    refused: ClassVar[Mapping[str, Sequence[str]]] = {}
    parts: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Bind the form; one that was opened before somebody else's save is compared with what its reader saw."""
        super().__init__(*args, **kwargs)
        self.is_new = self.instance._state.adding
        self.current = {name: self._value(self.instance, name) for name in self._names()}
        version = 0 if self.is_new else self.instance.version
        self.initial.update(self.initial_values(self.instance))
        self.initial["opened"] = str(version)
        self.read_at = Opened.read(str(self.data.get("opened", "")), current=version)
        self.base: Model | None = self.instance
        if self.is_bound and self.read_at.version < version:
            self.base = self._at_version(self.read_at.version)
            if self.base is not None:
                self.initial.update(
                    forms.model_to_dict(self.base, fields=[n for n in self._names() if n in self.initial])
                )
                self.initial.update(self.initial_values(self.base))

    def initial_values(self, instance: Any) -> dict[str, Any]:
        """Return the values of the form fields that are not columns themselves."""
        return {}

    @property
    def changed_fields(self) -> list[str]:
        """Return the columns that the reader gave new values for."""
        return [column for name in self.changed_data if name in self.fields for column in self._columns(name)]

    def clean(self) -> dict[str, Any]:
        """Refuse what others changed as well, and repeat what a service refused."""
        cleaned = super().clean() or self.cleaned_data
        if self.base is None:
            self.add_error(
                None,
                "Somebody else saved this meanwhile, long ago by now. Open it again and enter your changes there.",
            )
        elif self.read_at.seen < (0 if self.is_new else self.instance.version):
            self._refuse_conflicts()
        for name, words in self.refused.items():
            self.add_error(self._field_of(name), list(words))
        return cleaned

    def _refuse_conflicts(self) -> None:
        before = self._at_version(self.read_at.seen)
        conflicts = [
            name for name in self.changed_data if before is not None and self._is_conflict(name, before)
        ]
        for name in conflicts:
            self.add_error(
                name,
                f"{self._who_changed()} changed “{self.fields[name].label}” meanwhile, to: {self._shown(name) or 'nothing'}. "
                "Yours is kept here. Save again to replace theirs.",
            )
        if conflicts:
            data: Any = self.data.copy()  # type: ignore[attr-defined]
            data["opened"] = f"{self.read_at.version},{self.instance.version}"
            self.data = data

    def _is_conflict(self, name: str, before: Model) -> bool:
        if name not in self.current:
            return False
        theirs = self.current[name]
        return bool(theirs != self._value(before, name) and theirs != self._wanted(name))

    def _who_changed(self) -> str:
        last = self._history().select_related("history_user").order_by("-version").first()
        who = last.history_user if last is not None else None
        return (who.get_full_name() or who.get_username()) if who is not None else "Somebody else"

    def _history(self) -> Any:
        model: Any = self.instance._meta.concrete_model
        return model.history.filter(id=self.instance.pk)

    def _at_version(self, version: int) -> Any:
        row = self._history().filter(version=version).first()
        return row.instance if row is not None else None

    def _names(self) -> list[str]:
        return [name for name in self.fields if name not in ("opened", "rows")]

    def _columns(self, name: str) -> tuple[str, ...]:
        return () if name in ("opened", "rows") else self.parts.get(name, (name,))

    def _field_of(self, column: str) -> str | None:
        for name in self._names():
            if column in self._columns(name):
                return name
        return None

    def _value(self, instance: Any, name: str) -> Any:
        model = instance._meta.concrete_model
        return tuple(
            getattr(instance, model._meta.get_field(column).attname) for column in self._columns(name)
        )

    def _wanted(self, name: str) -> Any:
        value = self.cleaned_data.get(name)
        return (value.pk,) if isinstance(value, Model) else (value,)

    def _shown(self, name: str) -> str:
        field = self._meta.model._meta.get_field(self._columns(name)[0])
        value = self.current[name][0]
        if field.is_relation:
            found = field.related_model._default_manager.filter(pk=value).first()
            return str(found) if found is not None else ""
        choices = dict(field.flatchoices)
        return str(choices.get(value, "" if value is None else value))


Rows = dict[Any, Associated]


def merged_rows(
    opened: Sequence[Associated], mine: Sequence[Associated], theirs: Sequence[Associated]
) -> list[Associated]:
    """Return the associations after both people's changes, in my order, with what only the other added at the end.

    What I removed goes, what the other removed goes unless I changed it, and where both changed one, mine stands.
    """
    before, mine_by_id, theirs_by_id = _by_id(opened), _by_id(mine), _by_id(theirs)
    kept: list[Associated] = []
    for row in mine:
        is_mine = row != before.get(row.id)
        if is_mine:
            kept.append(row)
        elif row.id in theirs_by_id:
            kept.append(theirs_by_id[row.id])
    added = [row for row in theirs if row.id not in before and row.id not in mine_by_id]
    return kept + added


def _by_id(rows: Sequence[Associated]) -> Rows:
    return {row.id: row for row in rows}
