"""Attempts as they were recorded: out of the database, into a file and out of one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO
from uuid import UUID

from crmhub.models import Attempt
from crmhub.sync.plain import plain, restored
from providers.redaction import Redactor

FORMAT = {"crmhub": "attempts", "format": 1}  # the first line of a file


class Unreadable(Exception):
    """This is no file of recorded attempts, or a line of it is damaged."""


@dataclass(frozen=True)
class Recorded:
    """One attempt with all that it keeps; the names are the model's. `connection` is the name of the account, `claim` the claim's token."""

    id: int
    connection: str
    provider: str
    claim: UUID
    operation: str
    started_at: datetime
    outcome: str
    detail: str
    decision: str
    request: str
    response: str
    status_code: int | None = None
    effects: tuple[Mapping[str, Any], ...] = ()
    intent: Mapping[str, Any] | None = None
    settled: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, attempt: Attempt) -> Recorded:
        """Return what the row keeps."""
        return cls(
            id=attempt.pk,
            connection=attempt.connection.name,
            provider=attempt.connection.provider,
            claim=attempt.claim_token,
            operation=attempt.operation,
            started_at=attempt.started_at,
            outcome=attempt.outcome,
            detail=attempt.detail,
            decision=attempt.decision,
            request=attempt.request,
            response=attempt.response,
            status_code=attempt.status_code,
            effects=tuple(attempt.effects),
            intent=attempt.intent,
            settled=attempt.settled,
        )


def write_file(attempts: Iterable[Attempt], file: TextIO) -> int:
    """Write the attempts, a line of JSON each; returns how many.

    Credentials are in no attempt. Should staff have typed one into a task, it is taken out here. Raises `SecretsUnreadable`.
    """
    redactors: dict[UUID, Redactor] = {}
    file.write(json.dumps(FORMAT) + "\n")
    count = 0
    for attempt in attempts:
        account = attempt.connection
        if account.pk not in redactors:
            redactors[account.pk] = Redactor(account.secrets.values())
        line = json.dumps(plain(Recorded.of(attempt)), ensure_ascii=False)
        file.write(redactors[account.pk](line) + "\n")
        count += 1
    return count


def read_file(file: TextIO) -> Iterator[Recorded]:
    """Yield what `write_file` wrote. Raises `Unreadable`."""
    for number, line in enumerate(file, 1):
        try:
            told = json.loads(line)
            if number > 1:
                yield restored(Recorded, told)
            elif told != FORMAT:
                raise ValueError("not a file of attempts")
        except (ValueError, TypeError, AttributeError) as error:
            raise Unreadable(f"line {number} is not what `rerun --export` writes") from error
