"""What the tests of the simulated HighLevel share: the documented example, a contact, and how an error is read."""

from __future__ import annotations

# The example of the vendor's page "Create Task".
EXAMPLE = {
    "title": "First Task",
    "body": "loram ipsum",
    "dueDate": "2020-10-25T11:00:00Z",
    "completed": True,
}
GRACE = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "email": "grace@client.example",
    "phone": "+12025550123",
}


def error(reply):
    """Return status and message of a refusal, which names its status in the body as well."""
    body = reply.json()
    assert body["statusCode"] == reply.status_code
    assert body["traceId"]
    return reply.status_code, body["message"]
