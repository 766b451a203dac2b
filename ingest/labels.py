"""What is said of records once a whole chunk of them is there? Their language, and the owner's own tags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ingest.corrections import Corrections
from ingest.language import Languages
from storage.records import Record


class Labels:
    """Of one ingest: it learns the languages of the threads as they pass."""

    def __init__(self, languages: Sequence[str], corrections: Path | None = None) -> None:
        self._languages = Languages(languages)
        self._corrections = Corrections(corrections) if corrections else None

    def put(self, records: Sequence[Record]) -> list[Record]:
        labelled = self._languages.label(records)
        return self._corrections.apply(labelled) if self._corrections else labelled
