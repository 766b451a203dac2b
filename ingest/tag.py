"""What is a record about: technical, personal, creative? Rules; a score for each, and one label at least."""

from __future__ import annotations

import re

from ingest.words import CREATIVE, TECHNICAL
from storage.records import Kind

TOPICS = ("technical", "personal", "creative")
LABELLED = 0.5  # the score from which a topic is a label

_WORD = re.compile(r"[a-z']+")
_CODE = re.compile(r"```|^\s{4,}\S.*[;{}()]\s*$|\b(?:def|import|return|const|var) \w", re.MULTILINE)


def scores(text: str, kind: Kind) -> dict[str, float]:
    """How sure the rules are of each topic, from 0 to 1."""
    words = _WORD.findall(text.lower())
    enough = max(1, len(words) // 60)  # a journal page needs more than one such word
    technical = _share(sum(word in TECHNICAL for word in words), enough)
    if _CODE.search(text) or kind is Kind.COMMIT:
        technical = 1.0
    creative = _share(sum(word in CREATIVE for word in words), enough)
    personal = 1.0 - max(technical, creative)
    if kind is Kind.JOURNAL:
        personal = max(LABELLED, personal)
    return {"technical": technical, "personal": round(personal, 3), "creative": creative}


def tags(text: str, kind: Kind, own: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The source's own tags first, then what the words say."""
    found = scores(text, kind)
    others = [topic for topic in ("technical", "creative") if found[topic] >= LABELLED]
    if not others or kind is Kind.JOURNAL:
        others.append("personal")
    return tuple(dict.fromkeys([*own, *others]))


def _share(hits: int, enough: int) -> float:
    """0.5 at just enough words, 0.9 at five times as many; never quite 1."""
    return round(hits / (hits + enough), 3)
