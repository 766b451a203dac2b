"""How formal is a text? Capitals, full stops, no slang: 0 is a chat at midnight, 1 a letter to the bank."""

from __future__ import annotations

import re
from statistics import fmean

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]|(?<!\\w)[:;]-?[()DPp]")
_STRETCHED = re.compile(r"([^\W\d_])\1\1|[!?]{2}|\.\.\.")
_SAID = """
    btw cuz dunno gonna gotta haha hahaha hey idk imo kinda lmao lol nah nope omg pls plz rn tbh thx u ur
    wanna wtf ya yeah yep yo
"""
_SLANG = frozenset(_SAID.split())


def formality(text: str) -> float:
    """From 0 to 1; 0.5 where there is nothing to judge by."""
    lines = [line.strip() for line in text.splitlines() if _WORD.search(line)]
    if not lines:
        return 0.5
    words = _WORD.findall(text)
    return round(
        fmean(
            (
                fmean(line.lstrip("\"'«„“(*- ")[:1].isupper() for line in lines),
                fmean(line.rstrip("\"'»“”)*")[-1:] in tuple(".!?:…") for line in lines),
                1.0 - min(1.0, 5 * sum(word.lower() in _SLANG for word in words) / len(words)),
                0.0 if _EMOJI.search(text) or _STRETCHED.search(text) else 1.0,
            )
        ),
        2,
    )
