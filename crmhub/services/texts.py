"""What services do with text: refusing what a database cannot hold, and making what is searched."""

from __future__ import annotations

from collections.abc import Iterable

from crmhub.models import Contact, Task


def refuse_nul(text: str, name: str, problems: dict[str, list[str]]) -> None:
    """Add a problem for the field when the text holds a NUL character, which PostgreSQL cannot store."""
    if "\x00" in text:
        problems.setdefault(name, []).append("A NUL character cannot be stored; remove it.")


def search_text(task: Task, contacts: Iterable[Contact]) -> str:
    """Return what a search looks through: the title, the names as typed, and the contacts' names and e-mails, upper-cased."""
    parts = [task.title, task.contact_name, task.company_name]
    for contact in contacts:
        parts += [contact.name, contact.email, contact.company]
    return "\n".join(part for part in parts if part).upper()
