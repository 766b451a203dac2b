"""Is it as formal as the owner is with these people? Each thread and each source has a tone of its own.

Range: 0 to 1; about 1 on average for whoever is as formal here as the owner.
Source: people suit their register to the audience (Bell 1984, "audience design"); formality as in
`learning/formality.py`, met as a distribution; a thread of few replies is drawn towards its source, and that
towards all (hierarchical shrinkage).
Failure mode: formality here is capitals, full stops and slang, no politeness of words; a new thread gets the
tone of its source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from learning.formality import formality
from learning.rewards.habit import Habit, habit, overlap
from learning.rewards.reply import Reply
from learning.rewards.text import REMEMBERED

DRAWN_BY = 10  # replies by which the wider audience counts in the narrower one
STEPS = 5
NOWHERE = Habit({})


@dataclass(frozen=True, slots=True)
class Audience:
    everywhere: Habit
    sources: dict[str, Habit]
    threads: dict[str, Habit]


def learned(said: Sequence[Reply]) -> Audience:
    sources: defaultdict[str, list[str]] = defaultdict(list)
    threads: defaultdict[str, list[str]] = defaultdict(list)
    for reply in said:
        sources[reply.source].append(_step(reply.text))
        threads[reply.thread].append(_step(reply.text))
    return Audience(
        habit(_step(reply.text) for reply in said),
        {source: habit(steps) for source, steps in sorted(sources.items())},
        {thread: habit(steps) for thread, steps in sorted(threads.items())},
    )


def reward(reply: Reply, known: Audience, lately: Sequence[Reply]) -> float:
    step = _step(reply.text)
    here = [_step(one.text) for one in lately if one.thread == reply.thread]
    return overlap(_share(step, reply, known), step, here)


def _share(step: str, reply: Reply, known: Audience) -> float:
    share = known.everywhere.share(step)
    for narrower in (known.sources.get(reply.source, NOWHERE), known.threads.get(reply.thread, NOWHERE)):
        replies = sum(narrower.counts.values())
        share = (narrower.counts.get(step, 0) + DRAWN_BY * share) / (replies + DRAWN_BY)
    return share


@lru_cache(REMEMBERED)
def _step(text: str) -> str:
    return str(min(STEPS - 1, int(formality(text) * STEPS)))
