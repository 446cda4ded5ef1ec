"""What every provider makes of a server that answers 200 and is not the vendor's account, once per vendor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from providers.errors import ProviderError
from providers.tests.shared.conftest import Listener, says

ALIEN = (
    b"",
    b"{}",
    b"[]",
    b"[{}]",
    b"null",
    b"true",
    b"1",
    b'"ok"',
    b'{"ok": true}',
    b'[{"ok": true}]',
    b'{"id": "1", "name": "Somebody"}',
    b'{"data": {}}',
    b'{"data": [{"ok": true}]}',
    b'{"data": {"users": {}, "tasks": {}}}',
    b'{"data": {"users": ["x"], "tasks": ["x"]}}',
    b'{"results": []}',
    b'{"location": {}}',
    b'{"location": []}',
    b'{"contacts": {}}',
    b'{"portalId": {"a": 1}}',
    b'{"portalId": true}',
    b'{"Id": "", "OrgId": "", "LSQCommonServiceURLs": {"api": "https://[x"}}',
    b'{"Id": "USR1", "LSQCommonServiceURLs": []}',
    b"<html>Please log in</html>",
    b'{"portalId": 4711',
)
# The account of the connection is known by its settings or from the first check; a LeadLex key names no account.
ANOTHER_ACCOUNT = {
    "hubspot": b'{"portalId": 5, "portalName": "Another portal", "scopes": []}',
    "highlevel": b'{"location": {"id": "AnotherSubAccount123", "name": "Another"}, "contacts": [{"locationId": "Another"}]}',
    "leadsquared": b'{"Id": "USR1", "Name": "Mallory", "OrgId": "5", "OrgShortCode": "ANOTHER", "TimeZone": "UTC"}',
}


class Talker:
    """A stranger's server: answers the first requests as told, and every later one like the last."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.listener = Listener(self._answer)

    def _answer(self, client):
        self._answers[0](client)
        if len(self._answers) > 1:
            self._answers.pop(0)


@pytest.fixture
def at_a_stranger(world) -> Iterator:
    """Return the vendor's account as it is known, at an address where somebody else answers."""
    talkers = []

    def connect(*answers, **changes):
        talkers.append(Talker(*answers))
        url = talkers[-1].listener.url
        return world.another(replace(world.account, base_url=url, **changes))

    yield connect
    for talker in talkers:
        talker.listener.close()


@pytest.mark.parametrize("body", ALIEN)
@pytest.mark.parametrize("is_new", [True, False])
def test_a_stranger_who_says_200_is_not_taken_for_the_account(world, at_a_stranger, body, is_new):
    provider = at_a_stranger(says(body), learned={} if is_new else world.account.learned)

    with pytest.raises(ProviderError) as refusal:
        provider.check()

    assert refusal.value.detail.endswith(".")


@pytest.mark.parametrize("body", ALIEN)
def test_nor_is_one_who_refuses_the_first_question(at_a_stranger, body):
    provider = at_a_stranger(says(b"{}", status="403 Forbidden"), says(body))

    with pytest.raises(ProviderError):
        provider.check()


@pytest.mark.parametrize("code", ANOTHER_ACCOUNT)
@pytest.mark.parametrize("before", [(), (says(b"{}", status="403 Forbidden"),)])
def test_another_account_is_not_taken_for_ours(code, at_a_stranger, before):
    with pytest.raises(ProviderError):
        at_a_stranger(*before, says(ANOTHER_ACCOUNT[code])).check()


@pytest.mark.parametrize("code", ["hubspot"])
@pytest.mark.parametrize("scopes", [b"5", b"true", b'"all"', b'{"a": 1}'])
def test_scopes_that_are_no_list_are_left_out(code, at_a_stranger, scopes):
    identity = at_a_stranger(says(b'{"portalId": 4711, "scopes": %s}' % scopes)).check()

    assert (identity.id, identity.scopes) == ("4711", None)


@pytest.mark.parametrize("code", ["leadsquared"])
def test_a_home_that_is_no_address_is_no_other_region(code, at_a_stranger):
    body = b'{"Id": "USR1", "OrgId": "61234", "LSQCommonServiceURLs": {"api": "https://[x"}}'

    assert at_a_stranger(says(body)).check().id == "61234"


@pytest.mark.parametrize("code", ["leadlex"])
@pytest.mark.parametrize("reset", ["9" * 30, "9" * 5000, "soon", "-1", ""])
def test_a_reset_that_is_no_time_is_left_out(code, at_a_stranger, reset):
    headers = f"X-RateLimit-Limit: 9\r\nX-RateLimit-Remaining: 7\r\nX-RateLimit-Reset: {reset}\r\n"
    body = b'{"data": {"users": []}}'

    assert at_a_stranger(says(body, headers=headers)).check().limits == ("7 of 9 calls left",)


def test_the_account_that_was_found_is_found_again(world):
    again = world.another(world.account).check()

    assert (again.id, again.name) == (world.provider.check().id, world.provider.check().name)
