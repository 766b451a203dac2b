"""What is a record about: technical, personal, creative? Rules for now; each gets one at least."""

from __future__ import annotations

import re

from ingest.words import CREATIVE, TECHNICAL
from storage.records import Kind

_WORD = re.compile(r"[a-z']+")
_CODE = re.compile(r"```|^\s{4,}\S.*[;{}()]\s*$|\b(?:def|import|return|const|var) \w", re.MULTILINE)


def tags(text: str, kind: Kind, own: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The source's own tags first, then what the words say."""
    words = _WORD.findall(text.lower())
    enough = max(1, len(words) // 60)  # a journal page needs more than one such word
    found = []
    if _CODE.search(text) or sum(word in TECHNICAL for word in words) >= enough:
        found.append("technical")
    if kind is Kind.COMMIT and "technical" not in found:
        found.append("technical")
    if sum(word in CREATIVE for word in words) >= enough:
        found.append("creative")
    if not found or kind is Kind.JOURNAL:
        found.append("personal")
    return tuple(dict.fromkeys([*own, *found]))
