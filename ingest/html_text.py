"""What does somebody say in HTML? Their own words, without what they quoted from others."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.html_steps import steps

_BLANK = re.compile(r"\s+")
_BREAKS = {"br", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "ul", "ol", "table"}
_UNSEEN = {"title", "blockquote"}  # and what no page shows
_LEFT = {"gmail_quote", "gmail_signature", "moz-cite-prefix", "moz-signature", "invisible", "yahoo_quoted"}
_NO_END = {"br", "img", "hr", "meta", "link", "input", "area", "base", "col", "embed", "source", "wbr"}
_MAX_OPEN = 200  # tags inside one that hides; deeper ones are not counted


@dataclass(slots=True)
class _Words:
    """Collects the text. Of a tag that hides something, all that is inside is left out."""

    link: Callable[[str, str], str]
    parts: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)  # the tags open since the one that hides, itself first
    as_written: bool = False  # inside <pre>, where a line break is one
    in_link: tuple[str, int] | None = None  # where it leads, and where its words begin

    def begin(self, tag: str, about: dict[str, str]) -> None:
        if self.hidden or tag in _UNSEEN or _LEFT & set(about.get("class", "").split()):
            if tag not in _NO_END and len(self.hidden) < _MAX_OPEN:
                self.hidden.append(tag)
            return
        self.as_written = self.as_written or tag == "pre"
        if tag == "p":
            self.parts.append("\n\n")
        elif tag in _BREAKS:
            self.parts.append("\n")
        elif tag == "a":
            self.in_link = about.get("href", ""), len(self.parts)

    def end(self, tag: str) -> None:
        if self.hidden:
            if tag in self.hidden:  # what was left open inside is closed with it
                at = len(self.hidden) - 1 - self.hidden[::-1].index(tag)
                del self.hidden[at:]
        elif tag == "pre":
            self.as_written = False
        elif tag == "a" and self.in_link:
            href, begin = self.in_link
            self.parts[begin:] = [self.link(href, "".join(self.parts[begin:]))]
            self.in_link = None
        elif tag in ("p", "div"):
            self.parts.append("\n")

    def text(self, said: str) -> None:
        if not self.hidden:
            self.parts.append(said if self.as_written else _BLANK.sub(" ", said))


def html_text(markup: str, link: Callable[[str, str], str] = lambda href, words: words) -> str:
    """`link` may say what stands for a link, given where it leads and its words."""
    words = _Words(link)
    for step, what, about in steps(markup):
        if step == "start":
            words.begin(what, about)
        elif step == "end":
            words.end(what)
        else:
            words.text(what)
    lines = (" ".join(line.split()) for line in "".join(words.parts).split("\n"))
    return "\n".join(lines).strip()
