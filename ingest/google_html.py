"""What does a document say that Google exported as HTML? Its words, without the comments on them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.html_steps import Step, steps, words

_COMMENT = re.compile(r"cmnt\d+")  # the anchor of a comment itself, at the end of the document
_REFERENCE = re.compile(r"#cmnt\d+|cmnt_ref\d+")  # the [a] in the text that points to it


def words_of_document(page: str) -> str:
    return words(_without_comments(page))


def _without_comments(page: str) -> Iterator[Step]:
    """A comment is a <div> with its anchor in it: what a <div> holds is kept back until that is known."""
    held: list[Step] = []
    reference = comment = False
    for step in steps(page):
        kind, tag, attributes = step
        if kind == "start" and tag == "a":
            link = attributes.get("href", "").removeprefix("#")
            if _COMMENT.fullmatch(attributes.get("id", "")):
                comment = True
            reference = bool(_REFERENCE.fullmatch(attributes.get("href", "")) or _COMMENT.fullmatch(link))
        if tag == "div":
            if not comment:
                yield from held
            held, comment = [], False
        elif not reference:
            held.append(step)
        if kind == "end" and tag == "a":
            reference = False
    if not comment:
        yield from held
