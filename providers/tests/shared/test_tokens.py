"""The tokens that an account does not know yet: sent in a form, brought by an answer, and in nothing that is kept."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from providers.errors import ProviderError
from providers.http import Recorder, Request
from providers.json_api import JsonApi
from providers.redaction import secrets_in_form, tokens_in_answer
from providers.tests.shared.conftest import says

FORM = {
    "grant_type": "authorization_code",
    "code": "code-4711",
    "client_secret": "app-secret",
    "state": "open",
}
FRESH = b'{"access_token": "fresh-access", "refresh_token": "fresh-refresh", "expires_in": 1800}'

TOKEN = "fr/esh+access=="


@pytest.fixture
def recorder(transport):
    return Recorder(transport, secrets=["known-secret"])


def api(recorder, url):
    return JsonApi(recorder, vendor="Vendor", base_url=url, headers={}, cases=())


def test_what_a_form_sends_and_an_answer_brings_is_in_no_exchange(recorder, listen):
    answer = api(recorder, listen(says(FRESH)).url).call("POST", "/token", form=FORM)

    kept = repr(recorder.exchanges)
    assert answer.json["refresh_token"] == "fresh-refresh"
    assert not [one for one in ("code-4711", "app-secret", "fresh-access", "fresh-refresh") if one in kept]
    assert "authorization_code" in kept


def test_a_refusal_that_repeats_a_form_does_not_tell_its_secrets(recorder, listen):
    refusal = b'{"message": "code-4711 of app-secret is used"}'

    with pytest.raises(ProviderError) as caught:
        api(recorder, listen(says(refusal, status="400 Bad Request")).url).call("POST", "/token", form=FORM)

    assert "of ••• is used" in caught.value.detail
    assert "code-4711" not in repr(caught.value) + repr(recorder.exchanges)


def test_a_token_stays_out_of_later_requests_too(recorder, listen):
    url = listen(says(FRESH)).url
    api(recorder, url).call("POST", "/token", form=FORM)

    recorder.send(Request("POST", f"{url}/look", body=b'{"of": "fresh-access"}'))

    assert "fresh-access" not in repr(recorder.exchanges)


@pytest.mark.parametrize(
    "told", [r"fr\/esh+access==", r"fr\u002Fesh\u002baccess\u003D=", r"fr\u002fesh\u002Baccess=="]
)
@pytest.mark.parametrize(
    "later", [TOKEN, "fr%2Fesh%2baccess%3D%3D", r"fr\/esh\u002Baccess==", "fr/esh%2Baccess=="]
)
def test_a_token_that_came_escaped_stays_out_however_it_is_spelled_later(recorder, listen, told, later):
    url = listen(says(b'{"access_token": "' + told.encode() + b'"}')).url
    answer = api(recorder, url).call("POST", "/token", form=FORM)

    recorder.send(Request("POST", f"{url}/look?of={quote(TOKEN)}", body=b'{"of": "' + later.encode() + b'"}'))

    assert answer.json["access_token"] == TOKEN
    assert "esh" not in repr(recorder.exchanges)
    assert recorder.exchanges[-1].request_body == '{"of": "•••"}'


def test_an_answer_that_breaks_off_tells_no_token(recorder, listen):
    with pytest.raises(ProviderError):
        api(recorder, listen(says(FRESH[:40])).url).call("POST", "/token", form=FORM)

    assert "fresh" not in repr(recorder.exchanges)


@pytest.mark.parametrize(
    ("form", "secrets"),
    [
        (b"grant_type=refresh_token&refresh_token=a%2Fb", ("a/b",)),
        (b"clientId=app&clientSecret=s1&refreshToken=r1&codeVerifier=v1", ("s1", "r1", "v1")),
        (b"code=", ()),
        (b"\xff=\xff", ()),
    ],
)
def test_the_secrets_of_a_form_are_known_by_their_names(form, secrets):
    assert secrets_in_form(form) == secrets


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        (b'{"accessToken" : "a1", "refreshToken":"r1", "code": "validation_error"}', ("a1", "r1")),
        (b'{"error": "Invalid token: access token is invalid"}', ()),
        (b'{"access_token": null}', ()),
        (rb'{"access_token": "a\/b\u002Bc", "refresh_token": "d\"e"}', ("a/b+c", 'd"e')),
        (rb'{"access_token": "a\u00', (r"a\u00",)),
        (b"\xff\xfe", ()),
    ],
)
def test_the_tokens_of_an_answer_are_known_by_their_names(body, tokens):
    assert tokens_in_answer(body) == tokens
