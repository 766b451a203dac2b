"""What becomes of an answer that the owner gives to /teach? Records like all others, which learning reads."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

from bot.on_message import Demonstrate
from ingest.clean import MAX_TEXT, clean
from ingest.labels import Labels
from ingest.redact import Redactor
from ingest.roster import Roster
from ingest.source import OWNER, Owner, place
from ingest.tag import tags
from learning.corpus import TAUGHT
from storage.records import Kind, Record, now, stable_id, with_changes
from storage.records_store import RecordStore
from twin.build import Stores
from twin.home import Home
from twin.settings import Settings

FRIEND = f"{TAUGHT}:friend"  # who asks; nobody


def lessons(home: Home, settings: Settings, stores: Stores) -> Demonstrate:
    """`keep_lesson` of this home, for a conversation."""
    return partial(
        keep_lesson,
        records=stores.records,
        owner=settings.owner.owner(),
        key=home.pseudonym_key(),
        roster_path=home.root / "roster.json",
    )


async def keep_lesson(
    question: str, answer: str, *, records: RecordStore, owner: Owner, key: bytes, roster_path: Path
) -> bool:
    """Keep the two as a conversation of their own, pseudonymised; False when there are no words in it.

    A later answer to the same question replaces the one before.
    """
    if not (answer := clean(answer)) or len(answer) > MAX_TEXT:
        return False
    roster = Roster(key, owner)
    await asyncio.to_thread(roster.load, roster_path)
    lesson = await asyncio.to_thread(_as_records, clean(question), answer, roster)
    await records.add_all(await asyncio.to_thread(Labels(owner.languages).put, lesson))
    return True


def _as_records(question: str, answer: str, roster: Roster) -> list[Record]:
    redactor, thread, at = Redactor(roster), stable_id(TAUGHT, question), now()
    asked = Record(
        id=stable_id(thread, "question"),
        source=TAUGHT,
        kind=Kind.MESSAGE,
        author_id=roster.placeholder(FRIEND),
        by_owner=False,
        thread_id=f"{TAUGHT}:{thread}",
        said_at=at - timedelta(seconds=1),
        text=redactor.redact(question),
        tags=tags(question, Kind.MESSAGE),
        origin=place(TAUGHT, thread),
    )
    given = with_changes(
        asked,
        id=stable_id(thread, "answer"),
        author_id=OWNER,
        by_owner=True,
        said_at=at,
        text=redactor.redact(answer),
        tags=tags(answer, Kind.MESSAGE),
        reply_to=asked.id,
    )
    return [asked, given]
