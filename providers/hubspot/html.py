"""Plain text ↔ the HTML of a task's body."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

import nh3

BLOCKS = {"p", "div", "ul", "ol", "li", "tr", "table", "blockquote", "h1", "h2", "h3", "h4", "pre"}
HIDDEN = {"script", "style"}  # whose text is not for reading


def to_html(text: str) -> str:
    """Return plain text as the HTML that shows it: escaped, with a `<br>` for each line break."""
    return escape(text, quote=False).replace("\r\n", "\n").replace("\r", "\n").replace("\n", "<br>")


def from_html(text: str) -> str:
    """Return HTML as plain text: what we sent comes back as it was, and what people wrote there comes readable.

    It is cleaned first, by the rules that browsers parse by, so that what hides in broken markup is gone before it is read.
    """
    reader = _PlainText()
    reader.feed(
        nh3.clean(text, tags=BLOCKS | {"br"}, clean_content_tags=HIDDEN, attributes={}, link_rel=None)
    )
    reader.close()
    return "".join(reader.parts) if reader.is_bare else "".join(reader.parts).strip("\n")


class _PlainText(HTMLParser):
    """Collects the text of cleaned HTML; blocks begin on a line of their own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.is_bare = True  # nothing but text and line breaks, as we write it: then no blank line is cut

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.parts.append("\n")
            return
        self.is_bare = False
        self._new_line()

    def handle_endtag(self, tag: str) -> None:
        if tag != "br":
            self._new_line()

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def _new_line(self) -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")
