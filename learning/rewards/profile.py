"""What is the owner like, in figures that a reply can be held against? Learned from what they really said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from learning.rewards import audience, invention, length, punctuation, repetition, stance, vocabulary
from learning.rewards.audience import Audience
from learning.rewards.invention import Invention
from learning.rewards.length import Lengths
from learning.rewards.punctuation import Punctuation
from learning.rewards.repetition import Repetition
from learning.rewards.reply import owner_reply
from learning.rewards.stance import Stance
from learning.rewards.vocabulary import Vocabulary

ANSWER = "answer"  # kind of the rows in which the owner answers somebody


@dataclass(frozen=True, slots=True)
class Profile:
    """One part for each reward, under its name. Holds the owner's words: it is as private as a corpus."""

    replies: int  # answers that it was learned from
    length: Lengths
    vocabulary: Vocabulary
    punctuation: Punctuation
    audience: Audience
    stance: Stance
    invention: Invention
    repetition: Repetition

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = _READER.dump_python(self, mode="json")
        found["invention"]["said"].sort()  # a set has no order, and the same profile has the same bytes
        return found


_READER = TypeAdapter(Profile)


def learned(rows: Iterable[Mapping[str, Any]]) -> Profile:
    """The owner's profile from the rows of a corpus to train on; never from held-out ones."""
    given = [row for row in rows if "augmented" not in row]
    everything = [owner_reply(row) for row in given]
    said = [reply for row, reply in zip(given, everything, strict=True) if row.get("kind", ANSWER) == ANSWER]
    return Profile(
        replies=len(said),
        length=length.learned(said),
        vocabulary=vocabulary.learned(said),
        punctuation=punctuation.learned(said),
        audience=audience.learned(said),
        stance=stance.learned(everything),
        invention=invention.learned(everything),
        repetition=repetition.learned(said),
    )


def read(file: Path) -> Profile:
    """A profile as a training wrote it. Raises ValueError where it is none."""
    return _READER.validate_json(file.read_text(encoding="utf-8"))
