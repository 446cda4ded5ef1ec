"""Plain text as LeadLex's markdown, and back: what staff typed is what is read there, and what returns here."""

from __future__ import annotations

import html
import re

# The rules are CommonMark's: https://spec.commonmark.org/0.31.2/ (read 2026-11), sections 2.4, 2.5, 4 and 6.7.
_ANYWHERE = re.compile(r"[\\`*\[\]<|~]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])")
_LINE_START = re.compile(r"^([ ]{0,3})([#+\-=>])|^([ ]{0,3}\d{1,9})([.)])", re.MULTILINE)
_CODE_INDENT = re.compile(r"^(?:( )(?= {3}|\t| {1,2}\t)|(\t))", re.MULTILINE)
_SOFT_BREAK = re.compile(r"([^ \t\n][ \t]*)\n(?=[ \t]*[^ \t\n])")
_WRITTEN = re.compile(
    r"\\([!-/:-@\[-`{-~\n])|(&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
)


def escaped(text: str) -> str:
    """Return markdown that shows the text letter by letter: nothing in it becomes a list, a link or a heading.

    A single line break becomes a hard one, for markdown would join the lines. An underscore inside a word is left alone, so
    that addresses stay as they are.
    """
    text = _ANYWHERE.sub(lambda found: "\\" + found.group(), text)
    text = _LINE_START.sub(_with_backslash, text)
    text = _CODE_INDENT.sub(lambda found: "&#32;" if found.group(1) else "&#9;", text)
    return _SOFT_BREAK.sub(lambda found: found.group(1) + "\\\n", text)


def unescaped(markdown: str) -> str:
    """Return the text that `escaped` was given; markup of other people's making is kept as they typed it."""
    return _WRITTEN.sub(lambda found: found.group(1) or html.unescape(found.group(2)), markdown)


def tidy(text: str) -> str:
    """Return the text as it can come back: line breaks of one kind, and no space at the end, where the marker goes."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip()


def _with_backslash(found: re.Match[str]) -> str:
    before, sign = (found.group(1), found.group(2)) if found.group(2) else (found.group(3), found.group(4))
    return f"{before}\\{sign}"
