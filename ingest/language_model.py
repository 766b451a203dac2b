"""How well does each language fit these words? py3langid is asked once for each, and the answers add up.

The words of a chat repeat, and what the model says of a whole text is the sum of what it says of the words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import accumulate, chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

CACHED_WORDS = 200_000
NOT_KNOWN = -99.0  # nats, for a word in a language that the model does not know; the last column
AT_ONCE = 500  # texts; what they hold of new words does not count towards the limit above


class LanguageModel:
    """Loaded when it is first needed: an owner of one language never does."""

    def __init__(self, spoken: Sequence[str]) -> None:
        self._spoken = spoken
        self._identifier: Any = None
        self._columns: dict[str, int] = {}
        self._of = cache(lambda fit: itemgetter(*(self._columns.get(one, -1) for one in fit)))
        self._rows = _Rows(self)
        self._scores: NDArray[np.float32] = np.empty((0, 0), np.float32)

    @property
    def known(self) -> tuple[str, ...]:
        self._load()
        return tuple(self._columns)

    def scores(
        self, texts: Sequence[Sequence[str]], candidates: Sequence[tuple[str, ...]]
    ) -> Iterator[tuple[float, ...]]:
        """Of each text's words, at least one: how well its candidates fit, at least two, in nats.

        The root of the length tames a model that is too sure.
        """
        for start in range(0, len(texts), AT_ONCE):
            self._load()
            words = texts[start : start + AT_ONCE]
            totals = self._totals(words)
            for row, fit in zip(totals, candidates[start : start + AT_ONCE], strict=True):
                yield self._of(fit)(row)

    def _totals(self, texts: Sequence[Sequence[str]]) -> list[list[float]]:
        if len(self._rows) > CACHED_WORDS:
            self._rows.clear()
        rows = list(map(self._rows.__getitem__, chain.from_iterable(texts)))
        ends = list(accumulate(map(len, texts)))
        totals = np.add.reduceat(self._scores[rows], [0, *ends[:-1]], axis=0)
        tame = [math.sqrt(sum(map(len, words)) + len(words)) for words in texts]
        scores: list[list[float]] = (totals / np.array(tame, np.float32)[:, None]).tolist()
        return scores

    def row_of(self, word: str) -> int:
        """Where in the table of scores a new word is from now on."""
        at = len(self._rows)
        if at == len(self._scores):
            width = len(self._columns) + 1
            more = np.full((max(1024, at), width), NOT_KNOWN, np.float32)
            self._scores = np.concatenate([self._scores.reshape(-1, width), more])
        ranked = dict(self._identifier.rank(f" {word.lower()} "))
        scores = np.array([ranked[language] for language in self._columns], np.float32)
        seen = scores.max() > -1e30  # else the model has never seen its letters
        self._scores[at, :-1] = scores - scores.mean() if seen else 0.0
        return at

    def _load(self) -> None:
        if self._identifier is not None:
            return
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
        known = [label for label in self._identifier.labels if len(label) == 2]
        chosen = [language for language in self._spoken if language in known] or known
        self._identifier.set_languages(chosen)
        self._columns = {language: column for column, language in enumerate(chosen)}


class _Rows(dict[str, int]):
    """Word, as it was written -> its row of scores."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def __missing__(self, word: str) -> int:
        row = self[word] = self._model.row_of(word)
        return row


@lru_cache(maxsize=4)
def model_for(spoken: tuple[str, ...]) -> LanguageModel:
    return LanguageModel(spoken)
