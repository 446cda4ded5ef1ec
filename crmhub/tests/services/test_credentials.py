"""Sealing secrets and changing the keys they are sealed with."""

from __future__ import annotations

import base64

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from crmhub import crypto, services
from crmhub.crypto import SecretsUnreadable
from crmhub.models import Connection
from crmhub.tests.services.conftest import connect, known_secrets, stored

OLD, NEW, OTHER = (base64.urlsafe_b64encode(bytes([number]) * 32).decode() for number in (1, 2, 3))


@pytest.fixture(autouse=True)
def one_key(settings):
    settings.CREDENTIALS_KEYS = [OLD]


def sealed() -> dict[str, str]:
    return dict(Connection.objects.values_list("name", "sealed_secrets"))


def test_what_was_sealed_is_read_again_and_each_seal_differs():
    secrets = {"token": "known-to-nobody", "refresh_token": "ümlaut ☂"}

    first, second = crypto.seal(secrets), crypto.seal(secrets)

    assert crypto.unseal(first) == crypto.unseal(second) == secrets
    assert first != second


def test_nothing_sealed_is_no_secrets():
    assert crypto.unseal("") == {}


def test_the_first_key_seals_and_all_of_them_read(settings):
    old = crypto.seal({"token": "old"})
    settings.CREDENTIALS_KEYS = [NEW, OLD]
    new = crypto.seal({"token": "new"})

    assert crypto.unseal(old) == {"token": "old"}
    assert Fernet(NEW).decrypt(new.encode()) == b'{"token": "new"}'


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-5] + "AAAA=", lambda text: text[:40], lambda _: "nonsense"]
)
def test_a_seal_that_was_changed_is_refused_and_not_shown(spoil):
    text = spoil(crypto.seal({"token": "known-to-nobody"}))

    with pytest.raises(
        SecretsUnreadable, match="cannot be read with the keys in CREDENTIALS_KEYS"
    ) as refusal:
        crypto.unseal(text)

    assert text not in str(refusal.value)


@pytest.mark.parametrize(("keys", "words"), [([], "is empty"), (["too-short"], "not a key")])
def test_keys_that_are_missing_or_wrong_are_named(settings, keys, words):
    settings.CREDENTIALS_KEYS = keys

    with pytest.raises(ImproperlyConfigured, match=f"CREDENTIALS_KEYS .*{words}"):
        crypto.seal({"token": "known-to-nobody"})


def test_a_new_key_is_one_that_seals(settings):
    settings.CREDENTIALS_KEYS = [crypto.new_key()]

    assert crypto.unseal(crypto.seal({"token": "x"})) == {"token": "x"}


@pytest.mark.django_db
@pytest.mark.engine
def test_rotation_seals_every_account_with_the_newest_key(settings):
    connect("First")
    connect("Second", provider="leadsquared")
    ended = connect("Ended")
    services.disconnect_account(connection=ended)
    settings.CREDENTIALS_KEYS = [NEW, OLD]

    count = services.reseal_secrets()

    settings.CREDENTIALS_KEYS = [NEW]
    assert count == 2
    assert Connection.objects.get(name="First").secrets == known_secrets("highlevel")
    assert Connection.objects.get(name="Second").secrets == known_secrets("leadsquared")
    assert stored(ended).sealed_secrets == ""


@pytest.mark.django_db
@pytest.mark.engine
@pytest.mark.parametrize("keys", [[NEW], [NEW, OTHER]])
def test_rotation_without_the_old_key_changes_nothing_and_says_so(settings, keys):
    connect("First")
    settings.CREDENTIALS_KEYS = [NEW, OLD]
    connect("Second")
    before = sealed()
    settings.CREDENTIALS_KEYS = keys

    with pytest.raises(SecretsUnreadable, match="the key that sealed them is missing or wrong"):
        services.reseal_secrets()

    assert sealed() == before


@pytest.mark.django_db
def test_rotation_may_be_repeated(settings):
    connection = connect("First")
    settings.CREDENTIALS_KEYS = [NEW, OLD]

    services.reseal_secrets()
    services.reseal_secrets()

    assert stored(connection).secrets == known_secrets("highlevel")
    assert stored(connection).credentials_version == 1


@pytest.mark.django_db
def test_an_account_whose_key_is_lost_can_be_given_its_secrets_anew(settings):
    connection = connect("First")
    settings.CREDENTIALS_KEYS = [NEW]

    services.change_connection(connection=connection, secrets={"token": "given-anew"})

    assert stored(connection).secrets == {"token": "given-anew"}


@pytest.mark.django_db
def test_a_part_of_the_secrets_is_not_enough_when_the_key_is_lost(settings):
    connection = connect("First", provider="leadsquared")
    before = sealed()
    settings.CREDENTIALS_KEYS = [NEW]

    with pytest.raises(SecretsUnreadable):
        services.change_connection(connection=connection, secrets={"secret_key": "given-anew"})

    assert sealed() == before
