"""Does it make facts up? Names, numbers, addresses that nobody gave it and the owner never said.

Range: 1 for none, 1/2 for one, 1/3 for two ...; 0 only for an empty reply. "No idea" names nothing and costs
nothing here.
Source: a specific that no source entails is what factuality measures count as unsupported (Min et al. 2023,
"FActScore", arXiv 2305.14251); here without a model: seen in the prompt, or said by the owner, or invented.
Failure mode: a name written in lower case passes, and so does a false sentence of known words; where the
owner's language writes every noun with a capital (German), only numbers and addresses count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from learning.rewards.reply import Reply
from learning.rewards.text import EMOJI, REMEMBERED, WORD

_ADDRESS = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+\.\w+|(?<!\w)@\w+|\b[\w-]+\.(?:com|org|net|io|de|fr|es|ru)\b"
)
_NUMBER = re.compile(r"\d+(?:[.:,/-]\d+)*")
_BEGINNERS = frozenset('.!?…:"“„«(*-')  # what a sentence may begin after, besides a line's beginning
NOUN_CAPITALS = (
    0.12  # share of the owner's words in mid-sentence with a capital from which on they prove nothing
)


@dataclass(frozen=True, slots=True)
class Invention:
    said: frozenset[str]  # every word, number and address of the owner's, in lower case
    capitals: bool  # whether a capital in mid-sentence marks a name


def learned(said: Sequence[Reply]) -> Invention:
    inside = [word for reply in said for word in _inside(reply.text) if word != "OK"]
    with_capital = sum(word[0].isupper() for word in inside) / max(1, len(inside))
    known = frozenset(part for reply in said for part in _parts(reply.text))
    return Invention(known, with_capital <= NOUN_CAPITALS)


def reward(reply: Reply, known: Invention, lately: Sequence[Reply]) -> float:
    seen = known.said | _parts(reply.heard) | _parts(reply.told)
    invented = {part for part in _specifics(reply.text, known.capitals) if part.lower() not in seen}
    return 1.0 / (1 + len(invented))


def _specifics(text: str, capitals: bool) -> Iterator[str]:
    yield from _ADDRESS.findall(text)
    rest = _ADDRESS.sub(" ", EMOJI.sub(" ", text))
    yield from _NUMBER.findall(rest)
    if capitals:
        yield from (word for word in _inside(rest) if word[0].isupper() and not word.startswith(("I'", "I’")))


def _inside(text: str) -> list[str]:
    """The words that do not begin a sentence."""
    return [
        found[0]
        for found in WORD.finditer(text)
        if found[0] != "I" and not _begins_a_sentence(text[: found.start()])
    ]


def _begins_a_sentence(before: str) -> bool:
    bare = before.rstrip()
    return not bare or bare[-1] in _BEGINNERS or "\n" in before[len(bare) :]


@lru_cache(REMEMBERED)
def _parts(text: str) -> frozenset[str]:
    found = [*_ADDRESS.findall(text), *_NUMBER.findall(text), *WORD.findall(text)]
    return frozenset(part.lower() for part in found)
