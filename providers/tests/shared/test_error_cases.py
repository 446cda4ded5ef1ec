"""What an answer means: the vendor's rows first, then what its status means everywhere."""

from __future__ import annotations

from datetime import date

import pytest

from providers.error_cases import DEFAULT_WAIT, LONGEST_QUOTE, Answer, Case, classify, vendor_words
from providers.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unconfirmed,
)

SOURCE = {"source": "https://docs.vendor.example", "read_on": date(2026, 3, 1)}


def meaning(status, *, writes=True, body=None, headers=None, is_readable=True, cases=()):
    answer = Answer(status, headers or {}, body, is_readable)
    return classify(answer, cases, vendor="Vendor", writes=writes)


@pytest.mark.parametrize("status", [200, 201, 204, 207, 299])
def test_a_readable_2xx_is_good(status):
    assert meaning(status, body={"id": "1"}) is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Permanent),
        (307, Permanent),
        (400, Rejected),
        (401, Unauthorized),
        (402, Rejected),
        (403, Forbidden),
        (404, NotFound),
        (405, Rejected),
        (409, Conflict),
        (410, NotFound),
        (413, Rejected),
        (422, Rejected),
        (429, RateLimited),
    ],
)
@pytest.mark.parametrize("writes", [True, False])
def test_a_status_means_the_same_to_reads_and_writes(status, error, writes):
    found = meaning(status, writes=writes)

    assert type(found) is error
    assert found.status == status
    assert found.detail.endswith(".")


@pytest.mark.parametrize("status", [408, 500, 501, 502, 503, 504, 520, 599])
@pytest.mark.parametrize(("writes", "error"), [(True, Unconfirmed), (False, Transient)])
def test_where_no_verdict_came_a_write_may_have_landed(status, writes, error):
    assert type(meaning(status, writes=writes)) is error


@pytest.mark.parametrize(("writes", "error"), [(True, Unconfirmed), (False, Transient)])
def test_a_2xx_that_cannot_be_read_is_no_verdict(writes, error):
    assert type(meaning(200, writes=writes, is_readable=False)) is error


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"retry-after": "7"}, 7), ({"retry-after": "0"}, 1), ({}, DEFAULT_WAIT)]
)
def test_a_429_waits_as_long_as_it_says_and_at_least_a_second(headers, seconds):
    assert meaning(429, headers=headers).retry_after == seconds


def test_a_row_of_the_vendors_comes_before_the_status():
    row = Case(
        lambda answer, words: NotFound(f"{words}!", status=answer.status),
        **SOURCE,
        status=400,
        when=lambda answer: answer.json.get("code") == "gone",
    )

    assert type(meaning(400, body={"code": "gone", "message": "no such contact"}, cases=[row])) is NotFound
    assert type(meaning(400, body={"code": "other"}, cases=[row])) is Rejected
    assert type(meaning(422, body={"code": "gone"}, cases=[row])) is Rejected


def test_a_row_finds_an_error_inside_a_200():
    row = Case(
        lambda _, words: Rejected(words), **SOURCE, when=lambda answer: answer.json["Status"] == "Error"
    )

    assert type(meaning(200, body={"Status": "Error"}, cases=[row])) is Rejected
    assert meaning(200, body={"Status": "Success"}, cases=[row]) is None


@pytest.mark.parametrize(("writes", "error"), [(True, Rejected), (False, Transient)])
def test_a_row_may_speak_of_writes_alone(writes, error):
    row = Case(lambda *_: Rejected("It was not written."), **SOURCE, status=500, writes=True)

    assert type(meaning(500, writes=writes, cases=[row])) is error


def test_the_first_row_that_fits_decides():
    rows = [Case(lambda *_: NotFound("first"), **SOURCE), Case(lambda *_: Conflict("second"), **SOURCE)]

    assert type(meaning(400, cases=rows)) is NotFound


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "title is missing."}, "title is missing"),
        ({"message": ["title is missing", "due too"]}, "title is missing; due too"),
        ({"error": {"message": "no"}}, "no"),
        ({"error": "no"}, "no"),
        ({"ExceptionMessage": "Invalid\n  Key"}, "Invalid Key"),
        ({"message": "", "error": "no"}, "no"),
        ({"message": 7}, ""),
        ({"message": None, "error": None}, ""),
        ({"message": "x" * 1000}, "x" * LONGEST_QUOTE),
        (["no"], ""),
        (None, ""),
        ("no", ""),
    ],
)
def test_the_vendors_own_words_are_found_cut_and_on_one_line(body, words):
    assert vendor_words(body) == words


def test_the_vendors_words_stand_in_the_sentence_for_staff():
    assert meaning(400, body={"message": "title is missing."}).detail == (
        "Vendor refused the request (400): title is missing."
    )


def test_each_kind_of_error_has_a_word_for_machines():
    kinds = [RateLimited("", retry_after=1), NotFound(""), Unconfirmed(""), Conflict("")]

    assert [error.code for error in kinds] == ["rate_limited", "not_found", "unconfirmed", "conflict"]
