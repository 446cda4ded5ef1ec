"""The form of a task, and the rows of contacts and records below it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect, RelatedFieldWidgetWrapper
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.forms import PaginationInlineFormSet

from crmhub.admin.due import DueField, DueTime
from crmhub.admin.merging import MergingForm, merged_rows
from crmhub.admin.steady import key_of
from crmhub.admin.task_filters import person_name
from crmhub.models import Task, TaskContact, TaskRecord
from crmhub.queries.people import staff
from crmhub.services import Associated

HINTS = {"contact": "Find a contact by name or e-mail", "record": "Find by name"}
SIDES: Mapping[type, str] = {TaskContact: "contact", TaskRecord: "record"}


class TaskForm(MergingForm):
    """All that staff may say of a task. `rows` carries the contacts and records that the page was opened with."""

    due = DueField(
        label="Due", help_text="Leave the time empty for a task that is due on the day, at no set time."
    )
    rows = forms.CharField(widget=forms.HiddenInput, required=False)

    parts: ClassVar[Mapping[str, tuple[str, ...]]] = {"due": ("due_at", "due_is_date")}

    class Meta:
        model = Task
        fields = (
            "title",
            "body",
            "status",
            "priority",
            "type",
            "end_at",
            "reminder_at",
            "notify_by_email",
            "assignee",
            "queue",
            "location",
            "contact_name",
            "company_name",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Bind the form, with the people a task can be given to and the rows as they are now."""
        super().__init__(*args, **kwargs)
        if "body" in self.fields:
            self.fields["body"].widget.attrs["rows"] = 5
        self.initial["rows"] = json.dumps(
            {side: _as_lists(stored_rows(self.instance, side)) for side in SIDES.values()}
        )
        if "assignee" in self.fields:
            people: Any = self.fields["assignee"]
            people.queryset = staff() | people.queryset.filter(pk=self.instance.assignee_id)
            people.label_from_instance = person_name
            for button in ("add", "change", "delete", "view"):
                setattr(people.widget, f"can_{button}_related", False)

    def initial_values(self, instance: Any) -> dict[str, Any]:
        """Return when the task is due, for the field that stands for two columns."""
        return {"due": DueTime.of(instance)}

    def clean(self) -> dict[str, Any]:
        """Check what concerns several fields."""
        cleaned = super().clean()
        if "title" in cleaned and not cleaned["title"].strip():
            self.add_error("title", "A task needs a title.")
        due: DueTime = cleaned.get("due") or DueTime.of(self.instance)
        if "due" in cleaned:
            self.instance.due_at, self.instance.due_is_date = due.moment, due.is_date
        if cleaned.get("end_at") and due.moment and cleaned["end_at"] < due.moment:
            self.add_error("end_at", "The end lies before the due time.")
        return cleaned

    def rows_when_opened(self, side: str) -> list[Associated]:
        """Return the contacts or records that the reader saw when the page was opened; nonsense counts as those of now."""
        try:
            told = json.loads(self.data.get("rows") or "{}")[side]
            return [
                Associated(UUID(pk), str(label), str(kind), bool(pinned)) for pk, label, kind, pinned in told
            ]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return stored_rows(self.instance, side)

    def _wanted(self, name: str) -> Any:
        if name == "due":
            due: DueTime = self.cleaned_data.get("due") or DueTime()
            return (due.moment, due.is_date)
        return super()._wanted(name)

    def _shown(self, name: str) -> str:
        return str(DueTime(*self.current["due"])) if name == "due" else super()._shown(name)


def stored_rows(task: Task, side: str) -> list[Associated]:
    """Return the task's contacts or records as they are in the database, in order."""
    if task._state.adding:
        return []
    through: Any = {name: model for model, name in SIDES.items()}[side]
    rows = through.objects.filter(task_id=task.pk).order_by("position", "id")
    return [Associated(getattr(row, f"{side}_id"), row.label, row.type, row.is_pinned) for row in rows]


def _as_lists(rows: Sequence[Associated]) -> list[list[Any]]:
    return [[str(row.id), row.label, row.type, row.is_pinned] for row in rows]


class Picker(AutocompleteSelect):
    """A choice among very many, searched while typing."""

    def build_attrs(self, base_attrs: Any, extra_attrs: Any = None) -> dict[str, Any]:
        """Return the attributes of the input, which says what may be typed into it."""
        hint = HINTS[self.field.name]
        return {**super().build_attrs(base_attrs, extra_attrs), "data-placeholder": hint, "aria-label": hint}

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """Return what is drawn: whom the row names, unless that cannot be an id; the error beside it says so."""
        named = [one for one in value if key_of(self.field.remote_field.model, one) is not None]
        return super().optgroups(name, named, attr)


class PickerWithLinks(RelatedFieldWidgetWrapper):
    """A choice with a link to a new one beside it, not in a menu that must be found first."""

    @classmethod
    def around(cls, other: RelatedFieldWidgetWrapper) -> PickerWithLinks:
        """Return the same choice with the same rights, with its links in sight."""
        may = {"can_add_related": other.can_add_related, "can_change_related": other.can_change_related}
        return cls(other.widget, other.rel, other.admin_site, **may)

    def _render(self, template_name: str, context: dict[str, Any], renderer: Any = None) -> SafeString:
        # Widgets look for templates in packages only, not in the project's own folder.
        return render_to_string("admin/crmhub/task/picker.html", context)


class AssociationForm(forms.ModelForm):
    """One contact or record of a task. Whether it is there twice is for the whole set to say."""

    def validate_unique(self) -> None:
        """Leave it to the set: two rows that swap their contacts are no duplicates."""

    def validate_constraints(self) -> None:
        """Leave it to the set."""


class AssociationFormSet(PaginationInlineFormSet):
    """The contacts or records of a task, told apart by whom they are, not by the rows that hold them.

    So a page that was opened before somebody else removed a row can still be saved.
    """

    def add_fields(self, form: Any, index: int | None) -> None:
        """Take the row's id as a hint only."""
        super().add_fields(form, index)
        form.fields["id"] = forms.CharField(widget=forms.HiddenInput, required=False)
        if form.instance.pk:
            form.initial["id"] = form.instance.pk

    def _existing_object(self, pk: Any) -> Any:
        found = {row.pk: row for row in self.get_queryset()}
        return found.get(pk) or self.model()

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)
        form.fields["id"].required = False
        return form

    def validate_unique(self) -> None:
        """Refuse the same contact or record twice."""
        side = SIDES[self.model]
        chosen = [form.cleaned_data[side].pk for form in self._kept_forms()]
        if len(set(chosen)) != len(chosen):
            raise ValidationError(f"The same {side} is named twice.")

    def rows(self) -> list[Associated]:
        """Return what the reader entered, in order; rows that were just added without being moved come last."""
        side = SIDES[self.model]
        placed = []
        for index, form in enumerate(self._kept_forms()):
            data = form.cleaned_data
            is_placed = form.instance.pk or "position" in form.changed_data
            place = data.get("position") or 0 if is_placed else float("inf")
            row = Associated(
                data[side].pk, data.get("label", ""), data.get("type", ""), bool(data.get("is_pinned"))
            )
            placed.append((place, index, row))
        return [row for _, _, row in sorted(placed, key=lambda one: one[:2])]

    def _kept_forms(self) -> list[Any]:
        side = SIDES[self.model]
        return [
            form
            for form in self.forms
            if form not in self.deleted_forms and getattr(form, "cleaned_data", {}).get(side) is not None
        ]


def associations_of(form: TaskForm, formsets: Sequence[Any]) -> dict[str, list[Associated]]:
    """Return, for `contacts` and `records`, what the task is to have after both people's changes; sides that stay are left out."""
    wanted: dict[str, list[Associated]] = {}
    for formset in formsets:
        side = SIDES[formset.model]
        opened, now = form.rows_when_opened(side), stored_rows(form.instance, side)
        mine = formset.rows()
        result = mine if now == opened else merged_rows(opened, mine, now)
        if mine != opened and result != now:
            wanted[f"{side}s"] = result
    return wanted


class AssociationInline(TabularInline):
    """What contacts and records have in common below a task."""

    form = AssociationForm
    formset = AssociationFormSet
    extra = 0
    hide_title = True
    ordering_field = "position"
    hide_ordering_field = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows in order, each with whom it names."""
        return super().get_queryset(request).select_related(SIDES[self.model]).order_by("position", "id")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the choice of a contact or record."""
        if db_field.name in self.autocomplete_fields:
            kwargs["widget"] = Picker(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field; beside the choice stands a link to a new contact or record."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in self.autocomplete_fields:
            field.widget = PickerWithLinks.around(field.widget)
        return field

    def _may(self, request: HttpRequest, action: str) -> bool:
        # The rows are a part of the task: who may change it may change them.
        return bool(request.user.has_perm(f"crmhub.{action}_task"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether rows may be added."""
        return self._may(request, "change" if obj is not None else "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether rows may be changed."""
        return self._may(request, "change" if obj is not None else "add")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether rows may be removed."""
        return self._may(request, "change" if obj is not None else "add")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether rows may be seen."""
        return self._may(request, "view") or self._may(request, "change")


class ContactInline(AssociationInline):
    """The contacts of a task; the first is the main one."""

    model = TaskContact
    add_text = "Choose another contact"
    verbose_name = "contact"
    verbose_name_plural = "Contacts"
    autocomplete_fields = ("contact",)
    fields = ("contact", "label", "type", "is_pinned", "position")

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """Return 1 where there is no contact yet: most tasks want one."""
        return 0 if obj is not None and obj.task_contacts.exists() else 1


class RecordInline(AssociationInline):
    """The companies, deals, tickets and events of a task."""

    model = TaskRecord
    add_text = "Choose a company, deal, ticket or event"
    verbose_name = "record"
    verbose_name_plural = "Companies, deals, tickets, events"
    autocomplete_fields = ("record",)
    fields = ("record", "label", "type", "is_pinned", "position")
