"""Is a record fit to keep, and as what? Cleaned, pseudonymised and tagged, or left out with the reason.

Most lines of a chat need none of it: a glance at their words tells which do.
"""

from __future__ import annotations

from functools import cache

from ingest.clean import MAX_TEXT, clean
from ingest.glance import Glance
from ingest.redact import ASK, LOOK, Redactor, says_more
from ingest.roster import Roster
from ingest.tag import tags, telling, usual
from storage.records import Record, Skipped, with_changes

TELLING, CAPITAL = 4, 8  # beside what the redactor says of a word


class Screen:
    """Goes with what the roster knows now: whoever it learns later is not seen at a glance."""

    def __init__(self, roster: Roster) -> None:
        self._redactor = Redactor(roster)
        self._stands_for = cache(roster.placeholder)
        self.glance = Glance(self._worth_a_look, _telling, _capital)

    def _worth_a_look(self, word: str) -> int:
        try:
            return self._redactor.worth_a_look(word)
        except Exception:  # a mistake of ours: then the closer look decides, or the text is kept out
            return LOOK

    def _has_nothing_left(self, rest: str) -> bool:
        return not (rest and _calls_for_a_look(rest, self.glance.of(rest)))

    def fit_to_keep(self, record: Record, text: str, bits: int) -> Record | Skipped:
        """`text` as `cleaned` returned it, and what the glance said of it."""
        if not text:
            if len(record.text) > MAX_TEXT:
                return Skipped(record.origin, f"longer than {MAX_TEXT:,} characters")
            return Skipped(record.origin, "no words in it", failed=False)
        before = text
        try:
            if _calls_for_a_look(text, bits):
                text = self._redactor.redact(text, self._has_nothing_left)
        except Exception:  # whatever went wrong: what may still hold a name or a number is never kept
            return Skipped(record.origin, "could not be pseudonymised")
        as_usual = None if bits & TELLING or text is not before else usual(text, record.kind, record.tags)
        return with_changes(
            record,
            text=text,
            author_id=record.author_id if record.by_owner else self._stands_for(record.author_id),
            tags=as_usual or tags(text, record.kind, record.tags),
        )


def _calls_for_a_look(text: str, bits: int) -> bool:
    return bool(bits & LOOK or (bits & ASK and says_more(text)))


def cleaned(record: Record) -> str:
    """Empty when there is nothing in it to keep."""
    return clean(record.text) if len(record.text) <= MAX_TEXT else ""


def _telling(word: str) -> int:
    return TELLING if telling(word) else 0


def _capital(word: str) -> int:
    return CAPITAL if word != word.lower() else 0
