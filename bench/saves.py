"""What a save costs those who save: beside a bare one, by the thousand, and with the broker away (T8–T10)."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client
from django.test.utils import setup_test_environment
from django.utils import timezone
from simple_history.utils import bulk_create_with_history

from bench.figures import Figure, at_most, exactly, figure, median, number, percentile, ratio, spread
from bench.lab import ROWS, Lab, Unsettled, wait_until
from bench.peer import Naive
from bench.vendors import Vendor, writes
from crmhub import services
from crmhub.models import Connection, Task
from providers.registry import capabilities, codes

BLOCK = 25  # saves of one kind before the other kind's turn: whatever else the machine does meets both alike
ADD_PAGE = "/admin/crmhub/task/add/"
SWEEP_S = 5.0  # the default


def one_save(lab: Lab) -> Iterator[Figure]:
    """T8: one save with four CRMs beside a bare one, in code and on the page of the admin."""
    _connect_all()
    with_crms, without, bare = _saves(lab.size.pick(100, 600, 1000))
    for times, words in (
        (without, "the same save without a CRM"),
        (bare, "the same row and its history row by the ORM alone"),
    ):
        yield figure(
            "T8",
            f"a save owed to four CRMs ÷ {words}, half within",
            ratio(median(with_crms), median(times)),
            unit="×",
            target=at_most(2.9),
            note=f"{number(median(with_crms) * 1e3)} ms and {number(median(times) * 1e3)} ms; {len(times)} of each",
        )
    posts = lab.size.pick(25, 240)
    with_crms, without = _posts(posts)
    with Naive(lab, Vendor("hubspot", "http://127.0.0.1:9", {"access_token": "x"}, {})) as naive:
        told = naive.drive("post", str(posts))
    theirs = ratio(median(told["sending"]), median(told["plain"]))
    page = "the admin's page that adds a task, with four CRMs ÷ without"
    words = f"{number(median(with_crms) * 1e3)} ms and {number(median(without) * 1e3)} ms; {posts} of each"
    ours = ratio(median(with_crms), median(without))
    yield figure(
        "T8", page, ours, unit="×", target=at_most(1.10), peer=f"naive {number(theirs)} ×", note=words
    )
    yield figure("T8", f"{page}: hub ÷ naive", ratio(ours, theirs), unit="×", target=at_most(1.0))


def many_saves(lab: Lab) -> Iterator[Figure]:
    """T9: thousands at once, each owed to one CRM."""
    count, rounds = lab.size.pick(200, 1500, 10_000), lab.size.pick(1, 2, 3)
    _connect("hubspot")
    took = [(_timed(lambda: _bulk(count)), _timed(lambda: _bulk_bare(count))) for _ in range(rounds)]
    yield figure(
        "T9",
        f"{count:,} tasks at once, each owed to one CRM ÷ the same rows and history rows by bulk_create",
        median(ratio(ours, bare) for ours, bare in took),
        unit="×",
        target=at_most(1.7),
        note=f"{spread((ours for ours, _ in took), 's')} and {spread((bare for _, bare in took), 's')}",
    )


def broker_away(lab: Lab) -> Iterator[Figure]:
    """T10: saves while the broker refuses, and while it is frozen."""
    vendor = lab.stub()
    lab.connect(vendor)
    count = lab.size.pick(200, 800, 2000)
    faults: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
        "refuses": (lab.valkey.stop, lab.valkey.start),
        "is frozen": (lab.valkey.freeze, lab.valkey.thaw),
    }
    with lab.workers():
        lab.warm_up()
        usual, _ = _timed_saves(lab, count)
        lab.settle()
        for words, (begin, end) in faults.items():
            begin()
            times, failed = _timed_saves(lab, count)
            vendor.reset()
            end()
            begins_after = _first_write_after(vendor)
            lab.settle()
            yield from _told_of_saves(
                words, usual, times, failed, begins_after, peer=_naives_save(lab, begin, end)
            )


# The hub's saves


def _connect_all() -> None:
    for code in codes():
        _connect(code)


def _connect(code: str) -> Connection:
    """Make a connection that nobody calls."""
    can = capabilities(code)
    needed = {one.name: one.choices[0][0] if one.choices else "x" for one in can.settings if one.is_required}
    secrets = {one.name: f"hidden-{one.name}" for one in can.secrets}
    return services.connect_account(provider=code, name=code, secrets=secrets, settings=needed)


def _follow(*, by_all: bool) -> None:
    """Let every CRM follow each save, or none."""
    Connection.objects.update(scope=Connection.Scope.ALL if by_all else Connection.Scope.MANUAL)


def _saves(count: int) -> tuple[list[float], list[float], list[float]]:
    with_crms, without, bare = [], [], []
    for _ in range(count // BLOCK):
        _follow(by_all=True)
        with_crms += [_timed(_save) for _ in range(BLOCK)]
        _follow(by_all=False)
        without += [_timed(_save) for _ in range(BLOCK)]
        bare += [_timed(_save_bare) for _ in range(BLOCK)]
    return with_crms, without, bare


def _save() -> None:
    services.save_task(task=Task(title="Call Grace", body="About the shop"), changed=())


def _save_bare() -> None:
    now = timezone.now()
    with transaction.atomic():
        task = Task(title="Call Grace", body="About the shop", version=1, created_at=now, updated_at=now)
        task.save(force_insert=True)


def _bulk(count: int) -> None:
    services.create_tasks(tasks=[Task(title="Call Grace", body="About the shop") for _ in range(count)])


def _bulk_bare(count: int) -> None:
    now = timezone.now()
    tasks = [
        Task(title="Call Grace", body="About the shop", version=1, created_at=now, updated_at=now)
        for _ in range(count)
    ]
    bulk_create_with_history(tasks, Task, batch_size=ROWS)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


# The page of the admin


def _posts(count: int) -> tuple[list[float], list[float]]:
    setup_test_environment()
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("ada", "ada@example.com"))
    data = _filled(client.get(ADD_PAGE).context)
    with_crms: list[float] = []
    without: list[float] = []
    for _ in range(count // BLOCK + 1):
        for times, by_all in ((with_crms, True), (without, False)):
            _follow(by_all=by_all)
            times += [_timed(lambda: _post(client, data)) for _ in range(BLOCK)]
    return with_crms, without


def _filled(context: Any) -> dict[str, str]:
    """Return the fields of the page as a browser would send them, with a title."""
    formsets = [one.formset for one in context["inline_admin_formsets"]]
    forms = [
        context["adminform"].form,
        *(form for one in formsets for form in (one.management_form, *one.forms)),
    ]
    values = {bound.html_name: bound.value() for form in forms for bound in form}
    return {
        name: str(value) for name, value in values.items() if value is not None and value is not False
    } | {"title": "Call Grace"}


def _post(client: Client, data: dict[str, str]) -> None:
    answer = client.post(ADD_PAGE, data)
    if answer.status_code != 302:
        raise RuntimeError(f"the page was not saved: {answer.status_code} {answer.context['errors']}")


# The broker away


def _timed_saves(lab: Lab, count: int) -> tuple[list[float], int]:
    """Return the seconds of each save, one directly after the other, and how many failed."""
    times, failed = [], 0
    for number_ in range(count):
        try:
            times.append(_timed(lambda n=number_: lab.save_task(f"Task {n}")))  # type: ignore[misc]
        except Exception:  # none may, whatever the broker does
            failed += 1
    return times, failed


def _first_write_after(vendor: Vendor) -> float:
    began = time.monotonic()
    with contextlib.suppress(Unsettled):
        wait_until(lambda: bool(writes(vendor.log())), "nothing was sent", seconds=60)
    return time.monotonic() - began


def _told_of_saves(
    words: str, usual: list[float], times: list[float], failed: int, begins_after: float, *, peer: str
) -> Iterator[Figure]:
    yield figure(
        "T10",
        f"{len(times):,} saves while the broker {words} ÷ with it, 99 of 100 within",
        ratio(percentile(times, 99), percentile(usual, 99)),
        unit="×",
        target=at_most(1.5),
        peer=peer,
        note=f"{number(percentile(times, 99) * 1e3)} ms and {number(percentile(usual, 99) * 1e3)} ms; the longest {number(max(times) * 1e3)} ms",
    )
    yield figure("T10", f"saves that failed while the broker {words}", failed, target=exactly(0))
    yield figure(
        "T10",
        f"until the first request after the broker that {words} is back",
        begins_after,
        unit="s",
        target=at_most(SWEEP_S + 1),
        note=f"a sweep is due every {SWEEP_S:g} s",
    )


def _naives_save(lab: Lab, begin: Callable[[], None], end: Callable[[], None]) -> str:
    with Naive(lab, Vendor("hubspot", "http://127.0.0.1:9", {"access_token": "x"}, {})) as naive:
        begin()
        patience = lab.size.pick(8, 10)  # seconds
        try:
            told = naive.save(1, timeout=patience)
        except subprocess.TimeoutExpired:
            return f"naive: hangs, given up after {patience} s"
        finally:
            end()
    [took], errors = told["save_s"], told["errors"]
    return f"naive: {', '.join(errors) or 'saved'} after {number(took * 1e3)} ms, and nothing is ever sent"
