"""Requests and answers against HubSpot's own OpenAPI documents, where these lie beside the project."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema  # type: ignore[import-untyped]
import pytest

from providers.http import Transport
from providers.tests.hubspot.differences import DIFFERENCES, IN_SHAPE
from providers.tests.worlds import new_key
from providers.types import Field, Linked, NewTask, Person, RecordKind, RemoteRef, TaskChange

DOCUMENTS = Path(__file__).resolve().parents[4] / "shared" / "vendors" / "openapi"
NAMES = ("tasks", "contacts", "associations-v4", "properties", "owners", "oauth-v3")
DATED = {
    "2026-03": ("tasks-2026-03", "oauth-2026-03"),
    "2026-09": ("tasks-2026-09", "contacts-2026-09"),
}

pytestmark = pytest.mark.skipif(
    not DOCUMENTS.is_dir(), reason="HubSpot's OpenAPI documents are not beside the project"
)


@dataclass
class Spy:
    """A transport that keeps what went through it."""

    inner: Transport
    seen: list = field(default_factory=list)

    def send(self, request):
        response = self.inner.send(request)
        self.seen.append((request, response))
        return response


@pytest.fixture
def spy(world):
    return Spy(world.transports[0])


def round_of_calls(world, provider):
    """Make every call that there is once, with one refusal of each kind."""
    provider.check()
    provider.prepare()
    key, draft = new_key(), world.draft()
    label = world.simulator.add_label("tasks", "contacts", "Decision maker")
    graces = world.ids["contacts"][0]
    named = (Linked(RemoteRef(graces), label="decision_maker", is_pinned=True),)
    ref = provider.create_task(draft, key=key).ref
    provider.fetch_task(ref)
    provider.update_task(ref, world.draft(contacts=(), title="New"), changed=frozenset(Field), key=key)
    provider.update_task(ref, world.draft(contacts=named), changed=frozenset(Field), key=key)
    provider.fetch_task(ref)
    numbered = (Linked(RemoteRef(graces), type=f"USER_DEFINED:{label}"),)
    provider.create_task(world.draft(contacts=numbered), key=new_key())
    provider.update_task(ref, draft, changed=frozenset({Field.LABELS, Field.PINS}), key=key)
    provider.complete_task(ref, done_at=None)
    provider.reopen_task(ref)
    provider.find_task(key, draft)
    provider.find_task(new_key(), draft)
    unprepared = replace(provider.account, learned={})
    type(provider)(unprepared, provider.transport).find_task(new_key(), draft)
    items = [NewTask(world.draft(assignee=one), new_key()) for one in (world.ids["users"][0], "", "12")]
    refs = [one.task.ref for one in provider.create_tasks(items) if one.task]
    provider.create_tasks([*items, NewTask(draft, new_key())])
    changes = [
        TaskChange(one, draft, frozenset({Field.TITLE}), new_key()) for one in (*refs, RemoteRef("12"))
    ]
    provider.update_tasks(changes)
    provider.list_tasks()
    provider.list_tasks_of_contact(RemoteRef(graces))
    provider.list_changed(world.simulator.now().replace(year=2020))
    provider.list_contacts()
    provider.delete_tasks(refs)
    provider.delete_task(ref)
    provider.list_owners()
    person = Person(first_name="Ida", emails=("ida@client.example",), phones=("+12025550133",))
    made = provider.create_contact(person, key=new_key())
    provider.create_contact(person, key=new_key())
    provider.update_contact(made.ref, person)
    provider.resolve_contact(Person(phones=("+12025550123",)))
    provider.find_records(RecordKind.DEAL, "compiler")


@pytest.fixture
def seen(world, spy):
    """Everything that a full round of our calls sends and gets."""
    round_of_calls(world, type(world.provider)(world.account, spy))
    return spy.seen


@pytest.fixture(params=DATED)
def seen_dated(request, world, spy):
    """The release, and everything that a full round of our calls sends and gets at its paths."""
    settings = {**world.account.settings, "api_paths": request.param}
    round_of_calls(world, type(world.provider)(replace(world.account, settings=settings), spy))
    return request.param, spy.seen


def operations(names):
    for name in names:
        document = json.loads((DOCUMENTS / f"hubspot-{name}.json").read_text())
        for path, methods in document["paths"].items():
            pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "$")
            for method, operation in methods.items():
                yield method.upper(), pattern, path.count("{"), operation, document


def described(request, names=NAMES):
    """The operation that a request is, the one with the fewest placeholders first; None for a path of no document."""
    path = urlsplit(request.url).path
    fitting = [one for one in operations(names) if one[0] == request.method and one[1].match(path)]
    return min(fitting, key=lambda one: one[2], default=None)


def without_nulls(value):
    # The documents call every property a text; live answers have null for one that is not set.
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def problems(value, content, document):
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    found = jsonschema.Draft202012Validator(schema).iter_errors(without_nulls(value))
    told = [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in found]
    return [one for one in told if not one.startswith(IN_SHAPE)]


def content_of(operation, status, document):
    if status == 207 and "207" not in operation["responses"]:
        return {}  # a known difference: the newest documents leave it out
    answer = operation["responses"].get(str(status)) or operation["responses"]["default"]
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    content = answer.get("content", {})
    return {"application/json": next(iter(content.values()))} if content else {}


def violations(seen, names, direction):
    wrong = []
    for request, response in seen:
        found = described(request, names)
        if found is None:
            continue
        _, _, _, operation, document = found
        line = f"{request.method} {urlsplit(request.url).path} {response.status}"
        if direction == "requests" and request.body:
            value, content = json.loads(request.body), operation["requestBody"]["content"]
            wrong += [(line, one) for one in problems(value, content, document)]
        if direction == "answers" and response.body:
            content = content_of(operation, response.status, document)
            found = problems(json.loads(response.body), content, document) if content else ()
            wrong += [(line, one) for one in found]
    return wrong


@pytest.mark.parametrize("direction", ["requests", "answers"])
def test_everything_fits_the_documents(seen, direction):
    assert violations(seen, NAMES, direction) == []


@pytest.mark.parametrize("direction", ["requests", "answers"])
def test_everything_fits_the_documents_of_a_release(seen_dated, direction):
    release, seen = seen_dated

    assert violations(seen, DATED[release], direction) == []


def undocumented(seen, names):
    return {(one.method, urlsplit(one.url).path) for one, _ in seen if described(one, names) is None}


def test_every_path_that_we_use_is_in_the_documents_or_a_known_difference(seen):
    known = [re.compile(difference.path) for difference in DIFFERENCES if difference.path]

    strange = [
        (method, path)
        for method, path in undocumented(seen, NAMES)
        if not any(one.fullmatch(f"{method} {path}") for one in known)
    ]

    assert strange == []


def test_every_path_of_a_release_names_it(seen_dated):
    release, seen = seen_dated

    assert {
        path
        for _, path in undocumented(seen, DATED[release])
        if release not in path and "private-apps" not in path
    } == set()


def test_every_parameter_that_we_use_is_in_the_documents(seen):
    told = [(request, described(request)) for request, _ in seen]
    parameters = {
        (request.method, part.partition("=")[0])
        for request, found in told
        for part in urlsplit(request.url).query.split("&")
        if part
        and found
        and part.partition("=")[0]
        not in {one["name"] for one in found[3].get("parameters", ()) if one["in"] == "query"}
    }

    assert parameters == set()


def test_every_known_difference_says_where_it_was_read():
    assert all(one.source.startswith("https://") and one.says and one.really for one in DIFFERENCES)
