"""Ada at the hub's pages, with a browser that fills in forms as they were drawn."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.test import Client

from crmhub import services
from crmhub.models import Connection, Contact, Record, Task
from providers.registry import capabilities

PASSWORD = "correct horse battery staple"


class Form(HTMLParser):
    """The fields of the forms on a page, as a browser would send them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self.actions: list[str] = []
        self._textarea = self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        name = told.get("name") or ""
        if tag == "form" and told.get("action"):
            self.actions.append(told["action"] or "")
        elif tag == "input" and name:
            is_box = told.get("type") in ("checkbox", "radio")
            if told.get("type") != "submit" and (not is_box or "checked" in told):
                self.values[name] = told.get("value") or ("on" if is_box else "")
        elif tag == "textarea":
            self._textarea = name
            self.values[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in told or self._select not in self.values):
            self.values[self._select] = told.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # The first line end after the tag is not a part of the text.
            self.values[self._textarea] = self.values[self._textarea].removeprefix("\r").removeprefix("\n")
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea] += data


class Browser:
    """Somebody who is signed in."""

    def __init__(self, user: Any) -> None:
        self.user = user
        self.client = Client()
        self.client.force_login(user)
        self.page: Any = None

    def open(self, path: str, **query: Any) -> str:
        """Return the page's HTML."""
        self.page = self.client.get(f"/admin/{path}", query)
        assert self.page.status_code == 200, (path, self.page.status_code)
        return self.page.content.decode()

    def fill(self, path: str, **query: Any) -> dict[str, Any]:
        """Return the fields of the page, to be changed and sent."""
        values = Form(self.open(path, **query)).values
        for name in [name for name in values if "__prefix__" in name or name in ("q", "s")]:
            del values[name]
        return values

    def send(self, path: str, values: dict[str, Any] | None = None) -> Any:
        """Post, follow the redirect, and return the page that comes."""
        self.page = self.client.post(f"/admin/{path}", values or {}, follow=True)
        return self.page

    @property
    def text(self) -> str:
        return self.page.content.decode()

    @property
    def said(self) -> str:
        """What the page said at its top."""
        return " ".join(str(message) for message in get_messages(self.page.wsgi_request)) or " ".join(
            str(message) for message in self.page.context["messages"]
        )


def connect(name: str = "Main account", provider: str = "highlevel", **options: Any) -> Connection:
    """Make a connection that nobody calls."""
    can = capabilities(provider)
    needed = {one.name: one.choices[0][0] if one.choices else "x" for one in can.settings if one.is_required}
    secrets = {one.name: f"hidden-{one.name}" for one in can.secrets}
    values = {"secrets": secrets, "settings": needed, **options}
    return services.connect_account(provider=provider, name=name, **values)


def save(title: str = "Call Grace", **values: Any) -> Task:
    """Save a task."""
    return services.save_task(task=Task(title=title, **values), changed=[]).task


def contact(first_name: str = "Grace", **values: Any) -> Contact:
    """Save a contact."""
    return services.save_contact(contact=Contact(first_name=first_name, **values), changed=[])


def record(name: str = "Analytical Engines", kind: str = "company") -> Record:
    """Save a record."""
    return services.save_record(record=Record(name=name, kind=kind), changed=[])


@pytest.fixture
def ada(db: None) -> Any:
    return get_user_model().objects.create_superuser("ada", "ada@example.com", PASSWORD, first_name="Ada")


@pytest.fixture
def browser(ada: Any) -> Browser:
    return Browser(ada)


@pytest.fixture
def mallory(db: None) -> Any:
    """Staff of another team, who may only look at tasks, contacts and connections."""
    user = get_user_model().objects.create_user("mallory", "m@example.com", PASSWORD, is_staff=True)
    looks = [f"view_{name}" for name in ("task", "contact", "record", "connection", "attempt", "apikey")]
    user.user_permissions.set(Permission.objects.filter(codename__in=looks))
    return user


@pytest.fixture
def onlooker(mallory: Any) -> Browser:
    return Browser(mallory)
