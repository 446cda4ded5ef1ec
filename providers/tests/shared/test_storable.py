"""What a vendor says can always be stored."""

from __future__ import annotations

import pytest

from providers.errors import Rejected
from providers.http import Recorder, Request, Response
from providers.json_api import JsonApi
from providers.storable import fit_for_storage


class Says:
    """A transport on which the vendor always answers with this body."""

    def __init__(self, body):
        self.body = body

    def send(self, request):
        return Response(200, {}, self.body)


def asked(body):
    return JsonApi(Says(body), vendor="Vendor", base_url="", headers={}, cases=()).call("GET", "/")


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Grace", "Grace"),
        ("", ""),
        ("a\x00b", "ab"),
        ("half \ud83d", "half \ufffd"),
        ("\ude00 other half", "\ufffd other half"),
        ("whole \U0001f600", "whole \U0001f600"),
    ],
)
def test_halves_of_characters_are_replaced_and_nuls_left_out(text, stored):
    assert fit_for_storage(text) == stored


def test_every_text_of_an_answer_is_fit_for_storage():
    answer = asked(rb'{"a\u0000": ["\ud83d", {"b": "\ud83d\ude00"}, 1, null, true]}')

    assert answer.json == {"a": ["\ufffd", {"b": "\U0001f600"}, 1, None, True]}


def test_bytes_that_are_no_characters_do_not_make_an_answer_unreadable():
    answer = asked(b'\xef\xbb\xbf{"id": "7", "title": "\xed\xa0\xbd \xff"}')

    assert answer.json["id"] == "7"
    assert answer.json["title"].encode()


def test_an_answer_that_is_nested_too_deeply_is_no_verdict():
    with pytest.raises(Exception, match="not JSON"):
        asked(b"[" * 200_000)


def test_an_error_and_an_exchange_are_fit_for_storage():
    error = Rejected("half \ud83d\x00", request_id="r\x00-7")
    recorder = Recorder(Says(b"a\x00b \xff"))

    recorder.send(Request("POST", "https://vendor.example", body=b"{}\x00"))

    assert (error.detail, str(error), error.request_id) == ("half \ufffd", "half \ufffd", "r-7")
    assert recorder.exchanges[0].response_body == "ab \ufffd"
    assert recorder.exchanges[0].request_body == "{}"
