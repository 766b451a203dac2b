"""Which of two adapters do the owner's friends take for the owner? A page to send them, and their picks.

Nothing on the page is from anybody's chats: the prompts are made up, ours or the owner's. The page does not
know which answer is whose; that stays in the twin's home.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learning.evaluation.wilson import DIFFERENCE, wilson
from twin.errors import Told

PROMPTS = (
    "hey, how was your day?",
    "what are you up to this weekend?",
    "i can't sleep",
    "should i get a cat or a dog?",
    "what did you think of the last film you saw?",
    "i failed my exam",
    "what's for dinner?",
    "do you want to go for a walk later?",
    "guess what, i got the job!",
    "is it worth learning to cook?",
    "my neighbour plays the drums at night",
    "tea or coffee?",
    "what music do you listen to when you work?",
    "i'm moving to another city",
    "can you recommend me a book?",
    "i think i'm getting a cold",
    "what would you do with a free month?",
    "sorry i'm late!",
    "my train is cancelled again",
    "do you believe in horoscopes?",
)
CAP = 30  # picks of one person that count: nobody decides alone


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt, and what the candidate and the other one answer to it."""

    prompt: str
    candidate: str
    other: str


def write_test(pairs: Sequence[Pair], version: str, folder: Path, keys: Path, dice: random.Random) -> Path:
    """The page in `folder`; which side is the candidate's goes to `keys`. Same answers are left out."""
    differing = [pair for pair in pairs if pair.candidate.strip() != pair.other.strip()]
    if not differing:
        raise Told("both answer everything alike: there is nothing to choose", "give other prompts")
    id = f"{version}-{dice.randrange(16**6):06x}"
    left = [dice.random() < 0.5 for _ in differing]
    shown = [
        {"prompt": pair.prompt, "left": one, "right": two}
        for pair, first in zip(differing, left, strict=True)
        for one, two in [(pair.candidate, pair.other) if first else (pair.other, pair.candidate)]
    ]
    keys.mkdir(parents=True, exist_ok=True)
    (keys / f"{id}.json").write_text(json.dumps({"version": version, "left": left}), encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{id}.html"
    content = json.dumps({"test": id, "questions": shown}).replace("<", "\\u003c")
    template = (Path(__file__).parent / "blind_test.html").read_text(encoding="utf-8")
    page.write_text(template.replace("{{content}}", content), encoding="utf-8")
    return page


def count_picks(files: Sequence[Path], keys: Path) -> dict[str, dict[str, Any]]:
    """By version what friends prefer: share, interval, picks, people; what the gate reads as one axis.

    The same person's file for the same test counts once, the last one given. Raises Told for a file that is
    no picks of a test of ours.
    """
    ballots: dict[tuple[str, str], list[float]] = {}
    versions: dict[str, str] = {}
    for file in files:
        test, person, picks = _ballot(file)
        key = keys / f"{test}.json"
        if not key.exists():
            raise Told(f"{file}: no test {test} was made here", "send the page of this twin's home again")
        known = json.loads(key.read_text(encoding="utf-8"))
        versions[test] = known["version"]
        ballots[test, person] = _points(picks, known["left"])
    found: dict[str, dict[str, Any]] = {}
    for version in dict.fromkeys(versions.values()):
        of_version = {
            who: points[:CAP] for who, points in ballots.items() if versions[who[0]] == version and points
        }
        points = [point for some in of_version.values() for point in some]
        found[version] = {
            "share": sum(points) / len(points) if points else 0.5,
            **wilson(sum(points), len(points), DIFFERENCE),
            "picks": len(points),
            "people": len({person for _, person in of_version}),
        }
    return found


def _ballot(file: Path) -> tuple[str, str, Mapping[str, str]]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        test, person, picks = found["test"], found["person"], found["picks"]
        if not isinstance(test, str) or not test.replace("-", "").replace(".", "").isalnum():
            raise ValueError(test)
        return test, str(person).strip().casefold(), dict(picks)
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise Told(f"{file} is no file of picks", "ask for the one that the page saves") from broken


def _points(picks: Mapping[str, str], left: Sequence[bool]) -> list[float]:
    """1 for the candidate, 0 for the other one, a half for "no difference"; in the order of the questions."""
    points = []
    for number, candidate_left in enumerate(left):
        match picks.get(str(number)):
            case "left":
                points.append(float(candidate_left))
            case "right":
                points.append(float(not candidate_left))
            case "same":
                points.append(0.5)
    return points
