"""The hub's values in HubSpot's JSON and back."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from providers.errors import Rejected
from providers.hubspot.html import from_html, to_html
from providers.hubspot.payloads import (
    PROPERTY_OF,
    Spelling,
    from_due,
    from_moment,
    limits_left,
    new_task,
    read_map,
    remote_task,
    task_properties,
    to_moment,
)
from providers.types import (
    Field,
    HubKey,
    Priority,
    TaskDraft,
    TaskStatus,
    with_marker,
)

BERLIN = ZoneInfo("Europe/Berlin")
SPELLING = Spelling("Europe/Berlin", {"support": "123456"}, "4711", "app-eu1.hubspot.com")
DRAFT = TaskDraft(title="Call Grace", created_at=datetime(2026, 11, 20, 8, tzinfo=UTC), due=date(2026, 12, 1))
KEY = HubKey(uuid.UUID(int=7))


def sent(draft, names=frozenset(PROPERTY_OF)):
    return task_properties(draft, names, body=draft.body, spelling=SPELLING)


def replaced(**changes):
    return TaskDraft(**{"title": "Call Grace", "created_at": DRAFT.created_at, "due": DRAFT.due, **changes})


@pytest.mark.parametrize(
    ("due", "moment"),
    [
        (date(2026, 12, 1), "2026-12-01T08:00:00.000Z"),
        (date(2026, 7, 1), "2026-07-01T07:00:00.000Z"),
        (date(2027, 3, 28), "2027-03-28T07:00:00.000Z"),
        (datetime(2026, 12, 1, 14, 30, tzinfo=UTC), "2026-12-01T14:30:00.000Z"),
        (datetime(2026, 12, 1, 9, 0, tzinfo=BERLIN), "2026-12-01T08:00:00.001Z"),
    ],
)
def test_a_day_is_nine_in_the_morning_of_that_day(due, moment):
    assert to_moment(due, BERLIN) == moment


@pytest.mark.parametrize(
    ("value", "due"),
    [
        ("2026-12-01T08:00:00.000Z", date(2026, 12, 1)),
        ("2026-07-01T07:00:00Z", date(2026, 7, 1)),
        ("1796112000000", date(2026, 12, 1)),
        ("2026-12-01T08:00:00.001Z", datetime(2026, 12, 1, 8, 0, 0, 1000, tzinfo=UTC)),
        ("2026-12-01T09:00:00.000Z", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("", None),
    ],
)
def test_the_moment_of_a_day_is_read_as_the_day(value, due):
    assert from_due(value, BERLIN) == due


@pytest.mark.parametrize(
    "zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "America/Sao_Paulo"]
)
@pytest.mark.parametrize(
    "day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 12, 31), date(2028, 2, 29)]
)
def test_a_day_stays_that_day_in_every_zone(zone, day):
    assert from_due(to_moment(day, ZoneInfo(zone)), ZoneInfo(zone)) == day


def test_a_zone_that_is_not_known_is_said_in_words():
    with pytest.raises(Rejected, match="time zone 'Mars/Base' is not known") as caught:
        _ = Spelling("Mars/Base").zone

    assert list(caught.value.fields) == [Field.DUE]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("one\ntwo\r\nthree\rfour", "one<br>two<br>three<br>four"),
        ("<b>bold</b> &amp;", "&lt;b&gt;bold&lt;/b&gt; &amp;amp;"),
        ("\n  indented\n\n", "<br>  indented<br><br>"),
        ("", ""),
    ],
)
def test_plain_text_is_shown_as_it_is_and_comes_back(text, html):
    assert to_html(text) == html
    assert from_html(html) == text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Ask for the new floor plan</p>", "Ask for the new floor plan"),
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("<div>one<br>two</div>", "one\ntwo"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("a <a href='https://x.example'>link</a> &amp; more", "a link & more"),
        ("<script>alert(1)</script>safe", "safe"),
        ("plain, never escaped: 1 < 2", "plain, never escaped: 1 < 2"),
    ],
)
def test_what_people_wrote_there_is_read_as_text(html, text):
    assert from_html(html) == text


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("open", "NOT_STARTED"),
        ("in_progress", "IN_PROGRESS"),
        ("waiting", "WAITING"),
        ("deferred", "DEFERRED"),
        ("completed", "COMPLETED"),
    ],
)
def test_each_status_has_a_word_there(ours, theirs):
    assert sent(replaced(status=TaskStatus(ours)))["hs_task_status"] == theirs
    assert held(hs_task_status=theirs)[Field.STATUS] == ours


@pytest.mark.parametrize(
    ("ours", "theirs"), [("none", ""), ("low", "LOW"), ("medium", "MEDIUM"), ("high", "HIGH")]
)
def test_each_priority_has_a_word_there(ours, theirs):
    assert sent(replaced(priority=Priority(ours)))["hs_task_priority"] == theirs
    assert held(hs_task_priority=theirs)[Field.PRIORITY] == ours


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("", ""), ("todo", "TODO"), ("call", "CALL"), ("email", "EMAIL"), ("linkedin", "LINKED_IN_MESSAGE")],
)
def test_each_type_has_a_word_there(ours, theirs):
    assert sent(replaced(type=ours))["hs_task_type"] == theirs
    assert held(hs_task_type=theirs)[Field.TYPE] == ours


@pytest.mark.parametrize(
    ("name", "theirs", "field", "ours"),
    [
        ("hs_task_priority", "NONE", Field.PRIORITY, "none"),
        ("hs_task_priority", "URGENT", Field.PRIORITY, "none"),
        ("hs_task_type", "MEETING", Field.TYPE, "todo"),
        ("hs_task_type", "LINKED_IN_CONNECT", Field.TYPE, "linkedin"),
        ("hs_task_status", "SOMEDAY", Field.STATUS, "open"),
        ("hs_task_status", None, Field.STATUS, "open"),
        ("hs_task_reminders", "1791187200000;1791190800000", Field.REMINDER, "2026-10-05T08:00:00Z"),
        ("hs_queue_membership_ids", "123456", Field.QUEUE, "support"),
        ("hs_queue_membership_ids", "999", Field.QUEUE, "999"),
        ("hs_timestamp", None, Field.DUE, None),
        ("hubspot_owner_id", None, Field.ASSIGNEE, ""),
    ],
)
def test_words_that_we_never_send_are_read_all_the_same(name, theirs, field, ours):
    assert held(**{name: theirs}) == {field: ours}


def held(**properties):
    return remote_task({"id": "9001", "properties": properties}, spelling=SPELLING).holds


def test_what_an_answer_does_not_tell_is_absent():
    assert held(hs_task_subject="Call Grace") == {Field.TITLE: "Call Grace"}


def test_an_update_sends_what_changed_and_clears_what_is_empty():
    draft = replaced(title="New", type="", assignee="", reminder_at=None)

    properties = sent(draft, {Field.TITLE, Field.TYPE, Field.ASSIGNEE, Field.REMINDER, Field.LOCATION})

    assert properties == {
        "hs_task_subject": "New",
        "hs_task_type": "",
        "hubspot_owner_id": "",
        "hs_task_reminders": "",
    }


def test_a_reminder_is_sent_in_milliseconds():
    draft = replaced(reminder_at=datetime(2026, 10, 5, 8, tzinfo=UTC))

    assert sent(draft)["hs_task_reminders"] == "1791187200000"


def test_a_new_task_has_nothing_to_clear():
    body = new_task(sent(DRAFT), [])

    assert body == {
        "properties": {
            "hs_task_subject": "Call Grace",
            "hs_task_status": "NOT_STARTED",
            "hs_timestamp": "2026-12-01T08:00:00.000Z",
        },
        "associations": [],
    }


@pytest.mark.parametrize("body", ["", "Ask for the manual.", "two\nlines", "ends with [hub:not a key]"])
def test_the_marker_is_taken_out_of_the_body_again(body):
    answer = {"id": "1", "properties": {"hs_task_body": to_html(with_marker(body, KEY))}}

    task = remote_task(answer, spelling=SPELLING)

    assert (task.holds[Field.BODY], task.key) == (body, str(KEY))


def test_the_property_goes_before_the_marker():
    properties = {"hub_task_key": "abc.1", "hs_task_body": with_marker("x", KEY)}

    assert remote_task({"id": "1", "properties": properties}, spelling=SPELLING).key == "abc.1"


@pytest.mark.parametrize(
    ("answer", "url"),
    [
        ({"id": "9001"}, "https://app-eu1.hubspot.com/tasks/4711/view/all/task/9001"),
        ({"id": "9001", "url": "https://app.hubspot.com/x"}, "https://app.hubspot.com/x"),
    ],
)
def test_a_task_has_a_page(answer, url):
    assert remote_task(answer, spelling=SPELLING).url == url
    assert remote_task({"id": "9001"}, spelling=Spelling()).url == ""


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("1791187200000", datetime(2026, 10, 5, 8, tzinfo=UTC)),
        ("2026-10-05T08:00:00Z", datetime(2026, 10, 5, 8, tzinfo=UTC)),
        ("2026-10-05T10:00:00.000+02:00", datetime(2026, 10, 5, 8, tzinfo=UTC)),
        ("2026-10-05T08:00:00", datetime(2026, 10, 5, 8, tzinfo=UTC)),
        ("soon", None),
        ("--5", None),
        ("9" * 30, None),
        ("9" * 5000, None),
        ("-1", datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_moment_is_read_in_either_form(value, moment):
    assert from_moment(value) == moment


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("support=123456, sales=9", {"support": "123456", "sales": "9"}),
        ({"support": 123456}, {"support": "123456"}),
        ("", {}),
        (None, {}),
        ("nonsense", {}),
    ],
)
def test_a_map_setting_is_read_in_either_form(value, found):
    assert read_map(value) == found


def test_the_limits_left_are_said_in_words():
    headers = {
        "x-hubspot-ratelimit-max": "190",
        "x-hubspot-ratelimit-remaining": "189",
        "x-hubspot-ratelimit-daily": "625000",
        "x-hubspot-ratelimit-daily-remaining": "624999",
    }

    assert limits_left(headers) == (
        "189 of 190 requests left in these ten seconds",
        "624999 of 625000 requests left today",
    )
    assert limits_left({}) == ()
