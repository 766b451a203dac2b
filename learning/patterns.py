"""What kind of talk is this? Greeting, comforting, planning, arguing, technical help, small talk, or other.

Cues of five languages (English, German, Spanish, French, Russian) in `patterns.txt` and a few shapes: a time
of day, a piece of code, a line so short that a greeting is all there is. No model: the same words, the same
answer. What no cue speaks for is `other`, and so is every other language: it rather says nothing than wrong.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from importlib.resources import files

OTHER = "other"
# In this order where two are equally likely: what matters more when it is missed comes first.
PATTERNS = ("comforting", "arguing", "technical help", "planning", "greeting", "small talk", OTHER)

ANSWERED = 0.7  # what a cue in the answer weighs; in what was heard it is 1
PHRASE = 0.5  # more for every further word of a cue: a phrase is surer than a word
ENOUGH = 0.7
BARE = 6  # words; a greeting before more than that only opens what is really said

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
    scores = dict.fromkeys(PATTERNS, 0.0)
    for text, weight in ((heard, 1.0), (answer, ANSWERED)):
        for pattern, score in _scores(text).items():
            scores[pattern] += weight * score
    best = max(PATTERNS, key=scores.__getitem__)
    return best if scores[best] >= ENOUGH else OTHER


def _scores(text: str) -> dict[str, float]:
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
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
        found["greeting"] /= 3
    return found


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
