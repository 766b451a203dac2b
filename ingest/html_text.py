"""What does a page of HTML say? Its tags one by one, or just its words. Nothing in it is run or fetched.

The pattern stops wherever the next tag could begin, so that no page takes longer than its length.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

# ("start", tag, attributes), ("text", text, {}), ("end", tag, {})
Step = tuple[str, str, dict[str, str]]

_MARK = re.compile(
    r"<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9:-]*+)(?P<rest>(?:[^<>\"']|\"[^\"<]*+\"|'[^'<]*+'|[\"'])*+)>"
    r"|<!--.*?(?:-->|\Z)|<[!?][^<>]*+>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([a-zA-Z][\w:-]*+)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++))")
_UNSEEN = {"script", "style", "head", "template", "svg"}
_ALONE = {"br", "hr", "img", "input", "link", "meta", "col", "wbr", "area", "base", "source"}
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tr",
        "ul",
    ]
)
_SPACE = re.compile(r"[ \t\r\n\f]+")


def steps(page: str) -> Iterator[Step]:
    """Tag by tag. What nobody sees (styles, scripts) is passed over whole."""
    at, unseen = 0, ""
    for mark in _MARK.finditer(page):
        if not unseen and mark.start() > at:
            yield "text", unescape(page[at : mark.start()]), {}
        at = mark.end()
        tag = (mark["tag"] or "").lower()
        if unseen:
            unseen = "" if mark["end"] and tag == unseen else unseen
        elif not tag:
            continue
        elif mark["end"]:
            yield "end", tag, {}
        elif tag in _UNSEEN:
            unseen = "" if mark["rest"].endswith("/") else tag
        else:
            yield "start", tag, _attributes(mark["rest"])
            if tag in _ALONE:
                yield "end", tag, {}
    if not unseen and at < len(page):
        yield "text", unescape(page[at:]), {}


def words(found: Iterable[Step]) -> str:
    """The text as one would read it: a line for each block, a dash for each item of a list."""
    parts: list[str] = []
    verbatim = 0
    for step, what, _ in found:
        if step == "text":
            text = what if verbatim else _SPACE.sub(" ", what)
            if not verbatim and (not parts or parts[-1].endswith("\n")):
                text = text.lstrip(" ")
            parts.append(text)
            continue
        verbatim += {"start": 1, "end": -1}[step] if what == "pre" else 0
        if what == "br":
            parts += ["\n"] if step == "start" else []
        elif what in _BLOCKS and parts and not parts[-1].endswith("\n"):
            parts.append("\n")
        elif what in ("td", "th") and step == "end":
            parts.append("  ")
        if what == "li" and step == "start":
            parts.append("- ")
        if what == "p" and step == "end":
            parts.append("\n")
    return re.sub(r"[ \t\u00a0]+\n", "\n", "".join(parts)).strip()


def unescape(text: str) -> str:
    """&amp; and its like. A number no character has stays as it is written."""
    try:
        return html.unescape(text)
    except (ValueError, OverflowError):
        return text


def _attributes(written: str) -> dict[str, str]:
    found = _ATTRIBUTE.finditer(written)
    return {one[1].lower(): unescape(one[2] or one[3] or one[4] or "") for one in found}
