"""What became of every item of an export, with a ledger that must close; and ways to damage an export."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from ingest.dedup import Duplicate
from ingest.ledger import Ledger
from ingest.pipeline import Passage, read_all
from ingest.roster import Roster
from ingest.source import Owner, Source
from storage.records import Record, Skipped

Outcome = Record | Skipped | Duplicate


def settle(source: Source, path: Path, owner: Owner | None = None) -> tuple[list[Outcome], Ledger]:
    """Read it as the pipeline does; the records come out clean and pseudonymised."""
    owner = owner or Owner(name="Ola Brandt")
    ledger = Ledger(source.name)
    outcomes = list(read_all(source, path, owner, Passage(Roster(b"k" * 32, owner), ledger)))
    ledger.kept = sum(isinstance(outcome, Record) for outcome in outcomes)
    assert ledger.closes()
    assert 0 <= source.recognise(path) <= 1
    return outcomes, ledger


def damaged(whole: bytes) -> st.SearchStrategy[bytes]:
    """The same bytes torn off somewhere, with a few of them changed or more put in between; or any bytes."""
    cut = st.integers(0, len(whole)).map(lambda at: whole[:at])
    spot = st.tuples(st.integers(0, max(len(whole) - 1, 0)), st.integers(0, 2), st.binary(max_size=4))

    def change(spots: list[tuple[int, int, bytes]]) -> bytes:
        data = whole
        for at, gone, put_in in spots:
            data = data[:at] + put_in + data[at + gone :]
        return data

    return cut | st.lists(spot, min_size=1, max_size=4).map(change) | st.binary(max_size=200)
