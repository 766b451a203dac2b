"""Does it contradict what the owner has said about the same thing? Likes, dislikes, and what they do or have.

Range: 0 to 1; 1 minus the share of known topics in the reply on which it says the opposite. A topic the owner
never spoke of costs nothing and earns nothing; an empty reply gets 0.
Source: polarity lexicon and negation (Hu and Liu 2004), held against the owner's own statements as dialogue
consistency does (Welleck et al. 2019, "Dialogue NLI").
Failure mode: reads words, not sentences: irony, "not only", and a stance in a language without cues pass;
where the owner is of two minds it holds no opinion.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from learning.rewards.reply import Reply
from learning.rewards.text import REMEMBERED, words

_ELISION = re.compile(r"^(?:j|d|l|n|m|t|s|c|qu)'(?=\w{3})")  # j'adore, l'hiver
_CLAUSE = re.compile(r"[.,;!?\n]|\b(?:but|aber|pero|mais|но|а)\b", re.IGNORECASE)
DECIDED = 0.6  # mean polarity from which on the owner has a stance
MOST_TOPICS = 5000


@dataclass(frozen=True, slots=True)
class Stance:
    towards: dict[str, int]  # by topic: 1 for, -1 against


def _cues() -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    kind = ""
    for line in (files(__package__) / "cues.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            kind = line[2:]
        elif not line.startswith("#"):
            found[kind].update(line.split())
    return {name: frozenset(cues) for name, cues in found.items()}


CUES = _cues()
SILENT = frozenset().union(*CUES.values())  # words that are no topic


def learned(said: Sequence[Reply]) -> Stance:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for reply in said:
        for topic, polarity in _stances(reply.text, reply.heard):
            found[topic].append(polarity)
    decided = {
        topic: 1 if sum(polarities) > 0 else -1
        for topic, polarities in found.items()
        if abs(sum(polarities)) >= DECIDED * len(polarities)
    }
    often = sorted(decided, key=lambda topic: (-len(found[topic]), topic))[:MOST_TOPICS]
    return Stance({topic: decided[topic] for topic in often})


def reward(reply: Reply, known: Stance, lately: Sequence[Reply]) -> float:
    about = [
        (topic, polarity) for topic, polarity in _stances(reply.text, reply.heard) if topic in known.towards
    ]
    against = sum(known.towards[topic] != polarity for topic, polarity in about)
    return 1.0 - against / len(about) if about else 1.0


@lru_cache(REMEMBERED)
def _stances(text: str, heard: str) -> tuple[tuple[str, int], ...]:
    """What a reply says for (1) or against (-1) which topics; a bare yes or no is about the question."""
    found: list[tuple[str, int]] = []
    asked = list(_clauses(heard)) if "?" in heard else []
    told, said = list(_clauses(text)), set(words(text))
    spoken_of = any(topics for _, topics in told)
    for number, (polarity, topics) in enumerate(told):
        bare = number == 0 and not topics and not polarity
        if bare and (said & CUES["yes"] or said & CUES["no"]):
            sign = 1 if said & CUES["yes"] else -1
            found += [(topic, sign * mood) for mood, about in asked for topic in about if mood]
        elif polarity:
            about = topics if spoken_of else [topic for _, heard_of in asked for topic in heard_of]
            found += [(topic, polarity) for topic in about]
    return tuple(dict.fromkeys(found))


def _clauses(text: str) -> Iterator[tuple[int, list[str]]]:
    """Of each clause: what mood it is in (1, -1; 0 if none), and the words it is about."""
    for clause in _CLAUSE.split(text):
        said = [_ELISION.sub("", word) for word in words(clause)]
        if said:
            about = (word for word in said if len(word) > 2 and word not in SILENT and "'" not in word)
            yield _mood(frozenset(said)), [word.removesuffix("s") for word in about]


def _mood(said: frozenset[str]) -> int:
    feels = bool(said & CUES["like"]) - bool(said & CUES["dislike"])
    somebody = bool(said & {"i", "i've", "you", "we"})  # English verbs do not tell who does it
    does = bool(said & CUES["own"]) or (somebody and bool(said & (CUES["own with i"] | {"like"})))
    feels = feels or int(does)
    return -feels if said & CUES["not"] else feels
