"""API keys: shown once, kept as a digest, each with a service user of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from crmhub import services
from crmhub.models import ApiKey, Task
from crmhub.tests.services.conftest import LATER, NOON, stored

pytestmark = pytest.mark.django_db


def test_a_key_is_shown_once_and_not_kept():
    key, text = services.create_key(name=" billing ", scopes=["tasks:write", "tasks:read", "tasks:read"])

    kept = stored(key)
    assert (kept.name, kept.scopes, kept.expiry) == ("billing", ["tasks:read", "tasks:write"], None)
    assert text.startswith("crmhub_")
    assert text not in str(vars(kept))


def test_a_key_can_have_an_end():
    key, _ = services.create_key(name="billing", scopes=["tasks:read"], expires_in=timedelta(days=1))

    assert timedelta(hours=23) < key.expiry - key.created <= timedelta(days=1, minutes=1)


def test_each_key_has_a_user_of_its_own_that_nobody_can_sign_in_as():
    first, _ = services.create_key(name="Billing", scopes=["tasks:read"])
    second, _ = services.create_key(name="billing!", scopes=["tasks:read"])

    assert [first.user.username, second.user.username] == ["service-billing", "service-billing-2"]
    assert not first.user.is_active
    assert not first.user.has_usable_password()


@pytest.mark.engine
@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        ({"scopes": []}, "scopes", "at least one scope"),
        ({"scopes": ["tasks:read", "tasks:all"]}, "scopes", "Unknown: tasks:all. The scopes are tasks:read"),
        ({"name": "taken"}, "name", "a key named taken already"),
        ({"name": " taken "}, "name", "a key named taken already"),
        ({"name": ""}, "name", "1 to 100 printable characters"),
        ({"name": "x" * 101}, "name", "1 to 100 printable characters"),
        ({"name": "bil\x00ling"}, "name", "1 to 100 printable characters"),
    ],
)
def test_a_wrong_key_is_refused_by_field_and_leaves_no_user_behind(values, name, words):
    services.create_key(name="taken", scopes=["tasks:read"])

    with pytest.raises(ValidationError) as refusal:
        services.create_key(**{"name": "billing", "scopes": ["tasks:read"], **values})

    assert words in refusal.value.message_dict[name][0]
    assert (ApiKey.objects.count(), get_user_model().objects.count()) == (1, 1)


def test_a_revoked_key_is_gone_and_its_user_stays_for_the_history():
    key, _ = services.create_key(name="billing", scopes=["tasks:write"])
    task = Task(title="Call Grace", created_at=None)
    services.save_task(task=task, changed=[], by=key.user, now=NOON)

    services.revoke_key(key=key)

    assert not ApiKey.objects.exists()
    assert task.history.get().history_user.username == "service-billing"


def test_when_a_key_was_last_used_is_written_at_most_once_a_minute():
    key, _ = services.create_key(name="billing", scopes=["tasks:read"])
    moments = []
    for now in (NOON, NOON + timedelta(seconds=59), LATER):
        services.note_key_used(key=stored(key), now=now)
        moments.append(stored(key).last_used_at)

    assert moments == [NOON, NOON, LATER]
