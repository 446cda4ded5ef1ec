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
from providers.tests.worlds import new_key
from providers.types import Field, NewTask, Person, RemoteRef, TaskChange

DOCUMENTS = Path(__file__).resolve().parents[4] / "shared" / "vendors" / "openapi"
NAMES = ("tasks", "contacts", "associations-v4", "properties", "owners")

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


@pytest.fixture
def seen(world, spy):
    """Everything that a full round of our calls sends and gets, with one refusal of each kind."""
    provider = type(world.provider)(world.account, spy)
    provider.prepare()
    key, draft = new_key(), world.draft()
    ref = provider.create_task(draft, key=key).ref
    provider.fetch_task(ref)
    provider.update_task(ref, world.draft(contacts=(), title="New"), changed=frozenset(Field), key=key)
    provider.update_task(ref, draft, changed=frozenset({Field.CONTACTS}), key=key)
    provider.complete_task(ref, done_at=None)
    provider.find_task(key, draft)
    provider.find_task(new_key(), draft)
    unprepared = replace(world.account, learned={})
    type(provider)(unprepared, spy).find_task(new_key(), draft)
    items = [NewTask(world.draft(assignee=one), new_key()) for one in (world.ids["users"][0], "", "12")]
    refs = [one.task.ref for one in provider.create_tasks(items) if one.task]
    gone = RemoteRef("12")
    changes = [TaskChange(one, draft, frozenset({Field.TITLE}), new_key()) for one in (*refs, gone)]
    provider.update_tasks(changes)
    provider.delete_tasks(refs)
    provider.delete_task(ref)
    provider.list_owners()
    person = Person(first_name="Ida", emails=("ida@client.example",), phones=("+12025550133",))
    made = provider.create_contact(person, key=new_key())
    provider.create_contact(person, key=new_key())
    provider.update_contact(made.ref, person)
    provider.resolve_contact(Person(phones=("+12025550123",)))
    return spy.seen


def operations():
    for name in NAMES:
        document = json.loads((DOCUMENTS / f"hubspot-{name}.json").read_text())
        for path, methods in document["paths"].items():
            pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "$")
            for method, operation in methods.items():
                yield method.upper(), pattern, path.count("{"), operation, document


def described(request):
    """The operation that a request is, the one with the fewest placeholders first; None for a path of no document."""
    path = urlsplit(request.url).path
    fitting = [one for one in operations() if one[0] == request.method and one[1].match(path)]
    return min(fitting, key=lambda one: one[2], default=None)


def without_nulls(value):
    # The documents call every property a text; live answers have null for one that is not set.
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def problems(value, content, document):
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    found = jsonschema.Draft202012Validator(schema).iter_errors(without_nulls(value))
    return [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in found]


def content_of(operation, status, document):
    answer = operation["responses"].get(str(status)) or operation["responses"]["default"]
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    content = answer.get("content", {})
    return {"application/json": next(iter(content.values()))} if content else {}


@pytest.mark.parametrize("direction", ["requests", "answers"])
def test_everything_fits_the_documents(seen, direction):
    wrong = []
    for request, response in seen:
        found = described(request)
        if found is None:
            continue
        _, _, _, operation, document = found
        line = f"{request.method} {urlsplit(request.url).path} {response.status}"
        if direction == "requests" and request.body:
            wrong += [
                (line, one)
                for one in problems(json.loads(request.body), operation["requestBody"]["content"], document)
            ]
        if direction == "answers" and response.body:
            content = content_of(operation, response.status, document)
            wrong += [
                (line, one)
                for one in (problems(json.loads(response.body), content, document) if content else ())
            ]

    assert wrong == []


def test_every_path_and_parameter_that_we_use_is_in_the_documents(seen):
    paths = {urlsplit(request.url).path for request, _ in seen if described(request) is None}
    parameters = {
        (request.method, part.partition("=")[0])
        for request, _ in seen
        for part in urlsplit(request.url).query.split("&")
        if part
        and part.partition("=")[0]
        not in {one["name"] for one in described(request)[3].get("parameters", ()) if one["in"] == "query"}
    }

    assert paths == set()
    assert parameters == set()
