"""The pages of API keys."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from crmhub import services
from crmhub.admin.keys import RIGHTS
from crmhub.models import ApiKey
from crmhub.models.access import Scope

pytestmark = pytest.mark.django_db


def page(key):
    return f"crmhub/apikey/{key.user_id}/change/"


def allow(user, *codenames):
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))


def test_a_key_is_shown_once(browser):
    values = browser.fill("crmhub/apikey/add/")

    browser.send("crmhub/apikey/add/", {**values, "name": "Billing", "scopes": ["tasks:read", "tasks:write"]})

    key = ApiKey.objects.get()
    text = browser.page.context["text"]
    assert key.scopes == ["tasks:read", "tasks:write"]
    assert text in browser.text
    assert "no-store" in browser.page.headers["Cache-Control"]
    assert text not in browser.open(page(key))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scopes": []}, "This field is required."),
        ({"name": "Taken", "scopes": ["tasks:read"]}, "There is a key named Taken already."),
    ],
)
def test_a_key_that_cannot_be_is_refused(browser, changes, words):
    browser.send("crmhub/apikey/add/", {"name": "Taken", "scopes": ["tasks:read"]})

    browser.send("crmhub/apikey/add/", {"name": "Billing", **changes})

    assert words in browser.text
    assert ApiKey.objects.count() == 1


def test_a_key_is_revoked_by_a_button_that_needs_the_permission(browser, onlooker):
    browser.send("crmhub/apikey/add/", {"name": "Billing", "scopes": ["tasks:read"]})
    address = f"/admin/crmhub/apikey/{ApiKey.objects.get().user_id}/revoke/"

    assert browser.client.get(address).status_code == 405
    assert onlooker.client.post(address).status_code == 403
    assert ApiKey.objects.exists()

    browser.client.post(address)
    assert not ApiKey.objects.exists()


def test_no_page_and_no_address_holds_the_digest_of_a_key(browser):
    key, _ = services.create_key(name="Billing", scopes=["tasks:read"])

    pages = [browser.open("crmhub/apikey/"), browser.open(page(key))]

    assert f'href="/admin/{page(key)}' in pages[0]
    assert not [html for html in pages if key.digest in html]
    assert browser.client.get(f"/admin/crmhub/apikey/{key.digest}/change/").status_code == 404


def test_a_key_that_is_not_there_is_not_found(browser):
    for end in ("change/", "revoke/"):
        assert browser.client.post(f"/admin/crmhub/apikey/99999999999999999999/{end}").status_code in (
            404,
            405,
        )
    assert browser.client.get(f"/admin/crmhub/apikey/{browser.user.pk}/change/").status_code == 404


def test_every_scope_has_the_rights_that_it_stands_for():
    known = set(
        Permission.objects.filter(content_type__app_label="crmhub").values_list("codename", flat=True)
    )

    assert set(RIGHTS) == set(Scope)
    assert {right for rights in RIGHTS.values() for right in rights} <= known


def test_a_key_does_no_more_than_whoever_makes_it(mallory, onlooker):
    allow(mallory, "add_apikey")
    offered = onlooker.open("crmhub/apikey/add/")
    assert "Not yours to give: tasks:write" in offered
    assert 'value="tasks:write"' not in offered

    onlooker.send("crmhub/apikey/add/", {"name": "Mine", "scopes": ["tasks:read", "tasks:write"]})
    assert "tasks:write is not yours to give" in onlooker.text
    assert not ApiKey.objects.exists()

    allow(mallory, "add_task", "change_task", "delete_task")
    onlooker.send("crmhub/apikey/add/", {"name": "Mine", "scopes": ["tasks:read", "tasks:write"]})
    assert ApiKey.objects.get().scopes == ["tasks:read", "tasks:write"]


def test_the_permission_to_make_keys_alone_makes_none(mallory, onlooker):
    mallory.user_permissions.clear()
    allow(mallory, "add_apikey")

    assert onlooker.client.get("/admin/crmhub/apikey/add/").status_code == 403
    sent = {"name": "Mine", "scopes": ["connections:manage"]}
    assert onlooker.client.post("/admin/crmhub/apikey/add/", sent).status_code == 403
    assert not ApiKey.objects.exists()


def test_a_superuser_gives_every_scope(browser):
    every = sorted(scope.value for scope in Scope)

    browser.send("crmhub/apikey/add/", {"name": "All", "scopes": every})

    assert ApiKey.objects.get().scopes == every
