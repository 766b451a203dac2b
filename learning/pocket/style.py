"""How does somebody write? Casing, emoji, openers, closers, bursts: what adapters later change."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from learning.pocket.grammar import sentence_case
from learning.pocket.words import column


@dataclass(frozen=True, slots=True)
class Style:
    """One writer's habits; each share is how often the habit shows in an answer."""

    lower_case: bool = False
    no_full_stop: bool = False
    no_apostrophe: bool = False
    commas: bool = False  # between sentences, where others begin a new one
    exclaims: bool = False
    burst: float = 0.0  # two short lines, as two messages sent one after the other
    emoji: float = 0.0
    opener: float = 0.0
    closer: float = 0.0
    aside: float = 0.0
    emojis: tuple[str, ...] = ()
    openers: tuple[str, ...] = ()
    closers: tuple[str, ...] = ()


PLAIN = Style()


def invent(chance: random.Random) -> Style:
    """A writer nobody has met: every habit on or off on its own."""
    return Style(
        lower_case=chance.random() < 0.6,
        no_full_stop=chance.random() < 0.5,
        no_apostrophe=chance.random() < 0.4,
        commas=chance.random() < 0.3,
        exclaims=chance.random() < 0.15,
        burst=chance.choice([0, 0, 0.5, 1]),
        emoji=chance.choice([0, 0, 0.3, 0.6, 0.9]),
        opener=chance.choice([0, 0, 0.3, 0.6]),
        closer=chance.choice([0, 0, 0.3, 0.6]),
        aside=chance.choice([0, 0, 0.2, 0.4]),
        emojis=tuple(chance.sample(column("emoji"), 4)),
        openers=tuple(chance.sample(column("opener"), 3)),
        closers=tuple(chance.sample(column("closer"), 3)),
    )


def write(answer: str, style: Style, chance: random.Random) -> str:
    """The answer as this writer would put it."""
    text = sentence_case(answer)
    if chance.random() < style.aside:
        text = f"{text} {chance.choice(column('aside'))}"
    if chance.random() < style.opener:
        text = _open(text, chance.choice(style.openers), chance.choice([", ", " "]))
    if chance.random() < style.closer:
        text = _close(text, chance.choice(style.closers))
    if style.exclaims:
        text = text.replace(".", "!")
    if chance.random() < style.burst:
        text = "\n".join(re.split(r"(?<=[.!?]) ", text, maxsplit=1))
    if style.commas:
        text = re.sub(r"[.!] (\w)", lambda found: f", {found[1].lower()}", text)
    if style.no_apostrophe:
        text = text.replace("'", "")
    if style.no_full_stop:
        text = re.sub(r"\.(?=\n|$)", "", text)
    if style.lower_case:
        text = text.lower()
    if chance.random() < style.emoji:
        text = f"{text} {chance.choice(style.emojis) * chance.choice([1, 1, 1, 2])}"
    return text


def type_fast(line: str, chance: random.Random) -> str:
    """What a friend types, with the carelessness of a chat: capitals, stops and apostrophes come and go."""
    if chance.random() < 0.06:
        line = chance.choice(["hey, ", "so ", "ok ", "btw ", "haha ", "also ", "and "]) + line
    if (roll := chance.random()) < 0.35:
        line = line[0].upper() + line[1:]
    if roll < 0.25 and line[-1] not in "?!":
        line += chance.choice([".", "!", "."])
    if chance.random() < 0.3:
        line = line.removesuffix("?")
    if chance.random() < 0.2:
        line = line.replace("'", "")
    return line


def _open(text: str, opener: str, joint: str) -> str:
    keeps_capital = text.startswith(("I ", "I'"))
    return opener.capitalize() + joint + (text if keeps_capital else text[0].lower() + text[1:])


def _close(text: str, closer: str) -> str:
    if text.endswith("?"):
        return text
    return f"{text.rstrip('.!')}, {closer}{'?' if closer.endswith('about you') else '.'}"
