"""What kind of talk is this? Greeting, comforting, planning, arguing, technical help, small talk, or other.

Two opinions are added. Cues of five languages (English, German, Spanish, French, Russian; `patterns.txt`) and
a few shapes: a time of day, a piece of code, a line so short that a greeting is all there is. And words: in
examples written by hand (`pattern_examples.txt`), how much oftener is each in one kind of talk than in the
others? No model: the same words, the same answer. Where both say little it is `other`, and so is every other
language.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

OTHER = "other"
# In this order where two are equally likely: what matters more when it is missed comes first.
PATTERNS = ("comforting", "arguing", "technical help", "planning", "greeting", "small talk", OTHER)

ANSWERED = 0.7  # what a cue in the answer weighs; in what was heard it is 1
PHRASE = 0.5  # more for every further word of a cue: a phrase is surer than a word
BARE = 6  # words; a greeting before more than that only opens what is really said
STEM = 5  # letters of a longer word that count as a word of their own: endings change
# Chosen by leaving out a fifth of the later examples in turn.
CUE = 6.0  # what a cue is worth beside words, in nats
ENOUGH = 3.0  # nats
LEAST = -2.0  # nats; whatever the other words are, a cue is a cue
SMOOTH = 4.0  # examples with each word that nobody wrote, of all patterns in proportion

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_LATE = "uhr|o'clock|oclock|pm|am|h|часов|часа"
_TIME = re.compile(
    rf"\b\d{{1,2}}[:.]\d\d\b|\b\d{{1,2}}\s?(?:{_LATE})\b|\b(?:at|um|by|a las|à|в)\s\d{{1,2}}\b"
    r"|\b\d{1,2}(?:th|\.)(?=\s|$)",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"`|\b[A-Za-z]+(?:Error|Exception)\b|\w+\(\)|\s--?[a-z]{2,}|\b\w+\.(?:py|js|exe|json|csv|cfg)\b"
    r"|\b(?:404|403|500|502)\b|\bNone\b|\b\w+_\w+\b|https?://"
)
_SHAPES = {"planning": _TIME, "technical help": _CODE}


def pattern_of(heard: str, answer: str = "") -> str:
    """One of PATTERNS for an exchange: what was heard last, and the answer to it."""
    cues, words = by_cues(heard, answer), _by_words(heard, answer)
    return best({pattern: CUE * cues[pattern] + words[pattern] for pattern in PATTERNS[:-1]}, ENOUGH)


def best(scores: Mapping[str, float], enough: float) -> str:
    found = max(scores, key=scores.__getitem__)
    return found if scores[found] >= enough else OTHER


def by_cues(heard: str, answer: str = "") -> dict[str, float]:
    """How many cues speak for each pattern."""
    scores = dict.fromkeys(PATTERNS[:-1], 0.0)
    for text, weight in ((heard, 1.0), (answer, ANSWERED)):
        for pattern, score in _scores(text).items():
            scores[pattern] += weight * score
    return scores


def _by_words(heard: str, answer: str) -> dict[str, float]:
    """By how many nats the words speak for each pattern."""
    known = _words_of_examples()
    found = [known[feature] for feature in sorted(_features(heard, answer)) if feature in known]
    nats = {pattern: max(LEAST, sum(one[pattern] for one in found)) for pattern in PATTERNS[:-1]}
    if len(_words(heard)) > BARE:
        nats["greeting"] = min(0.0, nats["greeting"])
    return nats


def _scores(text: str) -> dict[str, float]:
    words = _words(text)
    found: defaultdict[str, float] = defaultdict(float)
    exact, stems, longest = _cues()
    for start in range(len(words)):
        for size in range(1, longest + 1):
            phrase = " ".join(words[start : start + size])
            for pattern in exact.get(phrase, ()) if start + size <= len(words) else ():
                found[pattern] += 1 + PHRASE * (size - 1)
        for stem, pattern in stems:
            found[pattern] += words[start].startswith(stem)
    for pattern, shape in _SHAPES.items():
        found[pattern] += bool(shape.search(text))
    if len(words) > BARE:
        found["greeting"] /= BARE
    return found


def _words(text: str) -> list[str]:
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]


def _features(heard: str, answer: str) -> set[str]:
    """The words of both, those of the answer marked, how long ones begin, and whether somebody asks."""
    found: set[str] = set()
    for mark, text in (("", heard), (">", answer)):
        words = _words(text)
        found.update(mark + word for word in words)
        found.update(f"{mark}{word[:STEM]}~" for word in words if len(word) > STEM)
        if words and "?" in text:
            found.add(f"{mark}?")
    return found


@cache
def _words_of_examples() -> dict[str, dict[str, float]]:
    """By feature and pattern, the logarithm of how much oftener it is there than elsewhere (naive Bayes)."""
    sizes: Counter[str] = Counter()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for heard, answer, pattern, _ in examples():
        sizes[pattern] += 1
        for feature in _features(heard, answer):
            counts[feature][pattern] += 1
    every = sizes.total()
    found: dict[str, dict[str, float]] = {}
    for feature, count in counts.items():
        found[feature] = {}
        for pattern in PATTERNS[:-1]:
            here, size = count[pattern], sizes[pattern]
            inside = here / size + SMOOTH / every
            outside = (count.total() - here) / (every - size) + SMOOTH / every
            found[feature][pattern] = math.log(inside / outside)
    return found


def examples() -> Iterator[tuple[str, str, str, str]]:
    """What was heard, what was answered, the pattern, the language."""
    return labelled((files(__package__) / "pattern_examples.txt").read_text(encoding="utf-8"))


def labelled(text: str) -> Iterator[tuple[str, str, str, str]]:
    pattern = lang = ""
    for line in text.splitlines():
        if line.startswith("= "):
            pattern, _, lang = line[2:].rpartition(" ")
        elif line and not line.startswith("#"):
            heard, _, answer = line.partition(" > ")
            yield heard, answer, pattern, lang


@cache
def _cues() -> tuple[dict[str, tuple[str, ...]], tuple[tuple[str, str], ...], int]:
    """By phrase the patterns it speaks for; the stems; and how many words the longest phrase has."""
    exact: defaultdict[str, list[str]] = defaultdict(list)
    stems: list[tuple[str, str]] = []
    pattern = OTHER
    for line in (files(__package__) / "patterns.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            pattern = line[2:]
        elif line and not line.startswith("#"):
            for cue in dict.fromkeys(part.strip() for part in line.split(",")):
                if cue.endswith("*") and " " not in cue:
                    stems.append((cue[:-1], pattern))
                elif pattern not in exact[cue.rstrip("*")]:
                    exact[cue.rstrip("*")].append(pattern)
    longest = max(cue.count(" ") + 1 for cue in exact)
    return {cue: tuple(patterns) for cue, patterns in exact.items()}, tuple(stems), longest
