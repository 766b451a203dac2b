"""What on the disk holds what is forgotten, besides snapshots and preference sets? It goes, or loses lines.

Frozen things are not rewritten: a reward model, a report or an adapter that learned from it goes whole.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ingest.pipeline import REVIEW
from ingest.strangers import Strangers
from learning.adapter_folder import MANIFEST
from twin.backup import DATABASE, SETTINGS
from twin.forgotten_words import ForgottenWords
from twin.home import Home
from twin.logs import wipe_logs

OF_OTHERS = {"adapters", "corpora", "preferences", "teacher", "rewards", "receipts"}  # each is looked after
KEPT = {DATABASE, SETTINGS, "roster.json", REVIEW, "corrections.json", "pseudonym.key", "vault.bin", ".env"}
KEPT |= {"server.json"}  # of the model servers that run: addresses and paths
LOGS = (".log", ".jsonl")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})")
LARGEST = 64 << 20  # bytes; no text of ours is larger


@dataclass(slots=True)
class Disk:
    """What was done, by path within the home."""

    removed: list[str] = field(default_factory=list)
    rewritten: dict[str, dict[str, str]] = field(default_factory=dict)  # SHA-256 before and after

    def remove(self, home: Home, path: Path) -> None:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        self.removed.append(path.relative_to(home.root).as_posix())


def remove_adapters(home: Home, versions: Iterable[str], disk: Disk) -> None:
    """Their weights, and which side of a blind test was theirs."""
    for version in versions:
        for path in [home.adapters / version, *(home.root / "blind-tests").glob(f"{version}-*")]:
            if path.exists():
                disk.remove(home, path)


def remove_rewards(home: Home, samples: Collection[str], disk: Disk) -> None:
    """Reward models that learned from one of these pairs, or do not say from which."""
    for folder in sorted(home.rewards.glob("*")) if home.rewards.exists() else ():
        try:
            learned = set(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["samples"])
        except (OSError, ValueError, KeyError):
            learned = set(samples)
        if not learned.isdisjoint(samples):
            disk.remove(home, folder)


def forget_contexts(home: Home, record_ids: Collection[str], words: ForgottenWords) -> None:
    """Names that wait for a decision come with what was said around them: not any more."""
    path = home.root / REVIEW
    if path.exists():
        strangers = Strangers()
        strangers.load(path)
        strangers.forget(record_ids, words.are_in)
        strangers.save(path)


def clean_disk(
    home: Home,
    words: ForgottenWords,
    told: Collection[str],
    ids: Collection[str],
    *,
    reports: bool,
    apart: Collection[Path],
) -> Disk:
    """Logs lose their lines; any other file of words that holds one of them, or one of these ids, goes.

    `told`: what must be in no log, besides. `reports`: those of evaluations all go: they show what was asked.
    `apart`: backups.
    """
    disk = Disk()
    for path in list(_files(home, apart)):
        name = path.relative_to(home.root).as_posix()
        if reports and path.parent.parent == home.runs and path.name.startswith("report."):
            disk.remove(home, path)
        elif path.suffix in LOGS or ".log" in path.suffixes:
            before = _sha256(path)
            if wipe_logs([path], told, lambda line: words.are_in(_plain(line))):
                disk.rewritten[name] = {"before": before, "after": _sha256(path)}
        elif _holds(path, words, ids):
            disk.remove(home, path)
    return disk


def _files(home: Home, apart: Collection[Path]) -> Iterator[Path]:
    for top in sorted(home.root.iterdir()):
        if top.name in KEPT | OF_OTHERS or top.name.startswith(DATABASE) or top.suffix == ".lock":
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if (
                path.is_file()
                and not path.is_symlink()
                and not any(path.is_relative_to(one) for one in apart)
            ):
                yield path


def _holds(path: Path, words: ForgottenWords, ids: Collection[str]) -> bool:
    text = _text(path)
    if text is None:
        return False
    return words.are_in(text) or words.are_in(_plain(text)) or any(one in text for one in ids)


def _text(path: Path) -> str | None:
    """None: it is no text."""
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= LARGEST else None
    except (UnicodeDecodeError, OSError):
        return None


def _plain(text: str) -> str:
    """As people said it, where JSON or HTML writes letters in ways of their own."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return html.unescape(text.replace("\\n", "\n").replace('\\"', '"'))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
