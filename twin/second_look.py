"""Is anything personal left in what is about to be trained on? A second look, independent of the first.

ingest/redact.py replaces by careful patterns. This looks with crude ones, so that one mistake is not made
twice: what it finds may be harmless, and is left out all the same. Before a build it plants canaries, too:
somebody made up, whose name and numbers must not come through.
"""

from __future__ import annotations

import json
import math
import random
import re
import shutil
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brain.prompt import Persona
from ingest.clean import clean
from ingest.redact import Redactor
from ingest.roster import Roster
from ingest.source import Person
from ingest.words import COMMON, EVERYDAY, NOBODY
from learning import corpus
from learning.corpus import Snapshot
from learning.evaluation.options import CANARIES
from learning.names import GIVEN
from learning.rows import read_rows
from learning.samples import Local
from learning.settings import CorpusSettings
from storage.records import Record
from twin.errors import Told
from twin.home import Home

REPORT = "second_look.json"  # beside the shards: what was left out
PASSES = 5
RIVALS = 252  # as many as the thorough evaluation ranks a canary among
_PLACEHOLDER = re.compile(r"<[A-Z]+_[0-9a-f]+>")
_DAY = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{4}|\d{4}\s?[-–]\s?\d{4}")
_MAIL = re.compile(r"[^\s@]{2,}@[^\s@]{2,}\.[^\s@]{2,}")
_DIGITS = re.compile(r"(?:\d[ ().-]?){6,}\d")
_WORD = re.compile(r"[^\W\d_]+")
_PIECE = re.compile(r"[\w+/=.-]{20,}")
_NOBODYS = COMMON | EVERYDAY | NOBODY | frozenset(name.lower() for name in GIVEN)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something personal in one record or row. What it is is not said: this is printed and kept."""

    id: str
    kind: str


class SecondLook:
    """Looks with the roster's names beside crude patterns."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        single = {_plain(name) for name in names if " " not in name} - _NOBODYS
        self._names = frozenset(name for name in single if name.isascii() and len(name) > 3)
        self._others = sorted(name for name in single if not name.isascii() and len(name) > 1)

    def kinds(self, text: str) -> list[str]:
        """What kinds of things seem to be in this text."""
        text = _PLACEHOLDER.sub(" ", text)
        found = []
        if _MAIL.search(text):
            found.append("email")
        if _DIGITS.search(_DAY.sub(" ", text)):
            found.append("number")
        plain = _plain(text)
        if not self._names.isdisjoint(_WORD.findall(plain)) or any(name in plain for name in self._others):
            found.append("name")
        if any(_is_random(piece) for piece in _PIECE.findall(text)):
            found.append("secret")
        return found

    def scan(self, rows: Iterable[Mapping[str, Any]]) -> list[Finding]:
        """Every row of a shard that has something in it. A row is a sample: a prompt and a completion."""
        return [Finding(row["id"], kind) for row in rows for kind in self.kinds(_said(row))]

    def scan_records(self, records: Iterable[Record]) -> list[Finding]:
        return [Finding(record.id, kind) for record in records for kind in self.kinds(record.text)]


def build_checked(
    records: Sequence[Record],
    persona: Persona,
    home: Home,
    settings: CorpusSettings,
    roster: Roster,
    local: Local | None = None,
) -> tuple[Snapshot, list[Finding]]:
    """Build the corpus without the records that fail the second look; they are reported, never trained on.

    Raises Told, and leaves no snapshot behind, when a canary comes through or a sample cannot be made clean.
    """
    planted = plant_canaries(roster)
    look = SecondLook(roster.names())
    findings = look.scan_records(record for record in records if record.deleted_at is None)
    left_out = {finding.id for finding in findings}
    for _ in range(PASSES):
        kept = (record for record in records if record.id not in left_out)
        snapshot = corpus.build(kept, persona, home.corpora, settings, local)
        shards = sorted(snapshot.path.glob("*.jsonl"))
        rows = {row["id"]: row for shard in shards for row in read_rows(shard)}
        failed = look.scan(rows.values())
        if not failed:
            told = [{"record": finding.id, "kind": finding.kind} for finding in findings]
            report = json.dumps({"left_out": told, "canaries": "held"})
            (snapshot.path / REPORT).write_text(report, encoding="utf-8")
            _keep_canaries(planted, snapshot.path / CANARIES)
            return snapshot, findings
        shutil.rmtree(snapshot.path)  # it holds what nobody may train on
        more = [Finding(id, one.kind) for one in failed for id in _made_of(rows[one.id])]
        findings += more
        left_out |= {finding.id for finding in more}
    raise Told(
        f"the second look still finds a {failed[0].kind} in sample {failed[0].id}: nothing was built",
        f"its records are {', '.join(_made_of(rows[failed[0].id]))}: 'twin records show' them",
    )


def _made_of(row: Mapping[str, Any]) -> list[str]:
    """The records whose words it teaches; a silence has only those before it."""
    ids: list[str] = row["record_ids"] or row["context_ids"]
    return ids


def in_words(findings: Sequence[Finding]) -> list[str]:
    """What was left out, a sentence a record."""
    kinds: dict[str, list[str]] = {}
    for finding in findings:
        kinds.setdefault(finding.id, []).append(finding.kind)
    return [f"left out record {id}: it seems to hold a {' and a '.join(of)}" for id, of in kinds.items()]


# canaries


def plant_canaries(roster: Roster, dice: random.Random | None = None) -> dict[str, str]:
    """Send somebody made up through the same steps as every record; raises Told when any of it comes out.

    Returns what was planted, by kind: whoever knows it later has seen what nobody may.
    """
    planted = canaries(dice or random.SystemRandom())
    roster.learn(Person("canary:1", (planted["name"],), (planted["handle"],)))
    redactor = Redactor(roster)
    for kind, value in planted.items():
        for text in (f"so {value} it is", f"I told you: {value}", f"{value}\nok?"):
            came_out = redactor.redact(clean(text)).lower()
            if any(part in came_out for part in value.lower().split() if len(part) > 3):
                raise Told(
                    f"pseudonymising is broken: a planted {kind} came through, so nothing was built",
                    "that is a fault of the twin itself, or of a change to ingest/redact.py",
                )
    return planted


def _keep_canaries(planted: Mapping[str, str], file: Path) -> None:
    """For the evaluation: each canary and rivals of the same form, which nobody was ever shown either."""
    rivals = [canaries(random.SystemRandom()) for _ in range(RIVALS)]
    kept = {
        kind: {"planted": value, "rivals": [one[kind] for one in rivals]} for kind, value in planted.items()
    }
    file.write_text(json.dumps(kept), encoding="utf-8")


def canaries(dice: random.Random) -> dict[str, str]:
    """Fresh every time, so that no pattern can know them."""

    def some(letters: str, count: int) -> str:
        return "".join(dice.choices(letters, k=count))

    def word() -> str:
        return "".join(dice.choice("bdfgklmnprtvz") + dice.choice("aiou") for _ in range(4)) + "x"

    small, digits, mixed = string.ascii_lowercase, string.digits, string.ascii_letters + string.digits
    return {
        "name": f"{word().title()} {word().title()}",
        "handle": f"{word()}.{word()}",
        "email": f"{word()}.{word()}@{word()}.example.org",
        "phone number": f"+{dice.randint(30, 49)} {some('123456789', 3)} {some(digits, 3)} {some(digits, 4)}",
        "key": f"ghp_{some(mixed, 36)}",
        "token": f"{some(small, 10)}{some(digits, 8)}{some(mixed, 20)}",
        "address": f"{dice.randint(100, 999)} {word().title()} Street",
        "IP address": f"203.0.113.{dice.randint(100, 254)}",
        "place": f"46.{some('123456789', 5)}, 14.{some('123456789', 5)}",
    }


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _said(row: Mapping[str, Any]) -> str:
    """What people said in it; the card says what the owner has told everybody."""
    turns = [*row.get("prompt", ()), *row.get("completion", ())]
    return "\n".join(turn["content"] for turn in turns if turn["role"] != "system")


def _is_random(piece: str) -> bool:
    """Letters and digits mixed as no word mixes them."""
    if not any(letter.isdigit() for letter in piece) or not any(letter.isalpha() for letter in piece):
        return False
    counts = Counter(piece).values()
    return -sum(count / len(piece) * math.log2(count / len(piece)) for count in counts) > 3.5
