"""Are these the owner's words? The small and frequent ones, against what others say to the owner.

Range: 0 to 1; about 1 on average for whoever words things as the owner does.
Source: the most frequent words tell authors apart (Burrows 2002, "Delta"); each counts by its log-odds
between owner and others under a shared prior (Monroe et al. 2008), so that a word seen twice proves little;
a reply of few words is drawn towards the owner's mean. The owner's own distribution of that figure is
then met: more of their pet words than they use themselves is worth less again.
Failure mode: says nothing of meaning; somebody with the same small words passes; where nobody but the owner
speaks in the corpus it tells nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import fmean

from learning.rewards.habit import Habit, Scale, habit, overlap, scale
from learning.rewards.reply import Reply
from learning.rewards.text import words

MOST_FREQUENT = 400
PRIOR_WORDS = 200.0  # words of the shared prior
SHRUNK_BY = 4.0  # words of the owner's mean that every reply starts with
REST = ""  # all rarer words together
WORDLESS = "no words"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    odds: dict[str, float]  # by word: log-odds that it is the owner who says it
    mean: float  # of the owner's words
    scale: Scale
    replies: Habit


def learned(said: Sequence[Reply]) -> Vocabulary:
    owner = Counter(word for reply in said for word in words(reply.text))
    others = Counter(word for reply in said for word in words(reply.heard))
    frequent = sorted(owner | others, key=lambda word: (-(owner[word] + others[word]), word))[:MOST_FREQUENT]
    ours, theirs = _grouped(owner, frequent), _grouped(others, frequent)
    odds = {word: round(_odds(word, ours, theirs), 4) for word in [*frequent, REST]}
    mean = sum(odds[word] * count for word, count in ours.items()) / max(1, sum(ours.values()))
    figures = [_figure(reply, odds, mean) for reply in said]
    cut = scale([figure for figure in figures if figure is not None])
    return Vocabulary(odds, mean, cut, habit(_value(figure, cut) for figure in figures))


def reward(reply: Reply, known: Vocabulary, lately: Sequence[Reply]) -> float:
    def value(one: Reply) -> str:
        return _value(_figure(one, known.odds, known.mean), known.scale)

    return overlap(known.replies.share(value(reply)), value(reply), [value(one) for one in lately])


def _grouped(counts: Counter[str], frequent: Sequence[str]) -> dict[str, int]:
    kept = {word: counts[word] for word in frequent}
    return {**kept, REST: counts.total() - sum(kept.values())}


def _odds(word: str, ours: Mapping[str, int], theirs: Mapping[str, int]) -> float:
    n_ours, n_theirs = sum(ours.values()), sum(theirs.values())
    prior = PRIOR_WORDS * (ours[word] + theirs[word] + 1) / (n_ours + n_theirs + len(ours))
    owner = (ours[word] + prior) / (n_ours + PRIOR_WORDS)
    return log(owner) - log((theirs[word] + prior) / (n_theirs + PRIOR_WORDS))


def _figure(reply: Reply, odds: Mapping[str, float], mean: float) -> float | None:
    """Log-odds a word, always positive (a likelihood ratio) so that a Scale can cut it."""
    said = words(reply.text)
    if not said:
        return None
    found = SHRUNK_BY * mean + len(said) * fmean(odds.get(word, odds[REST]) for word in said)
    return float(2 ** (found / (len(said) + SHRUNK_BY)))


def _value(figure: float | None, cut: Scale) -> str:
    return WORDLESS if figure is None else cut.value(figure)
