"""The one way out: no stranger, no private address, no endless answer, no secret in what is kept."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
import traceback

import pytest

from providers.errors import NotSent, Permanent, ProviderError, Transient, Unauthorized, Unconfirmed
from providers.http import HttpTransport, Recorder, Request, is_known_host
from providers.json_api import JsonApi
from providers.keeping import KEPT_OF_A_BODY
from providers.redaction import Redactor
from providers.tests.shared.conftest import drips, drops, floods, hangs, says

VENDORS = ("api.vendor.example", ".tenants.example")


def api(transport, url, **headers):
    return JsonApi(transport, vendor="Vendor", base_url=f"{url}/", headers=headers, cases=())


def last_words(error):
    """Return what a traceback says of the error and of those that it is shown to come from, without our own source lines."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join(line for line in lines if not line.startswith(" "))


class Never:
    """A gate that lets nothing pass, at one of its two doors."""

    def __init__(self, door):
        self.door = door

    def before_request(self, request):
        if self.door == "request":
            raise NotSent("Its slot lies too far ahead.")

    def before_bytes(self):
        if self.door == "bytes":
            raise NotSent("The time to send is over.")

    def after_answer(self, request, headers, error):
        raise AssertionError("Nothing was sent.")


# Where a request may go


@pytest.mark.parametrize(
    ("host", "is_known"),
    [
        ("api.vendor.example", True),
        ("API.Vendor.Example", True),
        ("api.vendor.example.", True),
        ("eu.tenants.example", True),
        ("a.b.tenants.example", True),
        ("tenants.example", False),
        ("eviltenants.example", False),
        ("api.vendor.example.evil.example", False),
        ("xapi.vendor.example", False),
        ("", False),
    ],
)
def test_a_host_is_known_by_its_whole_name_or_by_what_follows_a_dot(host, is_known):
    assert is_known_host(host, VENDORS) is is_known


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/tasks",
        "http://api.vendor.example/tasks",
        "ftp://api.vendor.example/tasks",
        "https://api.vendor.example@evil.example/tasks",
        "https://127.0.0.1/tasks",
        "/tasks",
    ],
)
def test_nothing_goes_to_a_stranger_or_in_the_clear(url):
    transport = HttpTransport(VENDORS)

    with pytest.raises(Permanent, match="is not an address of this CRM; nothing was sent"):
        transport.send(Request("GET", url))


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_known_name_that_leads_to_a_private_address_is_not_called(listen, name):
    listener = listen(says())
    transport = HttpTransport((name,))

    with pytest.raises(Transient, match="leads to a private address"):
        transport.send(Request("POST", f"https://{name}:{listener.port}/tasks"))

    assert listener.connections == 0


def test_a_redirect_is_not_followed(listen, transport):
    elsewhere = listen(says())
    listener = listen(says(b"", status="302 Found", headers=f"Location: {elsewhere.url}/\r\n"))

    with pytest.raises(Permanent, match="redirects are not followed"):
        api(transport, listener.url).call("GET", "/tasks")

    assert elsewhere.connections == 0


def test_an_address_that_is_not_http_is_refused_even_where_any_host_will_do(transport):
    with pytest.raises(Permanent, match="is not http or https"):
        transport.send(Request("GET", "ftp://127.0.0.1/tasks?key=hunter2"))


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:abc",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:-1",
        "http://a..example.com",
        "http://.leadsquared.com",
        f"http://{'a' * 64}.example.com",
        f"http://{'a.' * 130}example.com",
        "http://crm example.com",
        "http://b\u00fccher.example",
        "http://crm\ufeff.example",
        "http://crm.example\x00",
        "http://[::1",
        "http://[zz]",
        "http://",
        "http://\u2100.example",
    ],
)
@pytest.mark.parametrize("path", ["", "/v1"])
def test_an_address_that_cannot_be_called_is_told_as_such(transport, address, path):
    with pytest.raises(Permanent, match=r"^The address .* is not one that can be called\. Correct .*\.$"):
        api(transport, f"{address}{path}").call("GET", "/tasks", query={"key": "hunter2"})


@pytest.mark.parametrize("name", [".tenants.example", "a..tenants.example", f"{'a' * 64}.tenants.example"])
def test_a_vendors_own_name_may_be_misspelled_too(name):
    with pytest.raises(Permanent, match="is not one that can be called"):
        HttpTransport(VENDORS).send(Request("GET", f"https://{name}/tasks"))


def test_an_address_that_cannot_be_called_is_told_without_the_password_in_it(transport):
    recorder, url = Recorder(transport), "http://ada:hunter2@127.0.0.1:{}/tasks"

    for port in ("abc", "80"):
        with pytest.raises(Permanent) as refusal:
            recorder.send(Request("GET", url.format(port)))

        assert "hunter2" not in last_words(refusal.value) + repr(recorder.exchanges)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_an_address_that_can_be_called_is_called(listen, transport, host):
    listener = listen(says())

    assert transport.send(Request("GET", f"http://{host}:{listener.port}/tasks")).status == 200


@pytest.mark.parametrize(
    "token",
    [
        "hunter2\x00known",
        "hunter2\nX-Other: known",
        "\ufeffhunter2",
        "hunter2-\u00fcber",
        "hunter2\x7f",
        "hunter2-\udc00",
        "hunter2\r",
    ],
)
def test_credentials_that_cannot_be_sent_are_to_be_pasted_again_and_are_not_repeated(
    listen, transport, token
):
    listener = listen(says())

    with pytest.raises(Unauthorized) as refusal:
        api(transport, listener.url, Authorization=f"Bearer {token}").call("POST", "/tasks")

    assert refusal.value.detail == "The credentials hold a character that cannot be sent. Paste them again."
    assert "hunter2" not in last_words(refusal.value)
    assert refusal.value.__context__ is None
    assert listener.received == []


def test_what_the_library_refuses_is_told_without_repeating_it(listen, transport):
    listener = listen(says())

    with pytest.raises(Transient, match="could not be put on this connection") as refusal:
        transport.send(Request("GET", listener.url, headers={"a hunter2": "x"}))

    assert "hunter2" not in last_words(refusal.value)


# How long and how much


@pytest.mark.parametrize(("writes", "error"), [(True, Unconfirmed), (False, Transient)])
@pytest.mark.parametrize("answer", [hangs, drips])
def test_the_whole_call_ends_at_its_deadline_however_slowly_the_answer_drips(
    listen, transport, answer, writes, error
):
    listener = listen(answer)
    started = time.monotonic()

    with pytest.raises(error, match="it took too long"):
        transport.send(Request("POST", listener.url, writes=writes))

    assert 0.4 < time.monotonic() - started < 1.5


@pytest.mark.parametrize(("writes", "error"), [(True, Unconfirmed), (False, Transient)])
def test_an_answer_that_breaks_off_may_have_landed_only_where_something_was_written(
    listen, transport, writes, error
):
    listener = listen(drops)

    with pytest.raises(error, match="No answer from 127") as lost:
        transport.send(Request("POST", listener.url, writes=writes))

    assert len(listener.received) == 1
    assert ".." not in lost.value.detail


@pytest.mark.parametrize(("writes", "error"), [(True, Unconfirmed), (False, Transient)])
def test_an_answer_of_more_than_four_megabytes_is_not_read_to_its_end(listen, writes, error):
    listener = listen(floods)
    transport = HttpTransport((), any_host=True, deadline_s=10)

    with pytest.raises(error, match="the answer is too large"):
        transport.send(Request("POST", listener.url, writes=writes))


def test_what_cannot_be_reached_has_got_nothing(transport):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(Transient, match="connection refused"):
        transport.send(Request("POST", f"http://127.0.0.1:{port}/tasks"))


def test_a_name_that_nobody_knows_has_got_nothing():
    with pytest.raises(Transient, match="Could not connect to nowhere"):
        HttpTransport(VENDORS).send(Request("POST", "https://nowhere.tenants.example/tasks"))


def test_a_connection_is_used_again_and_by_threads_side_by_side(listen, transport):
    listener = listen(says(b'"%d"' % 1))
    for _ in range(3):
        transport.send(Request("GET", listener.url))
    after_three = listener.connections
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(transport.send(Request("GET", listener.url))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert after_three == 1
    assert [answer.status for answer in answers] == [200] * 4


# The gate


@pytest.mark.parametrize("door", ["request", "bytes"])
def test_what_the_gate_holds_back_is_never_sent_and_not_kept(listen, transport, door):
    listener = listen(says())
    recorder = Recorder(transport, gate=Never(door))

    with pytest.raises(NotSent):
        recorder.send(Request("POST", listener.url, body=b"{}"))

    assert (listener.received, recorder.exchanges) == ([], [])


def test_a_request_that_was_held_back_does_not_spoil_the_next(listen, transport):
    listener = listen(says())
    with pytest.raises(NotSent):
        Recorder(transport, gate=Never("bytes")).send(Request("POST", listener.url))

    answer = Recorder(transport, gate=Never("no door")).send(Request("POST", listener.url))

    assert (answer.status, len(listener.received)) == (200, 1)


# What is kept


SECRET = 'p/t+k=n & 100% ü"'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key hunter2-known", "key •••"),
        ("a=p%2Ft%2Bk%3Dn%20%26%20100%25%20%C3%BC%22&b=1", "a=•••&b=1"),
        ("a=p%2Ft%2Bk%3Dn+%26+100%25+%C3%BC%22&b=1", "a=•••&b=1"),
        ("a=p%2ft%2bk%3dn%20%26%20100%25%20%c3%bc%22&b=1", "a=•••&b=1"),
        (json.dumps({"key": SECRET}), '{"key": "•••"}'),
        (json.dumps({"key": SECRET}).replace("/", r"\/"), '{"key": "•••"}'),
        (json.dumps({"key": SECRET}).replace("+", r"\u002B").replace("&", r"\u0026"), '{"key": "•••"}'),
        ("?key=p/t%2Bk=n%20%26%20100%25%20%C3%BC%22", "?key=•••"),
        (json.dumps({"key": SECRET}, ensure_ascii=False), '{"key": "•••"}'),
        (f"({SECRET})", "(•••)"),
        ("abc", "abc"),
        ("nothing", "nothing"),
    ],
)
def test_secrets_are_dots_however_they_are_written(text, shown):
    assert Redactor(["hunter2-known", SECRET, "abc", ""])(text) == shown


@pytest.mark.parametrize("text", ["key hunter2-known.", "key hunter2-known\n.", "key hunter2-known%0A."])
def test_a_secret_that_was_pasted_with_blanks_is_dots_with_and_without_them(text):
    assert Redactor(["hunter2-known\n", "   \n \n"])(text) == "key •••."


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2\x00known",
        "\ufeffhunter2",
        "hunter2\nknown",
        "hunter2-\u00fcber",
        "hunt'er2",
        "hu\\\"nt'er2",
        "a\udc00hunter2",
    ],
)
@pytest.mark.parametrize("shape", ["{}", "Bearer {}", "it's {}", '"{}"', "'{}\""])
def test_a_secret_is_dots_as_a_message_of_python_spells_it(secret, shape):
    text = shape.format(secret)
    spelled = [repr(text), ascii(text), repr(text.encode("utf-8", "surrogatepass")), repr({"key": text})]

    assert [one for one in map(Redactor([secret]), spelled) if "hunt" in one or "er2" in one] == []


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "grace@client.example"])
@pytest.mark.parametrize("after", ["", ":", ":x"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_dots_inside_basic_credentials(user, after, encode):
    spelled = encode(f"{user}:hunter2?known>{after}".encode()).decode()

    shown = Redactor(["hunter2?known>"])(f"Basic {spelled}.")

    assert "•••" in shown
    assert len(shown) < len(f"Basic {spelled}.") - 12


def test_the_longer_of_two_secrets_is_taken_out_whole():
    assert Redactor(["hunter2", "hunter2-and-more"])("hunter2-and-more hunter2") == "••• •••"


def test_an_exchange_is_kept_without_headers_and_without_secrets(listen, transport):
    listener = listen(says(b'{"echo": "hunter2-known"}', headers="X-Token: hunter2-known\r\n"))
    recorder = Recorder(transport, secrets=["hunter2-known"])

    api(recorder, listener.url, Authorization="hunter2-known").call(
        "POST", "/tasks", json_body={"title": "hunter2-known"}, query={"key": "hunter2-known"}
    )

    [kept] = recorder.exchanges
    assert "hunter2" not in repr(kept)
    assert (kept.method, kept.url, kept.status) == ("POST", f"{listener.url}/tasks?key=•••", 200)
    assert (kept.request_body, kept.response_body) == ('{"title": "•••"}', '{"echo": "•••"}')
    assert b"Authorization: hunter2-known" in listener.received[0]


@pytest.mark.parametrize("before", range(KEPT_OF_A_BODY - 14, KEPT_OF_A_BODY + 2, 3))
def test_a_secret_at_the_edge_of_what_is_kept_is_not_kept_by_half(listen, transport, before):
    listener = listen(says(b'"' + b"x" * before + b'hunter2-known" '))
    recorder = Recorder(transport, secrets=["hunter2-known"])

    recorder.send(Request("GET", listener.url))

    kept = recorder.exchanges[0].response_body
    assert "hunt" not in kept
    assert len(kept) <= KEPT_OF_A_BODY


def test_a_request_without_an_answer_is_kept_and_its_error_has_no_secret(listen, transport):
    listener = listen(drops)
    recorder = Recorder(transport, secrets=["127.0.0.1"])

    with pytest.raises(Unconfirmed) as lost:
        recorder.send(Request("POST", listener.url, body=b"\x00{}"))

    [kept] = recorder.exchanges
    assert (kept.status, kept.request_body, kept.response_body) == (None, "{}", "")
    assert "127.0.0.1" not in lost.value.detail
    assert "127.0.0.1" not in str(lost.value)


# JSON


def test_a_call_says_what_it_wants_and_reads_what_it_gets(listen, transport):
    listener = listen(says(b'{"id": "1"}', headers="X-Rate-Left: 7\r\n"))

    answer = api(transport, listener.url, Authorization="Bearer x").call(
        "PATCH", "/tasks/1", json_body={"title": "ü"}, query={"field": ["a", "b c"]}, headers={"X-Once": "1"}
    )

    head, _, body = listener.received[0].decode().partition("\r\n\r\n")
    assert head.startswith("PATCH /tasks/1?field=a&field=b+c HTTP/1.1\r\n")
    for line in (
        "Authorization: Bearer x",
        "X-Once: 1",
        "Accept: application/json",
        "User-Agent: crmhub/1.0",
    ):
        assert line in head
    assert json.loads(body) == {"title": "ü"}
    assert (answer.status, answer.json, answer.headers["x-rate-left"]) == (200, {"id": "1"}, "7")


@pytest.mark.parametrize("body", [b"", b"  \r\n"])
def test_an_empty_answer_reads_as_nothing(listen, transport, body):
    listener = listen(says(body))

    assert api(transport, listener.url).call("DELETE", "/tasks/1").json is None


@pytest.mark.parametrize(
    ("method", "writes", "error"),
    [
        ("GET", None, Transient),
        ("POST", None, Unconfirmed),
        ("POST", False, Transient),
        ("GET", True, Unconfirmed),
    ],
)
def test_an_answer_that_is_not_json_is_no_verdict(listen, transport, method, writes, error):
    listener = listen(says(b"<html>We will be back soon</html>"))

    with pytest.raises(ProviderError) as refusal:
        api(transport, listener.url).call(method, "/tasks", writes=writes)

    assert type(refusal.value) is error
    assert "html" not in refusal.value.detail


def test_a_refusal_carries_the_vendors_name_for_the_request(listen, transport):
    answer = says(b'{"message": "no such thing"}', status="404 Not Found", headers="X-Request-Id: r-77\r\n")
    listener = listen(answer)

    with pytest.raises(ProviderError) as refusal:
        api(transport, listener.url).call("GET", "/tasks/9")

    assert (refusal.value.code, refusal.value.request_id, refusal.value.status) == ("not_found", "r-77", 404)
    assert refusal.value.detail == "Vendor has no such record: no such thing."
