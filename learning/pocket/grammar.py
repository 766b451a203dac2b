"""How does one written template become many different lines?

"{a|b|c}" picks one, "[x]" keeps x half the time, both may be nested; "$word" is left for `fill`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

SLOT = re.compile(r"\$([a-z]+)(?:\.(a|your)\b)?")
CLOSING = {"{": "}", "[": "]"}


def expand(template: str, chance: random.Random) -> str:
    """Choose among the alternatives of a template; raises ValueError when a bracket is left open."""
    return re.sub(r" {2,}", " ", _choose(template, chance)).strip()


def fill(text: str, word: Callable[[str], str]) -> str:
    """Words for the "$slots"; ".a" puts "a" or "an" in front, ".your" makes "my sister" "your sister"."""

    def one(found: re.Match[str]) -> str:
        value, form = word(found[1]), found[2]
        if form == "a":
            return with_article(value)
        return value.replace("my ", "your ", 1) if form == "your" else value

    return SLOT.sub(one, text)


def with_article(noun: str) -> str:
    """ "an owl", "a cat"; a proper noun such as "Mars" stays bare, as do nouns that have theirs."""
    if noun[0].isupper() or noun.startswith(("a ", "an ", "the ")):
        return noun
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def sentence_case(text: str) -> str:
    """A capital letter at the start and after each full stop, question mark and exclamation mark."""
    return re.sub(r"(^\W*|[.!?]\s+)([a-z])", lambda found: found[1] + found[2].upper(), text)


def _choose(template: str, chance: random.Random) -> str:
    parts: list[str] = []
    at = 0
    while at < len(template):
        if (opening := template[at]) not in CLOSING:
            parts.append(opening)
            at += 1
            continue
        end = _matching(template, at)
        options = _alternatives(template[at + 1 : end])
        if opening == "{" or chance.random() < 0.5:
            parts.append(_choose(chance.choice(options), chance))
        at = end + 1
    return "".join(parts)


def _matching(template: str, start: int) -> int:
    opening, closing = template[start], CLOSING[template[start]]
    depth = 0
    for at in range(start, len(template)):
        depth += (template[at] == opening) - (template[at] == closing)
        if depth == 0:
            return at
    raise ValueError(f"{opening!r} is never closed in {template!r}")


def _alternatives(text: str) -> list[str]:
    """Split at the bars that are not inside a bracket of their own."""
    options, depth = [""], 0
    for letter in text:
        depth += (letter in CLOSING) - (letter in CLOSING.values())
        if letter == "|" and depth == 0:
            options.append("")
        else:
            options[-1] += letter
    return options
