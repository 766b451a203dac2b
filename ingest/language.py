"""Which language is a text in? Few words say little, so the thread it stands in has a say, too.

Only the owner's languages come into question. The script settles what it can; a text of two words takes the
language of its thread; and nothing but emoji, numbers and links is "und". The model (py3langid) is asked word
by word, once for each word: the words of a chat repeat, and the answers add up to that for a whole text.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import add
from statistics import fmean
from typing import Any

from storage.records import Record

UNKNOWN = "und"
FEW = 3  # words; a shorter text takes after its thread
LOOKED_AT = 400  # characters of a long text
CACHED_WORDS = 200_000
WHOLE_THREAD = 3.0  # what a thread in one language weighs against a text's own words, in nats
SURE = 2.0  # nats by which the best language has to lead before a text counts for its thread

_NOT_WORDS = re.compile(
    r"<[A-Z][A-Z_]*(?:_[0-9A-Za-z]+)?>|```.*?```|`[^`\n]+`|(?:\w+://|www\.)\S+|[@#]\w+", re.DOTALL
)
_WORTH_MASKING = re.compile(r"[<`@#]|//|www\.")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")

# Which languages write so. A script that is not here is Latin's business: every language may use it.
_SCRIPTS = {
    "CYRILLIC": ["ru", "uk", "be", "bg", "mk", "sr", "kk", "ky", "mn", "tg"],
    "GREEK": ["el"],
    "HEBREW": ["he", "yi"],
    "ARABIC": ["ar", "fa", "ur", "ps", "ug", "ku"],
    "DEVANAGARI": ["hi", "mr", "ne"],
    "HANGUL": ["ko"],
    "HIRAGANA": ["ja"],
    "KATAKANA": ["ja"],
    "CJK": ["zh", "ja"],
    "THAI": ["th"],
    "GEORGIAN": ["ka"],
    "ARMENIAN": ["hy"],
    "BENGALI": ["bn", "as"],
    "TAMIL": ["ta"],
    "TELUGU": ["te"],
    "GUJARATI": ["gu"],
    "KANNADA": ["kn"],
    "MALAYALAM": ["ml"],
}
_ELSEWHERE = {language for languages in _SCRIPTS.values() for language in languages} - {"sr", "ku"}


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one text's own words say. No candidates: nothing in it is a word of any language we can tell."""

    candidates: tuple[str, ...]
    scores: tuple[float, ...] = ()  # in nats, one for each candidate; empty: too few words to say

    @property
    def sure(self) -> str | None:
        if len(self.candidates) == 1:
            return self.candidates[0]
        best, second = sorted(self.scores, reverse=True)[:2] if self.scores else (0.0, 0.0)
        return self.candidates[self.scores.index(best)] if best - second >= SURE else None


class Languages:
    """Remembers the threads of one ingest. `spoken`: the owner's languages; none: all the model knows."""

    def __init__(self, spoken: Sequence[str] = ()) -> None:
        self._spoken = tuple(dict.fromkeys(re.split("[-_]", code.lower())[0] for code in spoken))
        self._threads: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._everywhere: Counter[str] = Counter()
        self._model = _model_for(self._spoken)

    def label(self, records: Sequence[Record]) -> list[Record]:
        """These records with their languages; one that its source has told is believed."""
        heard = [self._hear(record) for record in records]
        for record, one in zip(records, heard, strict=True):
            if known := record.lang or one.sure:
                self._threads[record.source, record.thread_id][known] += 1
                self._everywhere[known] += 1
        return [
            record if record.lang else replace(record, lang=self._decide(record, one))
            for record, one in zip(records, heard, strict=True)
        ]

    def _hear(self, record: Record) -> _Heard:
        text = record.text[:LOOKED_AT]
        if _WORTH_MASKING.search(text):
            text = _NOT_WORDS.sub(" ", text)
        words = _WORD.findall(text)
        if not words:
            return _Heard(())
        candidates = self._written_so(words)
        if len(candidates) < 2 or len(words) < FEW:
            return _Heard(candidates)
        return _Heard(candidates, self._model.scores(words, candidates))

    def _written_so(self, words: Sequence[str]) -> tuple[str, ...]:
        """The languages that are written in the script of these words."""
        letters = "".join(words)
        script = "LATIN" if letters.isascii() else _main_script(letters)
        languages = _SCRIPTS.get(script)
        if languages is None:
            known = self._spoken or self._model.known
            return tuple(language for language in known if language not in _ELSEWHERE)
        fit = tuple(language for language in languages if language in (self._spoken or languages))
        return fit or (tuple(languages) if len(languages) == 1 else ())

    def _decide(self, record: Record, heard: _Heard) -> str:
        if len(heard.candidates) < 2:
            return heard.candidates[0] if heard.candidates else UNKNOWN
        thread = self._threads[record.source, record.thread_id]
        if not heard.scores:
            around = thread if any(thread[one] for one in heard.candidates) else self._everywhere
            return max(heard.candidates, key=lambda one: around[one])  # a tie: the one the owner named first
        total = 1 + sum(thread[one] for one in heard.candidates)
        weighed = [
            score + WHOLE_THREAD * thread[language] / total
            for language, score in zip(heard.candidates, heard.scores, strict=True)
        ]
        return heard.candidates[weighed.index(max(weighed))]


class _Model:
    """py3langid, loaded when it is first needed: an owner of one language never does."""

    def __init__(self, spoken: Sequence[str]) -> None:
        self._spoken = spoken
        self._identifier: Any = None
        self._columns: dict[str, int] = {}
        self._words: dict[str, Sequence[float]] = {}

    @property
    def known(self) -> tuple[str, ...]:
        self._load()
        return tuple(self._columns)

    def scores(self, words: Sequence[str], candidates: Sequence[str]) -> tuple[float, ...]:
        """How well each language fits, in nats. The root of the length tames a model that is too sure."""
        self._load()
        total = [0.0] * len(self._columns)
        for word in words:
            total = list(map(add, total, self._word(word)))
        tame = math.sqrt(sum(len(word) + 1 for word in words))
        return tuple(total[at] / tame if (at := self._columns.get(c, -1)) >= 0 else -99.0 for c in candidates)

    def _word(self, word: str) -> Sequence[float]:
        word = word.lower()
        found = self._words.get(word)
        if found is None:
            if len(self._words) >= CACHED_WORDS:
                self._words.clear()
            ranked = dict(self._identifier.rank(f" {word} "))
            scores = [ranked[language] for language in self._columns]
            middle = fmean(scores) if max(scores) > -1e30 else None  # the model has never seen its letters
            found = [0.0 if middle is None else score - middle for score in scores]
            self._words[word] = found
        return found

    def _load(self) -> None:
        if self._identifier is not None:
            return
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
        known = [label for label in self._identifier.labels if len(label) == 2]
        chosen = [language for language in self._spoken if language in known] or known
        self._identifier.set_languages(chosen)
        self._columns = {language: column for column, language in enumerate(chosen)}


@lru_cache(maxsize=4)
def _model_for(spoken: tuple[str, ...]) -> _Model:
    return _Model(spoken)


def _main_script(letters: str) -> str:
    scripts = Counter(map(_script, letters[:100]))
    if scripts["HIRAGANA"] + scripts["KATAKANA"]:
        return "HIRAGANA"  # Japanese, however many Chinese characters there are
    return max(scripts, key=lambda script: scripts[script])


@lru_cache(maxsize=20_000)
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "LATIN").partition(" ")[0]
    return name if name in _SCRIPTS else "LATIN"
