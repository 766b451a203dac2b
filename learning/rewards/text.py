"""What is a reply made of? Its words, bubbles, emoji and marks, in any language."""

from __future__ import annotations

import re
from functools import lru_cache

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# One emoji: a pictogram or flag with its modifiers and joined ones, or a smiley of marks.
_PICTURE = "[\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2764]"
EMOJI = re.compile(
    rf"{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]*(?:\u200d{_PICTURE}\ufe0f?)*|[:;=]-?[()DPpO3/|]|<3"
)
REMEMBERED = 8192  # texts whose words are kept: the same replies are looked at again and again


@lru_cache(REMEMBERED)
def words(text: str) -> tuple[str, ...]:
    """In lower case, apostrophes told apart by nobody."""
    return tuple(found.lower().replace("’", "'") for found in WORD.findall(text))


def bubbles(text: str) -> list[str]:
    """The separate messages of a reply: one a line."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def plain(text: str) -> str:
    """The text without marks, case and emoji, to tell whether two say the same."""
    return " ".join(words(text)) or text.strip()


@lru_cache(REMEMBERED)
def phrases(text: str, size: int) -> frozenset[tuple[str, ...]]:
    """Every run of so many words; a shorter text is one phrase."""
    said = words(text)
    if len(said) < size:
        return frozenset([said]) if said else frozenset()
    return frozenset(said[start : start + size] for start in range(len(said) - size + 1))
