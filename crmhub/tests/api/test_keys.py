"""Keys: who gets in, what a scope opens, and the command that makes them."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crmhub import services
from crmhub.models import ApiKey
from crmhub.tests.api.conftest import Caller, make_key

pytestmark = pytest.mark.django_db


def createkey(*words):
    out = io.StringIO()
    call_command("createkey", *words, stdout=out)
    return out.getvalue().splitlines()


def test_the_key_stands_alone_on_the_last_line_and_opens_the_door():
    *_, key = createkey("billing", "--scope", "tasks:read", "tasks:write", "--scope", "contacts:read")

    assert Caller(key).get("/tasks").status_code == 200
    assert Caller(key).get("/contacts").status_code == 200
    assert ApiKey.objects.get().scopes == ["contacts:read", "tasks:read", "tasks:write"]
    assert key not in str(ApiKey.objects.values().get())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["billing", "--scope", "tasks:eat"], "tasks:read"),
        (["billing"], "--scope"),
        ([" ", "--scope", "tasks:read"], "name"),
        (["x" * 101, "--scope", "tasks:read"], "100"),
        (["a\x00b", "--scope", "tasks:read"], "printable"),
        (["billing", "--scope", "tasks:read", "--days", "0"], "--days"),
    ],
)
def test_a_key_that_cannot_be_is_refused_in_words(words, said):
    with pytest.raises(CommandError, match=said):
        createkey(*words)

    assert not ApiKey.objects.exists()


def test_a_name_is_given_once():
    createkey("billing", "--scope", "tasks:read")

    with pytest.raises(CommandError, match="already"):
        createkey("billing", "--scope", "tasks:read")


def test_a_key_can_end():
    *_, key = createkey("billing", "--scope", "tasks:read", "--days", "7")

    assert Caller(key).get("/tasks").status_code == 200
    assert ApiKey.objects.get().expiry - timezone.now() > timedelta(days=6)
    ApiKey.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert Caller(key).get("/tasks").status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer",
        "Bearer x",
        "Bearer crmhub_" + "0" * 64,
        "Bearer a b",
        "Token crmhub_" + "0" * 64,
        "Basic YWRhOmFkYQ==",
        "Bearer crmhub_\xff\xfe0000000000000000",
        "Bearer " + "0" * 5000,
    ],
)
def test_who_has_no_key_stays_outside(header):
    answer = Caller()("GET", "/tasks", **({"Authorization": header} if header else {}))

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/problem+json"


def test_a_revoked_key_opens_nothing():
    key = make_key("tasks:read")
    services.revoke_key(key=ApiKey.objects.get())

    assert Caller(key).get("/tasks").status_code == 401


def test_a_member_of_staff_who_is_logged_in_needs_a_key_too(ada):
    caller = Caller()
    caller.client.force_login(ada)

    assert caller.get("/tasks").status_code == 401


def test_nobody_can_log_in_as_a_service(service, client):
    user = ApiKey.objects.get().user

    assert not user.is_active
    assert not user.has_usable_password()


ID = "0197a0de-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "/tasks", ["tasks:read"]),
        ("POST", "/tasks", ["tasks:write"]),
        ("GET", f"/tasks/{ID}", ["tasks:read"]),
        ("HEAD", f"/tasks/{ID}", ["tasks:read"]),
        ("PATCH", f"/tasks/{ID}", ["tasks:write"]),
        ("DELETE", f"/tasks/{ID}", ["tasks:write"]),
        ("PUT", f"/tasks/{ID}/completed", ["tasks:write"]),
        ("POST", f"/tasks/{ID}/restore", ["tasks:write"]),
        ("GET", f"/tasks/{ID}/links", ["tasks:read", "sync:read"]),
        ("GET", "/contacts", ["contacts:read"]),
        ("POST", "/contacts", ["contacts:write"]),
        ("GET", f"/contacts/{ID}", ["contacts:read"]),
        ("PATCH", f"/contacts/{ID}", ["contacts:write"]),
        ("GET", "/records", ["records:read"]),
        ("POST", "/records", ["records:write"]),
        ("GET", f"/records/{ID}", ["records:read"]),
        ("PATCH", f"/records/{ID}", ["records:write"]),
        ("GET", "/connections", ["sync:read"]),
    ],
)
def test_each_call_needs_its_scope_and_names_it(method, path, scopes):
    every = {f"{what}:{how}" for what in ("tasks", "contacts", "records") for how in ("read", "write")} | {
        "sync:read",
        "sync:replay",
        "connections:manage",
    }
    without = Caller(make_key(*(every - set(scopes)), name="without"))

    refused = without(method, path, {} if method in ("POST", "PATCH", "PUT") else None)

    assert refused.status_code == 403
    if method != "HEAD":
        assert " or ".join(scopes) in refused.json()["detail"]
    for number, scope in enumerate(scopes):
        allowed = Caller(make_key(scope, name=f"with-{number}"))
        answer = allowed(method, path, {} if method in ("POST", "PATCH", "PUT") else None)
        assert answer.status_code in (200, 400, 404)
