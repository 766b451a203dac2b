"""What does a piece of HTML say? Its words as a reader sees them, without what was quoted from others."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

_BREAKS = {"br", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "ul", "ol", "table"}
_UNSEEN = {"style", "script", "head", "title", "blockquote"}
_LEFT = {"gmail_quote", "gmail_signature", "moz-cite-prefix", "moz-signature", "invisible", "yahoo_quoted"}
_NO_END = {"br", "img", "hr", "meta", "link", "input", "area", "base", "col", "embed", "source", "wbr"}
_BLANK = re.compile(r"\s+")


class _Words(HTMLParser):
    """Collects the text. Of a tag that hides something, all that is inside is left out."""

    def __init__(self, link: Callable[[str, str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden: list[str] = []  # the tags open since the one that hides, itself first
        self._as_written = False  # inside <pre>, where a line break is one
        self._link = link
        self._in_link: tuple[str, int] | None = None  # where it leads, and where its words begin

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        classes = set((about.get("class") or "").split())
        if self._hidden or tag in _UNSEEN or classes & _LEFT:
            if tag not in _NO_END:
                self._hidden.append(tag)
            return
        self._as_written = self._as_written or tag == "pre"
        if tag == "p":
            self.parts.append("\n\n")
        elif tag in _BREAKS:
            self.parts.append("\n")
        elif tag == "a":
            self._in_link = about.get("href") or "", len(self.parts)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:  # what was left open inside is closed with it
                at = len(self._hidden) - 1 - self._hidden[::-1].index(tag)
                del self._hidden[at:]
        elif tag == "pre":
            self._as_written = False
        elif tag == "a" and self._in_link:
            href, begin = self._in_link
            self.parts[begin:] = [self._link(href, "".join(self.parts[begin:]))]
            self._in_link = None
        elif tag in ("p", "div"):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data if self._as_written else _BLANK.sub(" ", data))


def html_text(html: str, link: Callable[[str, str], str] = lambda href, words: words) -> str:
    """`link` may say what stands for a link, given where it leads and its words."""
    words = _Words(link)
    try:
        words.feed(html)
        words.close()
    except (AssertionError, ValueError):  # markup the standard library gives up on; what came before it stays
        pass
    lines = (" ".join(line.split()) for line in "".join(words.parts).split("\n"))
    return "\n".join(lines).strip()
