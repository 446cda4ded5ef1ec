"""Adding a CRM takes one folder and one line: TinyCRM, a fifth one, is put there and everything picks it up."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from crmhub import services, sync
from crmhub.models import Connection, ContactLink, TaskLink
from crmhub.tests.architecture.conftest import Tree
from crmhub.tests.engine.conftest import Hub, live
from providers import registry

ROOM = Path(__file__).resolve().parents[3] / "providers" / "tests" / "tinycrm"
LAST_LINE = '    "leadlex": "providers.leadlex.provider.LeadLex",\n'


@pytest.fixture
def tinycrm(monkeypatch: pytest.MonkeyPatch) -> str:
    """The line in the registry; the folder lies with the tests of the providers."""
    path = "providers.tests.tinycrm.provider.TinyCrm"
    monkeypatch.setitem(registry.PROVIDERS, "tinycrm", path)
    return "tinycrm"


@pytest.fixture
def tree_with_tinycrm(tree: Tree) -> Tree:
    """A copy of the checkout with the folder in its place and the line in the registry."""
    shutil.copytree(ROOM, tree.folder / "providers" / "tinycrm", ignore=shutil.ignore_patterns("__pycache__"))
    path = tree.folder / "providers" / "registry.py"
    line = '    "tinycrm": "providers.tinycrm.provider.TinyCrm",\n'
    before = path.read_text()
    path.write_text(before.replace(LAST_LINE, LAST_LINE + line))
    assert path.read_text() != before
    return tree


@pytest.mark.engine
def test_a_task_follows_to_the_fifth_crm_through_its_whole_life(hub: Hub, grace, tinycrm):
    simulator = hub.connect(tinycrm)

    task = hub.save_task(title="Call Grace", body="About the quote", contacts=[grace])
    hub.settle()
    saved = live(simulator)
    hub.edit(task, title="Call Grace back")
    services.complete_task(task=task, now=hub.now)
    hub.settle()
    edited = live(simulator)
    services.delete_task(task=task, now=hub.now)
    hub.settle()

    assert [(one["title"], one["body"], one["contact"]) for one in saved] == [
        ("Call Grace", "About the quote", "grace@example.com")
    ]
    assert [(one["title"], one["status"]) for one in edited] == [("Call Grace back", "completed")]
    assert live(simulator) == []
    assert hub.link(task).sync_status == "in_sync"


@pytest.mark.engine
def test_a_lost_answer_at_the_fifth_crm_does_not_make_a_second_task(hub: Hub, tinycrm):
    simulator = hub.connect(tinycrm)
    simulator.fail_next("drop", "POST /tasks", after_write=True)

    task = hub.save_task()
    hub.settle()

    assert [one["title"] for one in live(simulator)] == ["Call Grace"]
    assert hub.link(task).sync_status == "in_sync"


@pytest.mark.engine
def test_lost_links_with_the_fifth_crm_are_rebuilt(hub: Hub, grace, tinycrm):
    simulator = hub.connect(tinycrm)
    tasks = [hub.save_task(title=f"Call Grace, {number}", contacts=[grace]) for number in range(60)]
    hub.settle()
    before = {link.task_id: link.external_id for link in TaskLink.objects.all()}
    TaskLink.objects.all().delete()
    ContactLink.objects.all().delete()

    found = sync.relink(hub.connections[tinycrm])

    assert {link.task_id: link.external_id for link in TaskLink.objects.all()} == before
    assert (found.stock.by_key, len(live(simulator))) == (len(tasks), len(tasks))


def test_connect_knows_the_fifth_crm(hub: Hub, tinycrm):
    hub.connect(tinycrm)
    server = hub.servers[tinycrm]
    told = StringIO()

    call_command(
        "connect",
        tinycrm,
        "--name",
        "Second account",
        "--secret",
        f"key={server.simulator.secret['key']}",
        "--base-url",
        server.url,
        stdout=told,
        stderr=StringIO(),
    )

    assert "TinyCRM knows us: A tiny account" in told.getvalue()
    assert Connection.objects.get(name="Second account").provider == tinycrm


def test_the_admin_offers_the_fifth_crm_with_the_fields_that_it_asks_for(ada, tinycrm):
    ada.is_superuser = True
    ada.save()
    client = Client()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")

    choices = client.get("/admin/crmhub/connection/add/").content.decode()
    form = client.get("/admin/crmhub/connection/add/?provider=tinycrm").content.decode()
    holds = client.get("/admin/crmhub/connection/capabilities/tinycrm/").content.decode()

    assert "TinyCRM" in choices
    assert "Connect TinyCRM" in form
    assert "takes one contact: the first" in holds


def test_the_contract_suite_is_run_for_the_fifth_crm_and_it_passes(tree_with_tinycrm):
    files = [f"providers/tests/contract/test_{name}.py" for name in ("claims", "people", "tasks")]

    done = tree_with_tinycrm.run(
        "python", "-m", "pytest", "-q", "-k", "tinycrm", "-p", "no:cacheprovider", *files
    )

    assert done.returncode == 0, done.stdout
    passed = int(done.stdout.rsplit(" passed", 1)[0].split()[-1])
    assert passed > 60


def test_the_capability_matrix_and_the_layers_take_the_fifth_crm_in(tree_with_tinycrm):
    matrix = tree_with_tinycrm.run("python", "-m", "tools.matrix")
    layers = tree_with_tinycrm.run("lint-imports", "--no-cache", "--no-logo")

    assert matrix.returncode == 0, matrix.stderr
    assert "| TinyCRM |" in (tree_with_tinycrm.folder / "providers" / "README.md").read_text()
    assert layers.returncode == 0, layers.stdout


def test_its_simulator_runs_by_itself(tree_with_tinycrm):
    program = (
        "import json, providers.simulator.__main__ as m; from providers.simulator import Server; "
        "s = Server(m.simulator_class('tinycrm')()); print(json.dumps(s.simulator.secret))"
    )

    done = tree_with_tinycrm.run("python", "-c", program)

    assert json.loads(done.stdout)["key"] == "tiny-key-for-tests"
