"""`docs/api.md` against the API: its requests are sent, in order, and its answers are compared."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from crmhub.models.access import Scope
from crmhub.tests.api.conftest import Caller, connect, make_key

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text()
BLOCKS = re.findall(r"^```http\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CALLS = list(zip(BLOCKS[::2], BLOCKS[1::2], strict=True))

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What the hub's clock says has a fraction nearly always; what callers say has none on the page.
NOW = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
MOMENT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class Reader:
    """Somebody who does what the page says, with the ids that this hub gives them."""

    def __init__(self, caller):
        self.caller = caller
        self.ours = {}

    def do(self, request, answer):
        """Send a request of the page and compare what comes with what the page says."""
        (method, path), headers, body = parts(request)
        (_, status, *_), expected_headers, expected = parts(answer)
        sent = {name.replace("-", "_"): value for name, value in headers.items() if name == "If-Match"}
        raw = self.in_our_ids(body).encode()

        got = self.caller(method, self.in_our_ids(path).removeprefix("/api/v1"), raw=raw, **sent)

        assert got.status_code == int(status), (request, got.content)
        if expected:
            self.compare(json.loads(expected), json.loads(got.content))
        for name, value in expected_headers.items():
            assert got[name] == self.in_our_ids(value)

    def in_our_ids(self, text):
        return ID.sub(lambda found: self.ours.get(found[0], found[0]), text)

    def compare(self, shown, got, name=""):
        """Require the same, but for ids (the same one for the same thing), moments of now, hosts and other rooms' words."""
        assert type(shown) is type(got), name
        if isinstance(shown, dict):
            assert list(shown) == list(got), name
            for key in shown:
                self.compare(shown[key], got[key], key)
        elif name in ("warnings", "losses"):
            assert bool(shown) == bool(got), name
        elif isinstance(shown, list):
            assert len(shown) == len(got), name
            for one, other in zip(shown, got, strict=True):
                self.compare(one, other, name)
        elif not isinstance(shown, str):
            assert shown == got, name
        elif ID.fullmatch(shown):
            assert self.ours.setdefault(shown, got) == got, name
        elif NOW.fullmatch(shown):
            assert MOMENT.fullmatch(got), name
        elif name in ("next", "previous"):
            assert urlsplit(shown).path == urlsplit(got).path, name
        else:
            assert self.in_our_ids(shown) == got, name


def parts(block):
    """The words of the first line, the headers, and the body."""
    head, _, body = block.partition("\n\n")
    first, *headers = head.splitlines()
    return first.split(" "), dict(line.split(": ", 1) for line in headers), body.strip()


@pytest.mark.django_db
def test_the_page_tells_the_truth(ada):
    connect("HubSpot", provider="hubspot")
    connect("HighLevel")
    reader = Reader(Caller(make_key(*[scope.value for scope in Scope])))

    for request, answer in CALLS:
        reader.do(request, answer)

    assert len(CALLS) > 10


def test_the_page_names_every_scope_and_every_word():
    for scope in Scope:
        assert f"`{scope.value}`" in PAGE
