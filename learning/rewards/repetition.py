"""Does it say something new? Not the same within itself, not the prompt again, not what it always says.

Range: 0 to 1; the worst of the three counts. 1 for whoever repeats no more than the owner.
Source: repetition is what likelihood-trained and over-optimised models fall into (Welleck et al. 2020, arXiv
1908.04319; distinct-n, Li et al. 2016). The owner's own refrains are measured and stay free.
Failure mode: the same thing in other words is new to it; of very short answers ("yes") it only knows how
often the owner gives them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from learning.rewards.reply import Reply
from learning.rewards.text import phrases, plain, words

SIZE = 3  # words of a phrase
SLACK = 3  # times that anything may come again by chance
MOST_REFRAINS = 2000
ECHO = 0.34  # share of a reply's phrases that may be the other's own words


@dataclass(frozen=True, slots=True)
class Repetition:
    refrains: dict[str, float]  # by phrase: share of the owner's replies that hold it


def learned(said: Sequence[Reply]) -> Repetition:
    counts = Counter(" ".join(phrase) for reply in said for phrase in phrases(reply.text, SIZE))
    often = sorted(((count, phrase) for phrase, count in counts.items() if count > 1), reverse=True)
    return Repetition({phrase: round(count / len(said), 5) for count, phrase in often[:MOST_REFRAINS]})


def reward(reply: Reply, known: Repetition, lately: Sequence[Reply]) -> float:
    return min(_within(reply), _of_the_prompt(reply, known), _as_always(reply, known, lately))


def _within(reply: Reply) -> float:
    """Distinct pairs of words over all pairs, and words over what one is repeated."""
    said = words(reply.text)
    if len(said) < SIZE:
        return 1.0 if len(set(said)) == len(said) else 0.5
    pairs = list(pairwise(said))
    return min(len(set(pairs)) / len(pairs), 2 * len(set(said)) / len(said)) ** 2


def _of_the_prompt(reply: Reply, known: Repetition) -> float:
    """Words of the other's, or of our own earlier turns, said again. A greeting may be given back.

    More than 1 where less than ECHO of it comes back: then the other two count.
    """
    ours = phrases(reply.text, SIZE)
    if any(plain(reply.text) == plain(turn) for turn in (reply.heard, *reply.before)):
        return 1.0 if plain(reply.text) in known.refrains else 0.0
    if not ours:
        return 1.0
    worst = max(len(ours & phrases(turn, SIZE)) / len(ours) for turn in (reply.heard, *reply.before))
    return (1.0 - worst) / (1 - ECHO)


def _as_always(reply: Reply, known: Repetition, lately: Sequence[Reply]) -> float:
    """The worst refrain: how often the owner would have said it by now over how often it was said."""
    others = [phrases(one.text, SIZE) for one in lately]
    said = phrases(reply.text, SIZE)
    if not said:  # nothing but marks and emoji: the whole text is the phrase
        return SLACK / (1 + sum(one.text == reply.text for one in lately))
    return min(
        (known.refrains.get(" ".join(phrase), 0.0) * (1 + len(lately)) + SLACK)
        / (1 + sum(phrase in other for other in others))
        for phrase in said
    )
