"""What may the test of a source ask for? Files to read, damage to do to them, a ledger that must close."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ingest.ledger import Ledger
from ingest.pipeline import Passage, read_all
from ingest.roster import Roster
from ingest.source import Owner, Source
from storage.records import Record, Skipped

KEY = b"0123456789abcdef0123456789abcdef"


def put(root: Path, name: str, content: Any) -> Path:
    """Bytes and text as they are, anything else as JSON."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, (bytes, str)):
        content = json.dumps(content, ensure_ascii=False)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def zipped(folder: Path) -> Path:
    """The folder again as a zip beside it."""
    target = folder.with_name(folder.name + ".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return target


def kept(source: Source, path: Path, owner: Owner) -> list[Record]:
    return [item for item in source.read(path, owner) if isinstance(item, Record)]


def left_out(source: Source, path: Path, owner: Owner) -> list[Skipped]:
    return [item for item in source.read(path, owner) if isinstance(item, Skipped)]


def ingested(source: Source, path: Path, owner: Owner) -> Ledger:
    """Through the whole pipeline up to the store: it must not raise, and the ledger must close."""
    ledger = Ledger(source.name)
    outcomes = list(read_all(source, path, owner, Passage(Roster(KEY, owner), ledger)))
    ledger.kept = sum(isinstance(outcome, Record) for outcome in outcomes)
    assert ledger.closes()
    assert 0 <= source.recognise(path) <= 1
    return ledger


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Some bytes changed and the end cut off somewhere, or nothing like it at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=400))
    broken = bytearray(whole)
    for _ in range(draw(st.integers(0, 4))):
        broken[draw(st.integers(0, len(broken) - 1))] = draw(st.integers(0, 255))
    return bytes(broken[: draw(st.integers(0, len(broken)))])
