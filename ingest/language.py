"""Which language is a text in? Few words say little, so the thread it stands in has a say, too.

Only the owner's languages come into question. The script settles what it can; a text of two words takes the
language of its thread; and nothing but emoji, numbers and links is "und". The rest is up to a model.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from operator import add
from typing import NamedTuple

from ingest.language_model import model_for
from storage.records import Record, with_changes

UNKNOWN = "und"
FEW = 3  # words; a shorter text takes after its thread
LOOKED_AT = 400  # characters of a long text
WHOLE_THREAD = 3.0  # what a thread in one language weighs against a text's own words, in nats
SURE = 2.0  # nats by which the best language has to lead before a text counts for its thread

_NOT_WORDS = re.compile(
    r"<[A-Z][A-Z_]*(?:_[0-9A-Za-z]+)?>|```.*?```|`[^`\n]+`|(?:\w+://|www\.)\S+|[@#]\w+", re.DOTALL
)
_WORTH_MASKING = re.compile(r"[<`@#]|//|www\.")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ASCII_WORD = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*")  # the same there, in half the time

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


class _Heard(NamedTuple):
    """What one text's own words say. No candidates: nothing in it is a word of any language we can tell."""

    candidates: tuple[str, ...]
    scores: Sequence[float] = ()  # in nats, one for each candidate; empty: too few words to say

    @property
    def sure(self) -> str | None:
        if len(self.candidates) == 1:
            return self.candidates[0]
        if not self.scores:
            return None
        second, best = sorted(self.scores)[-2:]
        return self.candidates[self.scores.index(best)] if best - second >= SURE else None


class Languages:
    """Remembers the threads of one ingest. `spoken`: the owner's languages; none: all the model knows."""

    def __init__(self, spoken: Sequence[str] = ()) -> None:
        self._spoken = tuple(dict.fromkeys(re.split("[-_]", code.lower())[0] for code in spoken))
        self._threads: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._everywhere: Counter[str] = Counter()
        self._model = model_for(self._spoken)
        self._written: dict[str, tuple[str, ...]] = {}  # script -> languages

    def label(self, records: Sequence[Record]) -> list[Record]:
        """These records with their languages; one that its source has told is believed."""
        heard = self._hear([_words(record.text) for record in records])
        for record, one in zip(records, heard, strict=True):
            if known := record.lang or one.sure:
                self._threads[record.source, record.thread_id][known] += 1
                self._everywhere[known] += 1
        around = cache(self._around)  # what the threads weigh is settled from here on
        return [
            record if record.lang else with_changes(record, lang=_decide(one, around, record))
            for record, one in zip(records, heard, strict=True)
        ]

    def _hear(self, texts: Sequence[Sequence[str]]) -> list[_Heard]:
        candidates = [self._written_so(words) if words else () for words in texts]
        asked = [at for at, words in enumerate(texts) if len(words) >= FEW and len(candidates[at]) > 1]
        scores = dict(
            zip(
                asked,
                self._model.scores([texts[at] for at in asked], [candidates[at] for at in asked]),
                strict=True,
            )
        )
        return [_Heard(fit, scores.get(at, ())) for at, fit in enumerate(candidates)]

    def _written_so(self, words: Sequence[str]) -> tuple[str, ...]:
        """The languages that are written in the script of these words."""
        letters = "".join(words)
        script = "LATIN" if letters.isascii() else _main_script(letters)
        if script not in self._written:
            self._written[script] = self._of_script(script)
        return self._written[script]

    def _of_script(self, script: str) -> tuple[str, ...]:
        languages = _SCRIPTS.get(script)
        if languages is None:
            known = self._spoken or self._model.known
            return tuple(language for language in known if language not in _ELSEWHERE)
        fit = tuple(language for language in languages if language in (self._spoken or languages))
        return fit or (tuple(languages) if len(languages) == 1 else ())

    def _around(self, source: str, thread_id: str, candidates: tuple[str, ...]) -> _Around:
        thread = self._threads[source, thread_id]
        total = 1 + sum(thread[one] for one in candidates)
        usual = thread if any(thread[one] for one in candidates) else self._everywhere
        return _Around(
            max(candidates, key=lambda one: usual[one]),  # a tie: the one the owner named first
            tuple(WHOLE_THREAD * thread[one] / total for one in candidates),
        )


class _Around(NamedTuple):
    """What a thread says of the candidates: the likeliest, and the weight of each in nats."""

    usual: str
    weights: tuple[float, ...]


def _decide(heard: _Heard, around: Callable[[str, str, tuple[str, ...]], _Around], record: Record) -> str:
    if len(heard.candidates) < 2:
        return heard.candidates[0] if heard.candidates else UNKNOWN
    thread = around(record.source, record.thread_id, heard.candidates)
    if not heard.scores:
        return thread.usual
    weighed = list(map(add, heard.scores, thread.weights))
    return heard.candidates[weighed.index(max(weighed))]


def _words(text: str) -> list[str]:
    text = text[:LOOKED_AT]
    if _WORTH_MASKING.search(text):
        text = _NOT_WORDS.sub(" ", text)
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


def _main_script(letters: str) -> str:
    scripts = Counter(map(_script, letters[:100]))
    if scripts["HIRAGANA"] + scripts["KATAKANA"]:
        return "HIRAGANA"  # Japanese, however many Chinese characters there are
    return max(scripts, key=lambda script: scripts[script])


@lru_cache(maxsize=20_000)
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "LATIN").partition(" ")[0]
    return name if name in _SCRIPTS else "LATIN"
