"""No secret reaches a log line, whichever way it came."""

from __future__ import annotations

import pytest

from config.logs import HIDDEN, redact


@pytest.mark.parametrize(
    "event",
    [
        {"authorization": "Bearer s3cret-value"},
        {"headers": {"X-API-Key": "s3cret-value"}},
        {"rows": [{"refresh_token": "s3cret-value"}]},
        {"event": "sent Authorization: Bearer s3cret-value to the vendor"},
        {"event": "cannot reach redis://ada:s3cret-value@redis:6379"},
        {"url": "https://crm.example.com/tasks?accessKey=s3cret-value&page=2"},
        {"exception": "GET https://crm.example.com/?code=s3cret-value failed"},
        {"request": "GET /oauth/callback?state=s3cret-value&code=s3cret-value"},
    ],
)
def test_secrets_are_hidden(event):
    line = str(redact(None, "info", event))

    assert "s3cret-value" not in line
    assert HIDDEN in line


def test_the_rest_of_a_line_stays():
    event = {
        "event": "push_settled",
        "connection": "acme",
        "tries": 2,
        "url": "https://crm.example.com/?page=2",
    }

    assert redact(None, "info", event) == event
