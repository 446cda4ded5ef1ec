"""The OpenAPI description and the page that shows it."""

from __future__ import annotations

import json
import re
import warnings

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver

from crmhub.api import urls

pytestmark = pytest.mark.django_db


@pytest.fixture
def description():
    return json.loads(
        Client().get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).content
    )


def test_the_description_is_made_without_a_warning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "api.yaml"))


def test_every_call_is_described_with_its_problems(description):
    described = {(path, method) for path, calls in description["paths"].items() for method in calls}
    served = {
        (re.sub(r"<uuid:(\w+)>", r"{\1}", f"/api/v1/{route.pattern}"), method.lower())
        for route in urls.urlpatterns
        for method in route.callback.view_class.scopes
    }

    assert described == served
    for path, method in described:
        call = description["paths"][path][method]
        assert {"400", "401", "403", "405", "406", "503"} <= set(call["responses"])
        assert ("404" in call["responses"]) == ("{" in path)
        assert ("415" in call["responses"]) == ("requestBody" in call)
        assert "Scope: `" in call["description"]


def test_a_task_is_described_with_its_names(description):
    task = description["components"]["schemas"]["Task"]["properties"]

    assert {"id", "title", "due_at", "contacts", "companies", "links", "warnings"} <= set(task)
    link = description["components"]["schemas"]["TaskLink"]["properties"]
    assert set(link) == {"connection", "provider", "sync_status", "external_id", "last_error"}


def test_what_a_key_opens_is_described(description):
    assert description["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert description["paths"]["/api/v1/tasks"]["get"]["security"] == [{"key": []}]


def test_the_page_loads_nothing_from_elsewhere_and_no_script_of_its_own():
    page = Client().get("/api/docs/")

    text = page.content.decode()
    sources = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert page.status_code == 200
    assert sources
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)
    assert "<script>" not in text
    assert "script-src 'self'" in page["Content-Security-Policy"]


def test_the_page_s_script_is_at_an_address_of_its_own():
    answer = Client().get("/api/docs/?script=")

    assert answer["Content-Type"].startswith("application/javascript")
    assert b"SwaggerUIBundle" in answer.content


@pytest.mark.parametrize(
    ("path", "to"), [("/", "/admin/"), ("/api/schema", "/api/schema/"), ("/api/docs", "/api/docs/")]
)
def test_short_addresses_lead_on(path, to):
    answer = Client().get(path)

    assert answer.status_code in (301, 302)
    assert answer["Location"] == to


def test_no_address_of_the_api_ends_in_a_slash():
    assert not [route for route in urls.urlpatterns if str(route.pattern).endswith("/")]
    assert get_resolver().resolve("/api/v1/tasks")
