"""The tests run on the database they say they run on, set up the way the engine relies on."""

from __future__ import annotations

import os

import pytest
from django.db import connection


@pytest.mark.engine
@pytest.mark.django_db
def test_the_chosen_database_is_the_one_in_use():
    chosen = "postgresql" if os.environ.get("TEST_DATABASE") == "postgres" else "sqlite"

    assert connection.vendor == chosen


@pytest.mark.engine
@pytest.mark.django_db(transaction=True)
def test_sqlite_is_a_file_with_a_write_ahead_log():
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert cursor.execute("PRAGMA database_list").fetchone()[2]


@pytest.mark.postgres
@pytest.mark.django_db
def test_postgresql_can_search_by_trigrams():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'")
        assert cursor.fetchone() == (1,)


@pytest.mark.postgres
@pytest.mark.django_db
def test_postgresql_ends_a_transaction_in_which_nothing_is_said_for_half_a_minute():
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("30s",)
