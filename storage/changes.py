"""What has happened since? Messages, feedback, runs and promotions, from one place in time to the next.

A place is kept by whoever reads and means the same in every process, so that a reader may go on elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from storage.database import Database
from storage.pages import PROPOSED, Listed
from storage.records import Feedback, Message, Promotion, Run, now
from storage.tables import FeedbackRow, MessageRow, PromotionRow, RunRow, columns, selecting

AT_ONCE = 200  # of each kind; who is further behind asks again
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Place:
    """How far somebody has read: numbers of rows, and when the last known run changed."""

    message: int = 0
    feedback: int = 0
    promotion: int = 0
    runs: datetime = EPOCH

    def __str__(self) -> str:
        micros = (self.runs - EPOCH) // timedelta(microseconds=1)
        return f"{self.message}.{self.feedback}.{self.promotion}.{micros}"

    @classmethod
    def read(cls, text: str) -> Place | None:
        """None: that is no place."""
        parts = text.split(".")
        if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 18 for part in parts):
            return None
        message, feedback, promotion, micros = map(int, parts)
        return cls(message, feedback, promotion, EPOCH + timedelta(microseconds=micros))


@dataclass(frozen=True, slots=True)
class Change:
    """One of them; `place` is right behind it."""

    place: Place
    what: Listed | Feedback | Run | Promotion

    @property
    def is_draft(self) -> bool:
        return isinstance(self.what, Listed) and self.what.outcome == PROPOSED


class Changes:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def here(self) -> Place:
        """Where everything that has happened so far is behind."""
        numbers = select(
            *(
                select(func.coalesce(func.max(number), 0)).scalar_subquery()
                for number in (MessageRow.number, FeedbackRow.number, PromotionRow.id)
            )
        )
        async with self._database.reading() as session:
            message, feedback, promotion = (await session.execute(numbers)).one()
        return Place(message, feedback, promotion, now())

    async def since(self, place: Place) -> list[Change]:
        """In order, kind by kind."""
        listed = select(
            MessageRow.number, MessageRow.unsent, MessageRow.outcome, *columns(MessageRow, Message)
        )
        listed = listed.where(MessageRow.number > place.message).order_by(MessageRow.number)
        judged = select(FeedbackRow.number, *columns(FeedbackRow, Feedback))
        judged = judged.where(FeedbackRow.number > place.feedback).order_by(FeedbackRow.number)
        moved = selecting(PromotionRow, Promotion).where(PromotionRow.id > place.promotion)
        times = (RunRow.created_at, RunRow.started_at, RunRow.heartbeat_at, RunRow.finished_at)
        ran = selecting(RunRow, Run).where(or_(*(time > place.runs for time in times)))
        found: list[Change] = []
        async with self._database.reading() as session:
            for number, unsent, outcome, *rest in await session.execute(listed.limit(AT_ONCE)):
                place = replace(place, message=number)
                found.append(Change(place, Listed(number, Message(*rest), unsent, outcome)))
            for number, *rest in await session.execute(judged.limit(AT_ONCE)):
                place = replace(place, feedback=number)
                found.append(Change(place, Feedback(*rest)))
            for row in await session.execute(moved.order_by(PromotionRow.id).limit(AT_ONCE)):
                promotion = Promotion(*row)
                place = replace(place, promotion=promotion.id)
                found.append(Change(place, promotion))
            runs = [Run(*row) for row in await session.execute(ran)]
        for run in sorted(runs, key=_changed):
            place = replace(place, runs=max(place.runs, _changed(run)))
            found.append(Change(place, run))
        return found


def _changed(run: Run) -> datetime:
    times = (run.created_at, run.started_at, run.heartbeat_at, run.finished_at)
    return max(time for time in times if time is not None)
