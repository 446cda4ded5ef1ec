"""A search finds the middle of words, in titles and in the names of contacts, and an index knows them on either database."""

from __future__ import annotations

import pytest
from django.db import connection as database

from crmhub import services
from crmhub.models import Contact, Task
from crmhub.queries.tasks import matching, tasks_in_use

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


@pytest.fixture
def grace() -> Contact:
    return services.save_contact(
        contact=Contact(first_name="Grace", last_name="Hopper", email="grace@example.com"),
        changed=["first_name", "last_name", "email"],
    )


def save(title: str, *contacts: Contact) -> Task:
    about = services.Associations(contacts=[services.Associated(one.pk) for one in contacts])
    return services.save_task(task=Task(title=title), changed=["title"], associations=about).task


def found(text: str) -> list[str]:
    return sorted(matching(tasks_in_use(), text).values_list("title", flat=True))


@pytest.mark.parametrize(
    "text",
    [
        "contract",
        "ontrac",
        "GRACE",
        "grace@ex",
        "hopper signed",
        "n",
        "10 % off",
        'say "yes"',
        "straße",
        "a_b",
        "✍️",
        "*",
        "\x00contract",
    ],
)
def test_every_part_of_a_word_is_found(grace, text):
    save('Send the signed contract: 10 % off, say "yes", a_b* in der Straße ✍️', grace)
    save("Call Edith")

    assert len(found(text)) == 1


@pytest.mark.parametrize("text", ["contract edith", "xyz", '"', "OR", "a%b", "axb"])
def test_what_is_nowhere_together_is_not_found(grace, text):
    save("Send the contract a_b", grace)
    save("Call Edith")

    assert found(text) == []


def test_a_search_knows_what_was_changed_and_what_is_gone(grace):
    task = save("Call about the invoice", grace)
    other = save("Call about the proposal")
    task.title = "Call about the renewal"
    services.save_task(task=task, changed=["title"])
    grace.last_name = "Murray"
    services.save_contact(contact=grace, changed=["last_name"])
    services.delete_task(task=other)

    assert [found(text) for text in ("invoice", "renewal", "hopper", "murray", "proposal")] == [
        [],
        ["Call about the renewal"],
        [],
        ["Call about the renewal"],
        [],
    ]


def test_an_index_knows_the_words():
    Task.objects.bulk_create(
        Task(
            title=f"{n}",
            search_text=f"CALL {n:07}",
            created_at="2026-01-01T00:00Z",
            updated_at="2026-01-01T00:00Z",
        )
        for n in range(3000)
    )
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")
        if database.vendor == "postgresql":
            # Some thousand rows are read sooner than looked up; whether the index would do is asked of it alone.
            cursor.execute("SET LOCAL enable_seqscan = off")
            # What was just saved waits beside the index until a vacuum takes it in.
            cursor.execute("SELECT gin_clean_pending_list('task_by_words')")

    plan = matching(tasks_in_use(), "0002777").explain()

    assert found("0002777") == ["2777"]
    assert "task_by_words" in plan or "VIRTUAL TABLE INDEX" in plan
