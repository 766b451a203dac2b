"""Are emoji and punctuation used as the owner uses them? Neither more nor less often.

Range: 0 to 1; the worst habit counts, so that six good ones do not pay for a seventh.
Source: emoji and punctuation are among the surest marks of an author in chats (Zheng et al. 2006); each is
met as a distribution by histogram intersection (`habit.py`), which is two-sided.
Failure mode: where an emoji stands and what it means is not looked at; an owner who changed habits is met at
their average.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from learning.rewards.habit import Habit, habit, overlap
from learning.rewards.reply import Reply
from learning.rewards.text import EMOJI, REMEMBERED, bubbles

_ODD = re.compile(r"[^\w\s.,!?…'’\"-]")
_RUN = re.compile(r"([!?.,])\1")


def _times(pattern: str, most: int) -> Callable[[str], str]:
    found = re.compile(pattern)
    return lambda text: str(min(most, len(found.findall(text))))


def _ends(text: str) -> str:
    """How the last bubble ends: "", one of .!?…, or something else that is no letter."""
    last = (bubbles(EMOJI.sub("", text)) or [""])[-1][-1:]
    return "" if not last or last.isalnum() else last if last in ".!?…" else "else"


MARKS: dict[str, Callable[[str], str]] = {
    "emoji": lambda text: str(min(3, len(EMOJI.findall(text)))),
    "exclamation": _times("!", 2),
    "question": _times(r"\?", 2),
    "dots": _times(r"…|\.{2,}", 2),
    "runs": lambda text: str(min(2, len(_RUN.findall(text)))),
    "commas": _times(",", 3),
    "odd": lambda text: str(min(3, len(_ODD.findall(EMOJI.sub("", text))))),
    "end": _ends,
}


@dataclass(frozen=True, slots=True)
class Punctuation:
    marks: dict[str, Habit]  # by name of the mark: how many in a reply


def learned(said: Sequence[Reply]) -> Punctuation:
    return Punctuation({name: habit(_marks(reply.text)[name] for reply in said) for name in MARKS})


def reward(reply: Reply, known: Punctuation, lately: Sequence[Reply]) -> float:
    """The worst of the marks."""
    ours, others = _marks(reply.text), [_marks(one.text) for one in lately]
    return min(
        overlap(usual.share(ours[name]), ours[name], [marks[name] for marks in others])
        for name, usual in known.marks.items()
    )


@lru_cache(REMEMBERED)
def _marks(text: str) -> dict[str, str]:
    return {name: count(text) for name, count in MARKS.items()}
