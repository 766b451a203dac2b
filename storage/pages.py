"""What is listed page by page? Each list goes on after the last item shown, whatever has come since."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select

from storage.columns import contains
from storage.database import Database
from storage.records import (
    Adapter,
    Consent,
    Feedback,
    Kind,
    Limits,
    Message,
    Promotion,
    Record,
    Role,
    Run,
    Signal,
    now,
)
from storage.tables import (
    AdapterRow,
    FeedbackRow,
    MessageRow,
    PersonRow,
    PromotionRow,
    RecordRow,
    RunRow,
    UsageRow,
    columns,
    selecting,
)

PROPOSED = "proposed"  # the outcome of a draft that waits for the owner's word


@dataclass(frozen=True, slots=True)
class Talked:
    """One chat: how much was said there, and the last of it."""

    platform: str
    chat_id: str
    messages: int
    title: str  # who else speaks there
    last: Message
    number: int  # of its last message


@dataclass(frozen=True, slots=True)
class Listed:
    """A message with what only the database knows of it."""

    number: int
    message: Message
    unsent: bool
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Met:
    """Somebody who spoke with the twin, or said what they allow."""

    platform: str
    person_id: str
    name: str
    consent: Consent
    changed_at: datetime | None
    messages: int
    last_at: datetime | None
    limits: Limits
    tokens_today: int  # read and written for them


@dataclass(frozen=True, slots=True)
class Counted:
    name: str
    records: int
    first_at: datetime | None = None
    last_at: datetime | None = None


class Pages:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def conversations(
        self, limit: int, before: int | None = None, platform: str | None = None
    ) -> list[Talked]:
        """Whoever spoke last comes first."""
        last = func.max(MessageRow.number)
        name = func.max(case((MessageRow.by_twin, None), else_=MessageRow.author_name))
        chats = select(last.label("last"), func.count().label("messages"), name.label("name"))
        chats = chats.group_by(MessageRow.platform, MessageRow.chat_id)
        chats = chats.filter_by(platform=platform) if platform else chats
        chats = chats.having(last < before) if before is not None else chats
        newest = chats.order_by(last.desc()).limit(limit).subquery()
        query = select(newest.c.messages, newest.c.name, MessageRow.number, *columns(MessageRow, Message))
        query = query.join(newest, newest.c.last == MessageRow.number).order_by(MessageRow.number.desc())
        async with self._database.reading() as session:
            return [
                Talked((one := Message(*rest)).platform, one.chat_id, messages, name or "", one, number)
                for messages, name, number, *rest in await session.execute(query)
            ]

    async def chats_answered_since(self, moment: datetime) -> list[tuple[str, str]]:
        """Platform and chat of each in which the twin has answered since then."""
        query = select(MessageRow.platform, MessageRow.chat_id).distinct()
        query = query.filter_by(by_twin=True, unsent=False).where(MessageRow.sent_at >= moment)
        async with self._database.reading() as session:
            return [(platform, chat_id) for platform, chat_id in await session.execute(query)]

    async def messages(
        self, platform: str, chat_id: str, limit: int, before: int | None = None
    ) -> list[Listed]:
        """Of one chat, newest first."""
        query = _listed().filter_by(platform=platform, chat_id=chat_id).order_by(MessageRow.number.desc())
        query = query if before is None else query.where(MessageRow.number < before)
        return await self._listed(query.limit(limit))

    async def replies(
        self,
        limit: int,
        before: int | None = None,
        *,
        platform: str | None = None,
        adapter: str | None = None,
        labelled: bool | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        saying: str | None = None,
    ) -> list[Listed]:
        """The twin's own messages that people could read, newest first. `adapter` "base": without one."""
        query = _listed().filter_by(by_twin=True, unsent=False, deleted_at=None)
        query = query.filter_by(platform=platform) if platform else query
        if adapter is not None:
            made_by = MessageRow.stamp["adapter"].as_string()
            query = query.where(MessageRow.stamp.is_not(None))
            query = query.where(made_by.is_(None) if adapter == "base" else made_by == adapter)
        if labelled is not None:
            judged = exists().where(
                FeedbackRow.reply_key == MessageRow.key, FeedbackRow.withdrawn_at.is_(None)
            )
            query = query.where(judged if labelled else ~judged)
        if saying:
            query = query.where(func.lower(MessageRow.text).contains(saying.lower(), autoescape=True))
        query = query.where(MessageRow.sent_at >= since) if since else query
        query = query.where(MessageRow.sent_at < until) if until else query
        query = query if before is None else query.where(MessageRow.number < before)
        return await self._listed(query.order_by(MessageRow.number.desc()).limit(limit))

    async def drafts(self, limit: int, before: int | None = None) -> list[Listed]:
        """What waits for the owner's word, newest first."""
        query = _listed().filter_by(by_twin=True, unsent=True, outcome=PROPOSED)
        query = query if before is None else query.where(MessageRow.number < before)
        return await self._listed(query.order_by(MessageRow.number.desc()).limit(limit))

    async def listed(self, key: str) -> Listed | None:
        return next(iter(await self._listed(_listed().filter_by(key=key))), None)

    async def feedback(
        self,
        limit: int,
        before: int | None = None,
        *,
        kind: Signal | None = None,
        role: Role | None = None,
        counts: bool | None = None,
        platform: str | None = None,
    ) -> list[tuple[int, Feedback]]:
        """Newest first, each with its number. `counts`: only what was (not) withdrawn."""
        query = select(FeedbackRow.number, *columns(FeedbackRow, Feedback))
        query = query.filter_by(kind=kind) if kind else query
        query = query.filter_by(role=role) if role else query
        if counts is not None:
            gone = FeedbackRow.withdrawn_at.is_(None)
            query = query.where(gone if counts else ~gone)
        if platform:
            query = query.where(FeedbackRow.reply_key.startswith(f"{platform}:", autoescape=True))
        query = query if before is None else query.where(FeedbackRow.number < before)
        async with self._database.reading() as session:
            rows = await session.execute(query.order_by(FeedbackRow.number.desc()).limit(limit))
            return [(number, Feedback(*rest)) for number, *rest in rows]

    async def one_feedback(self, id: str) -> Feedback | None:
        async with self._database.reading() as session:
            row = (await session.execute(selecting(FeedbackRow, Feedback).filter_by(id=id))).one_or_none()
        return Feedback(*row) if row else None

    async def feedback_on(self, reply_keys: Collection[str]) -> dict[str, list[Feedback]]:
        """By reply, oldest first."""
        query = selecting(FeedbackRow, Feedback).where(FeedbackRow.reply_key.in_(list(reply_keys)))
        found: dict[str, list[Feedback]] = {}
        async with self._database.reading() as session:
            for row in await session.execute(query.order_by(FeedbackRow.number)):
                signal = Feedback(*row)
                found.setdefault(signal.reply_key, []).append(signal)
        return found

    async def records(
        self,
        limit: int,
        after: tuple[datetime, str] | None = None,
        *,
        source: str | None = None,
        tag: str | None = None,
        kind: Kind | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        by_owner: bool | None = None,
        audience: str | None = None,
        saying: str | None = None,
    ) -> list[Record]:
        """Newest first; what was deleted is left out."""
        query = selecting(RecordRow, Record).where(RecordRow.deleted_at.is_(None))
        wanted = {"source": source, "kind": kind, "by_owner": by_owner, "audience": audience}
        query = query.filter_by(**{name: value for name, value in wanted.items() if value is not None})
        query = query.where(contains(RecordRow.tags, tag)) if tag else query
        query = query.where(RecordRow.said_at >= since) if since else query
        query = query.where(RecordRow.said_at < until) if until else query
        if saying:
            query = query.where(func.lower(RecordRow.text).contains(saying.lower(), autoescape=True))
        query = query if after is None else query.where(_after(RecordRow.said_at, RecordRow.id, after))
        query = query.order_by(RecordRow.said_at.desc(), RecordRow.id.desc()).limit(limit)
        async with self._database.reading() as session:
            return [Record(*row) for row in await session.execute(query)]

    async def records_by_id(self, ids: Collection[str]) -> dict[str, Record]:
        query = selecting(RecordRow, Record).where(self._database.is_among(RecordRow.id, ids))
        async with self._database.reading() as session:
            return {row.id: Record(*row) for row in await session.execute(query)}

    async def sources(self) -> list[Counted]:
        said = RecordRow.said_at
        query = select(RecordRow.source, func.count(), func.min(said), func.max(said))
        query = query.where(RecordRow.deleted_at.is_(None)).group_by(RecordRow.source)
        async with self._database.reading() as session:
            return [Counted(*row) for row in await session.execute(query.order_by(RecordRow.source))]

    async def audiences(self, limit: int, after: str | None = None) -> list[Counted]:
        query = select(RecordRow.audience, func.count()).where(RecordRow.deleted_at.is_(None))
        query = query.where(RecordRow.audience > after) if after is not None else query
        query = query.group_by(RecordRow.audience).order_by(RecordRow.audience).limit(limit)
        async with self._database.reading() as session:
            return [Counted(*row) for row in await session.execute(query)]

    async def runs(
        self, limit: int, after: tuple[datetime, str] | None = None, kind: str | None = None
    ) -> list[Run]:
        """Newest first."""
        query = selecting(RunRow, Run)
        query = query.filter_by(kind=kind) if kind else query
        query = query if after is None else query.where(_after(RunRow.created_at, RunRow.id, after))
        query = query.order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(limit)
        async with self._database.reading() as session:
            return [Run(*row) for row in await session.execute(query)]

    async def adapters(self, limit: int, after: tuple[datetime, str] | None = None) -> list[Adapter]:
        """Newest first."""
        query = selecting(AdapterRow, Adapter)
        query = (
            query if after is None else query.where(_after(AdapterRow.created_at, AdapterRow.version, after))
        )
        query = query.order_by(AdapterRow.created_at.desc(), AdapterRow.version.desc()).limit(limit)
        async with self._database.reading() as session:
            return [Adapter(*row) for row in await session.execute(query)]

    async def promotions(self, limit: int, before: int | None = None) -> list[Promotion]:
        """Newest first."""
        query = selecting(PromotionRow, Promotion).order_by(PromotionRow.id.desc()).limit(limit)
        query = query if before is None else query.where(PromotionRow.id < before)
        async with self._database.reading() as session:
            return [Promotion(*row) for row in await session.execute(query)]

    async def people(
        self, limit: int, after: tuple[str, str] | None = None, consent: Consent | None = None
    ) -> list[Met]:
        """Everybody but the owner, by chat app and id."""
        spoke = (
            select(
                MessageRow.platform,
                MessageRow.author_id.label("person_id"),
                func.max(MessageRow.author_name).label("name"),
                func.count().label("messages"),
                func.max(MessageRow.sent_at).label("last_at"),
            )
            .where(~MessageRow.by_twin, ~MessageRow.by_owner, ~MessageRow.by_bot)
            .group_by(MessageRow.platform, MessageRow.author_id)
            .subquery()
        )
        said = (
            select(spoke.c.platform, spoke.c.person_id)
            .union(select(PersonRow.platform, PersonRow.person_id))
            .subquery()
        )
        who, person = (said.c.platform, said.c.person_id), PersonRow
        today = (
            select(func.sum(UsageRow.prompt_tokens + UsageRow.completion_tokens))
            .where(UsageRow.day == f"{now():%Y-%m-%d}")
            .where(UsageRow.platform == who[0], UsageRow.person_id == who[1])
            .scalar_subquery()
        )
        query = (
            select(*who, spoke.c.name, person.consent, person.changed_at, spoke.c.messages, spoke.c.last_at)
            .add_columns(person.per_minute, person.tokens_per_day, today)
            .outerjoin(spoke, and_(spoke.c.platform == who[0], spoke.c.person_id == who[1]))
            .outerjoin(person, and_(person.platform == who[0], person.person_id == who[1]))
            .order_by(*who)
            .limit(limit)
        )
        if after is not None:
            query = query.where(or_(who[0] > after[0], and_(who[0] == after[0], who[1] > after[1])))
        if consent is Consent.UNKNOWN:
            query = query.where(or_(person.consent.is_(None), person.consent == consent))
        elif consent is not None:
            query = query.where(person.consent == consent)
        async with self._database.reading() as session:
            return [
                Met(
                    platform,
                    id,
                    name or "",
                    mind or Consent.UNKNOWN,
                    changed,
                    messages or 0,
                    last,
                    Limits(*own),
                    int(tokens or 0),
                )
                for platform, id, name, mind, changed, messages, last, *own, tokens in await session.execute(
                    query
                )
            ]

    async def _listed(self, query: Select[Any]) -> list[Listed]:
        async with self._database.reading() as session:
            return [
                Listed(number, Message(*rest), unsent, outcome)
                for number, unsent, outcome, *rest in await session.execute(query)
            ]


def _listed() -> Select[Any]:
    return select(MessageRow.number, MessageRow.unsent, MessageRow.outcome, *columns(MessageRow, Message))


def _after(moment: Any, name: Any, place: Sequence[Any]) -> ColumnElement[bool]:
    """Of what is listed newest first. Spelled out: SQLite does not use an index for a row's comparison."""
    return or_(moment < place[0], and_(moment == place[0], name < place[1]))
