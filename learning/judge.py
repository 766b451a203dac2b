"""What is a batch of replies worth? All rewards at once, each held against what the twin said lately."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from learning.rewards.profile import Profile
from learning.rewards.reply import Reply, reply_to
from learning.rewards.weighted import LATELY, TERMS, table

LEARNED = "learned"  # the reward model's term
Scores = Callable[[Sequence[Any], Sequence[Any]], list[float]]
"""Prompts and completions, as lists of turns -> the learned reward of each, from 0 to 1."""


class Judge:
    """Judges batches in the order in which they are said; remembers the last ones."""

    def __init__(self, profile: Profile, learned: Scores | None = None) -> None:
        self.names = [*TERMS, LEARNED] if learned else list(TERMS)
        self._profile, self._learned = profile, learned
        self._lately: deque[Reply] = deque(maxlen=LATELY)
        self._last: tuple[Any, list[dict[str, float]]] = None, []

    def forget(self) -> None:
        self._lately.clear()

    def judged(
        self, prompts: Sequence[Any], completions: Sequence[Any], places: Sequence[tuple[str, str]]
    ) -> list[dict[str, float]]:
        """Every term of every reply of one batch; asked again about the same batch, the same answer."""
        if self._last[0] is completions:
            return self._last[1]
        replies = [
            reply_to(prompt, said[0]["content"], *place)
            for prompt, said, place in zip(prompts, completions, places, strict=True)
        ]
        found = table(replies, self._profile, list(self._lately))
        if self._learned:
            for terms, score in zip(found, self._learned(prompts, completions), strict=True):
                terms[LEARNED] = score if terms["length"] else 0.0  # an empty reply has earned nothing
        self._lately.extend(replies)
        self._last = completions, found
        return found

    def rewards(self) -> list[Callable[..., list[float]]]:
        """One function for each term, as TRL calls them: all about one batch before the next."""
        return [_named(self, name) for name in self.names]

    def shares(self, weights: Mapping[str, float]) -> list[float]:
        """The weights of these terms, in their order, so that they add up to 1."""
        total = sum(weights[name] for name in self.names)
        return [weights[name] / total for name in self.names]


def _named(judge: Judge, name: str) -> Callable[..., list[float]]:
    def reward(
        prompts: Sequence[Any],
        completions: Sequence[Any],
        source: Sequence[str],
        thread: Sequence[str],
        **_: Any,
    ) -> list[float]:
        places = list(zip(source, thread, strict=True))
        return [terms[name] for terms in judge.judged(prompts, completions, places)]

    reward.__name__ = name  # what TRL calls it in its figures
    return reward
