"""What staff do with many tasks at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelectWidget

from crmhub import services
from crmhub.admin.badges import counted
from crmhub.admin.due import DueField, DueTime
from crmhub.admin.replay_asking import ask_to_replay, begin_and_show, kept_choice, selected
from crmhub.admin.task_filters import person_name
from crmhub.models import Task, TaskLink
from crmhub.queries.people import staff
from crmhub.queries.weighing import weigh_tasks

MOST_AT_ONCE = 1_000  # tasks; each is a transaction of its own while the browser waits
MOST_IN_A_LIST = 50_000  # tasks whose ids are kept until all of them were sent again

Act = Callable[[Task], Any]


class PersonField(forms.ModelChoiceField):
    """A choice among staff, by name."""

    def label_from_instance(self, obj: Any) -> str:
        """Return what the person is called."""
        return person_name(obj)


class AssignForm(forms.Form):
    """Whom the tasks are given to."""

    assignee = PersonField(
        queryset=None, required=False, empty_label="Nobody", label="Assign to", widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the staff of this moment."""
        super().__init__(*args, **kwargs)
        people: Any = self.fields["assignee"]
        people.queryset = staff()


class DueForm(forms.Form):
    """When the tasks are due from now on."""

    due = DueField(label="Due", help_text="Leave the time empty for the day alone, and both for no due date.")


@admin.action(description="Complete", permissions=["change"])
def complete(model_admin: Any, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
    """Complete the chosen tasks."""
    return _each(
        model_admin,
        request,
        queryset,
        "completed",
        lambda task: services.complete_task(task=task, **_by(request)),
    )


@admin.action(description="Reopen", permissions=["change"])
def reopen(model_admin: Any, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
    """Open the chosen tasks again, those completed or cancelled."""
    return _each(
        model_admin,
        request,
        queryset,
        "reopened",
        lambda task: services.complete_task(task=task, is_completed=False, **_by(request)),
    )


@admin.action(description="Assign …", permissions=["change"])
def assign(model_admin: Any, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
    """Ask for a person, then give the chosen tasks to them."""
    form = AssignForm(request.POST if "apply" in request.POST else None)
    if not form.is_valid():
        return _ask(
            model_admin, request, queryset, form=form, action="assign", title="Assign tasks", button="Assign"
        )

    person = form.cleaned_data["assignee"]

    def act(task: Task) -> None:
        # A save is a new version, which goes to every CRM; nobody needs that for what is so already.
        if task.assignee_id != (person.pk if person else None):
            task.assignee = person
            services.save_task(task=task, changed=["assignee"], **_by(request))

    return _each(model_admin, request, queryset, "assigned", act)


@admin.action(description="Change due date …", permissions=["change"])
def re_date(model_admin: Any, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
    """Ask for a day and a time, then make the chosen tasks due then."""
    form = DueForm(request.POST if "apply" in request.POST else None)
    if not form.is_valid():
        return _ask(
            model_admin,
            request,
            queryset,
            form=form,
            action="re_date",
            title="Change due date",
            button="Change",
        )

    due: DueTime = form.cleaned_data["due"]

    def act(task: Task) -> None:
        if DueTime.of(task) != due:
            task.due_at, task.due_is_date = due.moment, due.is_date
            services.save_task(task=task, changed=["due_at", "due_is_date"], **_by(request))

    return _each(model_admin, request, queryset, "given a new due date", act)


@admin.action(description="Send again …", permissions=["replay"])
def send_again(model_admin: Any, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
    """Say how many counterparts that is at each CRM, then owe them anew: those ticked at once, a whole list in the background.

    Where the list is narrowed to a CRM, or to what waits for a person, so is what is sent again.
    """
    ids = list(queryset.order_by().values_list("pk", flat=True)[: MOST_IN_A_LIST + 1])
    if len(ids) > MOST_IN_A_LIST:
        said = f"Nothing was changed: narrow the list to {MOST_IN_A_LIST:,} tasks."
        model_admin.message_user(request, said, messages.ERROR)
        return None
    selection = selected(request, tuple(ids))
    is_all = request.POST.get("select_across") == "1"
    if "apply" not in request.POST:
        return ask_to_replay(
            model_admin,
            request,
            selection,
            was_looked_at=not is_all,
            hidden=kept_choice(request, action="send_again"),
        )
    if is_all:
        return begin_and_show(request, selection)
    count = services.replay_links(links=selection.links(TaskLink))
    skipped = 0 if selection.is_narrowed else TaskLink.objects.filter(task_id__in=ids).count() - count
    kept = f" {skipped} kept out of their CRM were left alone." if skipped else ""
    model_admin.message_user(
        request,
        f"{counted(count, 'counterpart')} of {_tasks(len(ids))} will be sent again.{kept}",
        messages.SUCCESS,
    )
    return None


@admin.action(description="Move to the recycle bin", permissions=["delete"])
def move_to_recycle_bin(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Task]
) -> HttpResponse | None:
    """Delete the chosen tasks, so that they can be restored."""
    return _each(
        model_admin,
        request,
        queryset,
        "moved to the recycle bin",
        lambda task: services.delete_task(task=task, **_by(request)),
    )


@admin.action(description="Restore", permissions=["restore"])
def restore(model_admin: Any, request: HttpRequest, queryset: QuerySet[Task]) -> HttpResponse | None:
    """Take the chosen tasks out of the recycle bin."""
    return _each(
        model_admin,
        request,
        queryset,
        "restored",
        lambda task: services.restore_task(task=task, **_by(request)),
    )


TASK_ACTIONS = (complete, reopen, assign, re_date, send_again, move_to_recycle_bin)


def _by(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.user, "origin": "staff"}


def _each(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Task], done: str, act: Act
) -> HttpResponse | None:
    """Do it to each task and say how many it was done to; one that cannot be is named with the reason."""
    ids = list(queryset.order_by().values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    if _are_too_many(model_admin, request, len(ids)):
        return None
    if asked := _brake(model_admin, request, ids, done):
        return asked
    changed, refused = [], 0
    for task in Task.objects.filter(pk__in=ids):
        before = task.version
        try:
            act(task)
        except forms.ValidationError as error:
            model_admin.message_user(
                request, f"“{task}” was left as it is: {' '.join(error.messages)}", messages.ERROR
            )
            refused += 1
            continue
        if task.version != before:
            changed.append(task.pk)
    same = len(ids) - len(changed) - refused
    said = [
        f"{_tasks(len(changed))} {done}.",
        follow(changed) if changed else "",
        f"{_tasks(same)} stood so already." if same else "",
    ]
    level = messages.SUCCESS if changed else messages.WARNING
    model_admin.message_user(request, " ".join(filter(None, said)), level)
    return None


def follow(ids: list[Any]) -> str:
    """Return how many CRMs will follow these tasks, as a sentence."""
    owed = TaskLink.objects.filter(
        task_id__in=ids, due_at__isnull=False, connection__disconnected_at__isnull=True
    )
    count = owed.order_by().values("connection_id").distinct().count()
    if not count:
        return "No CRM follows."
    return f"{NUMBERS.get(count, str(count))} {'CRM' if count == 1 else 'CRMs'} will follow."


NUMBERS = dict(enumerate(("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")))


def _tasks(count: int) -> str:
    return counted(count, "task")


def _are_too_many(model_admin: Any, request: HttpRequest, count: int) -> bool:
    if count > MOST_AT_ONCE:
        model_admin.message_user(
            request, f"Nothing was changed: choose at most {MOST_AT_ONCE:,} tasks at once.", messages.ERROR
        )
    return count > MOST_AT_ONCE


def _brake(model_admin: Any, request: HttpRequest, ids: list[Any], done: str) -> HttpResponse | None:
    """Return a page that shows what would follow and asks, where so many would be changed that nobody should do it by mistake."""
    weight = weigh_tasks(ids)
    if not weight.is_large or "sure" in request.POST:
        return None
    kept = [(name, value) for name, values in request.POST.lists() for value in values]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{_tasks(weight.tasks)} would be {done}",
        "opts": model_admin.opts,
        "weight": weight,
        "kept": [(name, value) for name, value in kept if name != "csrfmiddlewaretoken"],
    }
    return TemplateResponse(request, "admin/crmhub/brake.html", context)


def _ask(
    model_admin: Any,
    request: HttpRequest,
    queryset: QuerySet[Task],
    *,
    form: forms.Form,
    action: str,
    title: str,
    button: str,
) -> HttpResponse:
    """Show a page that asks for what the action needs and keeps the selection."""
    is_all = request.POST.get("select_across") == "1"
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
        "media": model_admin.media + form.media,
        "form": form,
        "action": action,
        "button": button,
        "count": queryset.count(),
        "some": list(queryset[:10]),
        "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "select_across": "1" if is_all else "0",
        "checkbox_name": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/crmhub/ask.html", context)
