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
from storage.records import stable_id
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
CAP = 30  # picks of one person that count, in all tests of the same two: nobody decides alone
PICKS = ".picks.json"  # beside the key: what each friend chose, under a name that nobody reads
NO_PICKS: Mapping[str, Any] = {"share": 0.5, **wilson(0, 0), "picks": 0, "people": 0}


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt, and what the candidate and the other one answer to it."""

    prompt: str
    candidate: str
    other: str


def write_test(
    pairs: Sequence[Pair], version: str, other: str | None, folder: Path, keys: Path, dice: random.Random
) -> Path:
    """The page in `folder`; which side is the candidate's goes to `keys`. Same answers are left out.

    `other`: the version that it is compared with; None: the base model.
    """
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
    key = {"version": version, "against": other, "left": left}
    (keys / f"{id}.json").write_text(json.dumps(key), encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{id}.html"
    content = json.dumps({"test": id, "questions": shown}).replace("<", "\\u003c")
    template = (Path(__file__).parent / "blind_test.html").read_text(encoding="utf-8")
    page.write_text(template.replace("{{content}}", content), encoding="utf-8")
    return page


def count_picks(files: Sequence[Path], keys: Path) -> dict[str, Mapping[str, Any]]:
    """Keep these picks, and tell by version what friends prefer by now: see `friends_of`.

    The same person's file for the same test counts once, the last one given. Raises Told for a file that is
    no picks of a test of ours, before any is kept.
    """
    ballots: dict[Path, dict[str, list[float]]] = {}
    pairs: dict[str, str | None] = {}
    for file in files:
        test, person, picks = _ballot(file)
        key = keys / f"{test}.json"
        if not key.exists():
            raise Told(f"{file}: no test {test} was made here", "send the page of this twin's home again")
        known = _read(key)
        pairs[known["version"]] = known.get("against")
        ballots.setdefault(keys / f"{test}{PICKS}", {})[stable_id(person)] = _points(picks, known["left"])
    for kept, given in ballots.items():
        kept.write_text(json.dumps({**_read(kept), **given}), encoding="utf-8")
    return {version: friends_of(keys, version, other) or NO_PICKS for version, other in pairs.items()}


def friends_of(keys: Path, version: str, other: str | None) -> dict[str, Any] | None:
    """How often friends prefer this one to that: share, interval, picks, people; what the gate reads as one
    axis. All tests between the same two count together; None where nobody sent anything back.
    """
    people: dict[str, list[float]] = {}
    for kept in sorted(keys.glob(f"*{PICKS}")):
        known = _read(kept.with_name(kept.name.removesuffix(PICKS) + ".json"))
        if (known.get("version"), known.get("against", other)) == (version, other):
            for person, points in _read(kept).items():
                people.setdefault(person, []).extend(points)
    points = [point for some in people.values() for point in some[:CAP]]
    if not points:
        return None
    return {
        "share": sum(points) / len(points),
        **wilson(sum(points), len(points), DIFFERENCE),
        "picks": len(points),
        "people": sum(map(bool, people.values())),
        "against": other,
    }


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
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
