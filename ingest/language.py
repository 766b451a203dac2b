"""Which language is a text in? Few words say little, so the thread it stands in has a say, too.

Only the owner's languages come into question. The script settles what it can; a text of two words takes the
language of its thread; and nothing but emoji, numbers and links is "und". The rest is up to a model.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import chain
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from ingest.language_model import model_for
from storage.records import Record, with_changes

UNKNOWN = "und"
FEW = 3  # words; a shorter text takes after its thread
LOOKED_AT = 400  # characters of a long text
WHOLE_THREAD = 3.0  # what a thread in one language weighs against a text's own words, in nats
MOST_BETWEEN, LONG = 200_000, 64  # remembered, and of how many characters
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


@dataclass(slots=True)
class _Heard:
    """What the words of some texts say, all written in the script of these candidates."""

    candidates: tuple[str, ...]  # none: nothing in them is a word of any language we can tell
    at: list[int]  # which texts
    asked: list[int]  # those of them with enough words to say; `scores` are theirs
    # In nats, one for each candidate.
    scores: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))

    def sure(self) -> Iterator[tuple[int, str]]:
        """Which texts leave no doubt, and their language."""
        if len(self.candidates) == 1:
            yield from ((at, self.candidates[0]) for at in self.at)
        elif self.asked:
            second, best = np.partition(self.scores, -2)[:, -2:].T
            likeliest = self.scores.argmax(axis=1).tolist()
            for nth in np.flatnonzero(best - second >= SURE).tolist():
                yield self.asked[nth], self.candidates[likeliest[nth]]


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
        threads = [(record.source, record.thread_id) for record in records]
        heard = self._hear([record.text for record in records])
        known = {at: lang for one in heard for at, lang in one.sure()}
        known |= {at: record.lang for at, record in enumerate(records) if record.lang}
        for (thread, lang), times in Counter((threads[at], lang) for at, lang in known.items()).items():
            self._threads[thread][lang] += times
            self._everywhere[lang] += times
        langs: list[str] = [UNKNOWN] * len(records)
        around = cache(self._around)  # what the threads weigh is settled from here on
        for one in heard:
            _decide(one, threads, around, langs)
        return [
            record if record.lang else with_changes(record, lang=lang)
            for record, lang in zip(records, langs, strict=True)
        ]

    def _hear(self, texts: Sequence[str]) -> list[_Heard]:
        heard: dict[tuple[str, ...], _Heard] = {}
        words = list(map(_words, texts))
        for at, (text, found) in enumerate(zip(texts, words, strict=True)):
            fit = self._written_so(found, text.isascii()) if found else ()
            if (one := heard.get(fit)) is None:
                one = heard[fit] = _Heard(fit, [], [])
            one.at.append(at)
            if len(found) >= FEW and len(fit) > 1:
                one.asked.append(at)
        for one in heard.values():
            if one.asked:
                one.scores = self._model.scores([words[at] for at in one.asked], one.candidates)
        return list(heard.values())

    def _written_so(self, words: Sequence[str], plain: bool) -> tuple[str, ...]:
        """The languages that are written in the script of these words; `plain`: all of it is ASCII."""
        letters = "" if plain else "".join(words)
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

    def _around(self, place: tuple[str, str], candidates: tuple[str, ...]) -> _Around:
        thread = self._threads[place]
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


def _decide(
    heard: _Heard,
    threads: Sequence[tuple[str, str]],
    around: Callable[[tuple[str, str], tuple[str, ...]], _Around],
    langs: list[str],
) -> None:
    """Put the languages of these texts where they belong in `langs`."""
    fit = heard.candidates
    if len(fit) < 2:
        for at in heard.at:
            langs[at] = fit[0] if fit else UNKNOWN
        return
    for at in heard.at:
        langs[at] = around(threads[at], fit).usual
    if heard.asked:
        weights = np.array([around(threads[at], fit).weights for at in heard.asked])
        likeliest = (heard.scores + weights).argmax(axis=1).tolist()
        for at, nth in zip(heard.asked, likeliest, strict=True):
            langs[at] = fit[nth]


class _Between(dict[str, tuple[str, ...] | None]):
    """What stood between two blanks -> the words in it; None: it may be part of what is no word at all."""

    def __missing__(self, written: str) -> tuple[str, ...] | None:
        pattern = _ASCII_WORD if written.isascii() else _WORD
        found = None if _WORTH_MASKING.search(written) else tuple(pattern.findall(written))
        if len(self) > MOST_BETWEEN:
            self.clear()
        if len(written) <= LONG:
            self[written] = found
        return found


_BETWEEN = _Between()


def _words(text: str) -> list[str]:
    parts = list(map(_BETWEEN.__getitem__, text.split())) if len(text) <= LOOKED_AT else [None]
    if None not in parts:
        return [*chain.from_iterable(cast("list[tuple[str, ...]]", parts))]
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
