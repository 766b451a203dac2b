"""What did people think of a reply, and which of it still counts?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database
from storage.records import Feedback, Signal
from storage.tables import FeedbackRow, selecting, values

# One person has one of each of these about one reply; a new one withdraws what they said before.
THUMBS = (Signal.UP, Signal.DOWN)
ONE_OF = {Signal.UP: THUMBS, Signal.DOWN: THUMBS, Signal.CORRECTION: (Signal.CORRECTION,)}


class FeedbackStore:
    """Append-only: a withdrawn signal stays in the history and stops counting."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, feedback: Feedback) -> bool:
        """Keep it; False when this very signal was already there. Of a person's thumbs, the newest counts."""
        insert = self._database.insert(FeedbackRow).values(values(feedback))
        async with self._database.transaction() as session:
            await self._database.alone(session, f"{feedback.reply_key} {feedback.given_by}")
            once = insert.on_conflict_do_nothing(index_elements=[FeedbackRow.id])
            if not await self._database.touched(session, once):
                return False
            await _let_the_newest_count(session, feedback)
        return True

    async def withdraw(self, reply_key: str, given_by: str, kind: Signal, at: datetime) -> bool:
        """Whether there was one to withdraw."""
        theirs = update(FeedbackRow).filter_by(
            reply_key=reply_key, given_by=given_by, kind=kind, withdrawn_at=None
        )
        async with self._database.transaction() as session:
            return await self._database.touched(session, theirs.values(withdrawn_at=at)) > 0

    async def about(self, reply_key: str) -> list[Feedback]:
        """All that was ever said about this reply, oldest first."""
        return await self._all(_select().filter_by(reply_key=reply_key))

    async def given_by(self, platform: str, person_id: str) -> list[Feedback]:
        """All that one person ever said about replies, oldest first."""
        return await self._all(_select().where(_theirs(platform, person_id)))

    async def erase_given_by(self, platform: str, person_id: str) -> int:
        """Take that out for good. Returns how many signals went."""
        async with self._database.transaction() as session:
            gone = delete(FeedbackRow).where(_theirs(platform, person_id))
            return await self._database.touched(session, gone)

    async def ever(self) -> list[Feedback]:
        """All that anybody ever said, oldest first, what was taken back, too."""
        return await self._all(_select())

    async def effective(self) -> list[Feedback]:
        """What counts today, oldest first."""
        return await self._all(_select().filter_by(withdrawn_at=None))

    async def mark(self) -> tuple[int, int, int]:
        """Changes whenever a signal comes, goes or is withdrawn; cheap to ask often."""
        query = select(
            func.count(), func.coalesce(func.max(FeedbackRow.number), 0), func.count(FeedbackRow.withdrawn_at)
        )
        async with self._database.reading() as session:
            number, newest, withdrawn = (await session.execute(query)).one()
        return number, newest, withdrawn

    async def _all(self, query: Select[Any]) -> list[Feedback]:
        query = query.order_by(FeedbackRow.given_at, FeedbackRow.number)
        async with self._database.reading() as session:
            return [Feedback(*row) for row in await session.execute(query)]


async def _let_the_newest_count(session: AsyncSession, feedback: Feedback) -> None:
    """By the time it was given, not the time it arrived: a chat app may deliver late."""
    rivals = ONE_OF.get(feedback.kind, ())
    active = (
        select(FeedbackRow.id, FeedbackRow.given_at)
        .filter_by(reply_key=feedback.reply_key, given_by=feedback.given_by, withdrawn_at=None)
        .where(FeedbackRow.kind.in_(rivals))
        .order_by(FeedbackRow.given_at.desc(), FeedbackRow.number.desc())
    )
    newest, *older = [*await session.execute(active)] or [feedback]
    if older:
        outdated = update(FeedbackRow).where(FeedbackRow.id.in_([row.id for row in older]))
        await session.execute(outdated.values(withdrawn_at=newest.given_at))


def _theirs(platform: str, person_id: str) -> ColumnElement[bool]:
    on_it = FeedbackRow.reply_key.startswith(f"{platform}:", autoescape=True)
    return and_(FeedbackRow.given_by == person_id, on_it)


def _select() -> Select[Any]:
    return selecting(FeedbackRow, Feedback)
