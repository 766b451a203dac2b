"""What is a record about: technical, personal, creative? Rules; a score for each, and one label at least."""

from __future__ import annotations

import re

from ingest.words import CREATIVE, TECHNICAL
from storage.records import Kind

TOPICS = ("technical", "personal", "creative")
LABELLED = 0.5  # the score from which a topic is a label

_WORD = re.compile(r"[a-z']+")
_INDENTED = re.compile(r"^\s{4,}\S.*[;{}()]\s*$", re.MULTILINE)
_STATEMENTS = ("def", "import", "return", "const", "var")
_STATEMENT = re.compile(rf"\b(?:{'|'.join(_STATEMENTS)}) \w")
_USUAL = ("personal",)


def telling(word: str) -> bool:
    """Whether a text with this word, which has no blank in it, may be about something else."""
    if "`" in word or word.endswith(_STATEMENTS):
        return True
    parts = _WORD.findall(word.lower())
    return not (TECHNICAL.isdisjoint(parts) and CREATIVE.isdisjoint(parts))


def usual(text: str, kind: Kind, own: tuple[str, ...]) -> tuple[str, ...] | None:
    """What `tags` says of a text none of whose words is `telling`; None: it has to be asked."""
    return _USUAL if not own and kind is Kind.MESSAGE and "\n" not in text else None


def scores(text: str, kind: Kind) -> dict[str, float]:
    """How sure the rules are of each topic, from 0 to 1."""
    words = _WORD.findall(text.lower())
    enough = max(1, len(words) // 60)  # a journal page needs more than one such word
    technical = _share(words, TECHNICAL, enough)
    if kind is Kind.COMMIT or _has_code(text):
        technical = 1.0
    creative = _share(words, CREATIVE, enough)
    personal = round(1.0 - max(technical, creative), 3) if technical or creative else 1.0
    if kind is Kind.JOURNAL:
        personal = max(LABELLED, personal)
    return {"technical": technical, "personal": personal, "creative": creative}


def tags(text: str, kind: Kind, own: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The source's own tags first, then what the words say."""
    found = scores(text, kind)
    others = [topic for topic in ("technical", "creative") if found[topic] >= LABELLED]
    if not others or kind is Kind.JOURNAL:
        others.append("personal")
    return tuple(dict.fromkeys([*own, *others])) if own else tuple(others)


def _has_code(text: str) -> bool:
    """Plain searches first: hardly a chat line has any of it."""
    return (
        "```" in text
        or (("\n" in text or text[:1].isspace()) and bool(_INDENTED.search(text)))
        or (_may_be_a_statement(text) and bool(_STATEMENT.search(text)))
    )


def _may_be_a_statement(text: str) -> bool:
    return "def " in text or "import " in text or "return " in text or "const " in text or "var " in text


def _share(words: list[str], listed: frozenset[str], enough: int) -> float:
    """0.5 at just enough listed words, 0.9 at five times as many; never quite 1."""
    if listed.isdisjoint(words):
        return 0.0
    hits = sum(word in listed for word in words)
    return round(hits / (hits + enough), 3)
