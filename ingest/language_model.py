"""How well does each language fit these words? py3langid is asked once for each, and the answers add up.

The words of a chat repeat, and what the model says of a whole text is the sum of what it says of the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, chain
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
        self._rows = _Rows(self)
        self._scores: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._lengths: NDArray[np.int64] = np.empty(0, np.int64)  # of the same words

    @property
    def known(self) -> tuple[str, ...]:
        self._load()
        return tuple(self._columns)

    def scores(self, texts: Sequence[Sequence[str]], fit: tuple[str, ...]) -> NDArray[np.float64]:
        """Of each text's words, at least one: how well these languages fit, in nats. Shape (texts, fit).

        The root of the length tames a model that is too sure.
        """
        self._load()
        columns = [self._columns.get(one, -1) for one in fit]
        parts = [self._totals(texts[at : at + AT_ONCE])[:, columns] for at in range(0, len(texts), AT_ONCE)]
        return np.concatenate(parts, dtype=np.float64)

    def _totals(self, texts: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        if len(self._rows) > CACHED_WORDS:
            self._rows.clear()
        ends = list(accumulate(map(len, texts)))
        rows = np.fromiter(map(self._rows.__getitem__, chain.from_iterable(texts)), np.int64, ends[-1])
        starts = [0, *ends[:-1]]
        letters = np.add.reduceat(self._lengths[rows], starts) + [len(words) for words in texts]
        tame = np.sqrt(letters.astype(np.float64)).astype(np.float32)
        totals = np.add.reduceat(self._scores[rows], starts, axis=0) / tame[:, None]
        return totals.astype(np.float32, copy=False)

    def row_of(self, word: str) -> int:
        """Where in the table of scores a new word is from now on."""
        at = len(self._rows)
        if at == len(self._scores):
            width = len(self._columns) + 1
            more = np.full((max(1024, at), width), NOT_KNOWN, np.float32)
            self._scores = np.concatenate([self._scores.reshape(-1, width), more])
            self._lengths = np.concatenate([self._lengths, np.zeros(len(more), np.int64)])
        self._lengths[at] = len(word)
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
