#!/usr/bin/env python3
"""Write what each CRM can hold and do into the documents, from `providers/*/capabilities.py`: `.venv/bin/python -m tools.matrix`.

Only the parts between `<!-- made from the code: … -->` and `<!-- end -->` are written. `--check` writes nothing and ends with 1 when a part
is out of date. No CRM is called and no setting is read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path

from providers import registry
from providers.capabilities import Capabilities, Claim, Level, Limit, Operation, Support
from providers.types import Field

ROOT = Path(__file__).resolve().parent.parent
PART = re.compile(
    r"(?P<begin><!-- made from the code: (?P<what>[a-z_]+)(?: (?P<code>[a-z]+))? -->\n)(?P<text>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)
WORDS = {Level.FULL: "yes", Level.LOSSY: "partly", Level.NONE: "–"}


def pages() -> list[Path]:
    """Return the documents that have a part made from the code."""
    return [
        ROOT / "providers" / "README.md",
        ROOT / "docs" / "capabilities.md",
        ROOT / "docs" / "vendor-pages.md",
        *sorted((ROOT / "docs" / "connect").glob("*.md")),
    ]


def renewed(text: str) -> str:
    """Return the page with every such part as the code has it now. Raises `KeyError` for a part that nobody makes."""
    return PART.sub(
        lambda part: f"{part['begin']}\n{_made(part['what'], part['code'])}\n\n{part['end']}", text
    )


def main(arguments: Sequence[str]) -> int:
    """Bring the pages up to date, or with `--check` only look; return the exit status."""
    stale = [
        page
        for page in pages()
        if renewed(page.read_text(encoding="utf-8")) != page.read_text(encoding="utf-8")
    ]
    for page in stale:
        print(f"{page.relative_to(ROOT)} {'is out of date' if '--check' in arguments else 'is written anew'}")
        if "--check" not in arguments:
            page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


def _made(what: str, code: str | None) -> str:
    if code is None:
        return _OF_ALL[what]()
    return _OF_ONE[what](registry.capabilities(code))


# About all CRMs


def fields() -> str:
    """Return the table of fields and CRMs."""
    rows = [[f"`{name}`", *[WORDS[can.supports(name).level] for can in _all()]] for name in Field]
    return _table(["field", *_labels()], rows)


def operations() -> str:
    """Return the table of operations and CRMs."""
    rows = [[f"`{name}`", *["yes" if can.can(name) else "–" for can in _all()]] for name in Operation]
    return _table(["operation", *_labels()], rows)


def numbers() -> str:
    """Return the table of what the engine reckons with."""
    rows: list[list[str]] = [
        ["API version", *[can.api_version for can in _all()]],
        ["rate, unless the settings say otherwise", *[_limits(can.limits) for can in _all()]],
        ["tasks in one request, at most", *[str(can.batch_size) for can in _all()]],
        ["requests side by side", *[str(can.parallel) for can in _all()]],
        ["look-ups may lag, seconds", *[f"{can.find_lag.total_seconds():g}" for can in _all()]],
        [
            "a sent request may still land for, seconds",
            *[f"{can.landing.total_seconds():g}" for can in _all()],
        ],
        [
            "takes no task without",
            *[" or ".join(_singular(name) for name in can.needs_one_of) or "–" for can in _all()],
        ],
        ["demands a due date", *["yes" if can.needs_due else "–" for can in _all()]],
    ]
    return _table(["", *_labels()], rows)


def field_claims() -> str:
    """Return, field by field and CRM by CRM, how it is held, in words, with source and day."""
    return _claims((str(name), [(can, can.supports(name)) for can in _all()]) for name in Field)


def operation_claims() -> str:
    """Return, operation by operation and CRM by CRM, whether it is there, in words, with source and day."""
    nothing = Claim(False)
    return _claims(
        (str(name), [(can, can.operations.get(name, nothing)) for can in _all()]) for name in Operation
    )


def _claims(groups: Iterable[tuple[str, Sequence[tuple[Capabilities, Support | Claim]]]]) -> str:
    rows = [
        [f"`{name}`", can.label, _held(claim), claim.note or "–", _source(claim)]
        for name, claims in groups
        for can, claim in claims
    ]
    return _table(["", "CRM", "", "in words: the CRM …", "source"], rows)


def vendor_pages() -> str:
    """Return, for each page that a provider began from, its fields, endpoints and errors, each with the test that holds it."""
    parts = []
    for code, can in zip(registry.codes(), _all(), strict=True):
        try:
            items = import_module(f"providers.tests.{code}.seed").SEED
        except ModuleNotFoundError:
            continue  # a provider that began from other pages, or has no tests of its own yet
        rows = [[_quoted(item), f"[`{_name(test)}`](../{test.partition('::')[0]})"] for item, test in items]
        parts.append(f"## {can.label}\n\n{_table(['on the page', 'test'], rows)}")
    return "\n\n".join(parts)


def _quoted(item: str) -> str:
    return f"`{item}`" if "`" not in item else item


def _name(test: str) -> str:
    return test.rpartition("::")[2]


# About one CRM


def cannot_hold(can: Capabilities) -> str:
    """Return the fields that the CRM does not hold whole, in words."""
    rows = [[f"`{name}`", WORDS[can.supports(name).level], _told(can.supports(name))] for name in Field]
    rows = [row for row, name in zip(rows, Field, strict=True) if can.supports(name).level is not Level.FULL]
    return _table(["field", "held", f"{can.label} …"], rows)


def remarks(can: Capabilities) -> str:
    """Return what is to be known of fields that it holds, and of operations."""
    held = [(str(name), can.supports(name)) for name in Field if can.supports(name).level is Level.FULL]
    done = [(str(name), claim) for name, claim in can.operations.items()]
    claims: list[tuple[str, Support | Claim]] = [*held, *done]
    rows = [[f"`{name}`", _told(claim)] for name, claim in claims if claim.note]
    return _table(
        ["field or operation", "in words"], [[name, text[:1].upper() + text[1:]] for name, text in rows]
    )


def secrets(can: Capabilities) -> str:
    """Return the secrets that an account is opened with."""
    return _table(
        ["secret", "is"], [[f"`{one.name}`", _sentence(one.label, one.help)] for one in can.secrets]
    )


def settings(can: Capabilities) -> str:
    """Return the settings of a connection."""
    rows = []
    for one in can.settings:
        choices = " · ".join(f"`{word}`: {text}" for word, text in one.choices)
        default = "required" if one.is_required else f"`{one.default}`" if one.default != "" else "–"
        rows.append(
            [f"`{one.name}`", default, " ".join(filter(None, [_sentence(one.label, one.help), choices]))]
        )
    return _table(["setting", "default", "is"], rows)


_OF_ALL: dict[str, Callable[[], str]] = {
    "fields": fields,
    "operations": operations,
    "numbers": numbers,
    "field_claims": field_claims,
    "operation_claims": operation_claims,
    "vendor_pages": vendor_pages,
}
_OF_ONE: dict[str, Callable[[Capabilities], str]] = {
    "cannot_hold": cannot_hold,
    "remarks": remarks,
    "secrets": secrets,
    "settings": settings,
}


# Words


def _all() -> list[Capabilities]:
    return [registry.capabilities(code) for code in registry.codes()]


def _labels() -> list[str]:
    return [can.label for can in _all()]


def _told(claim: Support | Claim) -> str:
    source = f" {_source(claim)}" if claim.source else ""
    return f"{claim.note.rstrip('.')}.{source}"


def _source(claim: Support | Claim) -> str:
    return f"[source]({claim.source}), read {claim.read_on}" if claim.source else "–"


def _held(claim: Support | Claim) -> str:
    if isinstance(claim, Support):
        return WORDS[claim.level]
    return "yes" if claim.holds else "–"


def _sentence(label: str, text: str) -> str:
    return f"{label}. {text}".rstrip()


def _limits(limits: Iterable[Limit]) -> str:
    told = []
    for one in limits:
        span = {60.0: "minute", 86_400.0: "day", 1.0: "second"}.get(one.seconds, f"{one.seconds:g} s")
        told.append(f"{one.calls:,} per {span}" + (f" ({one.budget})" if one.budget != "all" else ""))
    return ", ".join(told)


def _singular(name: Field) -> str:
    return {"companies": "a company", "events": "an event"}.get(str(name), f"a {str(name).removesuffix('s')}")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '∣') for cell in line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
