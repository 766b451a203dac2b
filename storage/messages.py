"""How is a live chat kept, and what in it still waits for an answer?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, bindparam, delete, func, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database
from storage.records import Delivery, DeliveryState, Message, now
from storage.tables import DeliveryRow, FeedbackRow, MessageRow, columns, selecting, values


class MessageStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, message: Message, *, waiting: bool = False, unsent: bool = False) -> bool:
        """Keep it; False when it was already there, so that a message delivered twice is answered once.

        `waiting`: an answer is due. `unsent`: a reply of the twin that nobody in that chat has seen (yet).
        """
        async with self._database.transaction() as session:
            return await _insert(self._database, session, message, waiting=waiting, unsent=unsent)

    async def get(self, key: str) -> Message | None:
        return await self._first(_select().where(MessageRow.key == key))

    async def get_all(self, keys: Iterable[str]) -> list[Message]:
        """Those of them that are there, in order of arrival."""
        return await self._all(_select().where(MessageRow.key.in_(list(keys))).order_by(MessageRow.number))

    async def every_key(self) -> list[str]:
        """Of all there is, in order of arrival."""
        async with self._database.reading() as session:
            return [*await session.scalars(select(MessageRow.key).order_by(MessageRow.number))]

    async def recent(
        self, chat_id: str, platform: str, limit: int = 20, before: datetime | None = None
    ) -> list[Message]:
        """The last messages people could read in one chat, oldest first, without the deleted ones.

        What made the twin's replies is left out: a prompt for each would have to be read, and nobody asks.
        """
        wanted: dict[str, Any] = {"platform": platform, "chat_id": chat_id, "limit": limit}
        if before is not None:
            wanted["before"] = before
        query = RECENT if before is None else RECENT_BEFORE
        return [Message(*row) for row in await self._database.rows(query, **wanted)][::-1]

    async def last_reply(self, platform: str, chat_id: str) -> Message | None:
        """The twin's newest message in this chat."""
        query = _newest_first().filter_by(platform=platform, chat_id=chat_id, by_twin=True)
        return await self._first(query.filter_by(deleted_at=None, unsent=False).limit(1))

    async def replies_since(self, moment: datetime) -> list[Message]:
        """What the twin said since then and people could read, oldest first."""
        query = _select().filter_by(by_twin=True, unsent=False).where(MessageRow.sent_at >= moment)
        return await self._all(query.order_by(MessageRow.sent_at, MessageRow.number))

    async def owner_spoke_after(self, message: Message) -> list[Message]:
        """What the owner themselves said in that chat since this message, oldest first."""
        here = _select().filter_by(platform=message.platform, chat_id=message.chat_id, by_owner=True)
        here = here.filter_by(by_twin=False, deleted_at=None).where(
            MessageRow.number > _number_of(message.key)
        )
        return await self._all(here.order_by(MessageRow.number))

    # what waits

    async def latest(self) -> datetime | None:
        """When anybody last said anything."""
        async with self._database.reading() as session:
            return (await session.execute(select(func.max(MessageRow.sent_at)))).scalar_one()

    async def waiting(
        self, platform: str | None = None, chat_id: str | None = None, author_id: str | None = None
    ) -> list[Message]:
        """What an answer is due to, in order of arrival."""
        wanted = {"platform": platform, "chat_id": chat_id, "author_id": author_id}
        query = _select().where(MessageRow.waiting)
        query = query.filter_by(**{name: value for name, value in wanted.items() if value is not None})
        return await self._all(query.order_by(MessageRow.number))

    async def await_answer(self, key: str) -> bool:
        """An answer is due to this one (again)."""
        return await self._change(key, waiting=True, outcome=None)

    async def settle(self, keys: Iterable[str], outcome: str) -> None:
        """No answer is due to these any more, and why."""
        async with self._database.transaction() as session:
            await _settle(session, keys, outcome)

    async def outcome(self, key: str) -> str | None:
        """What became of it: "answered by KEY", or why there was no answer. None: nothing yet."""
        async with self._database.reading() as session:
            found: str | None = await session.scalar(select(MessageRow.outcome).where(MessageRow.key == key))
            return found

    # replies on their way

    async def plan(self, reply: Message, texts: Sequence[str], questions: Iterable[str]) -> None:
        """Keep the reply, the messages it is sent as, and that these questions are answered: all at once.

        From then on it is sent whatever happens; a part that was shown while the answer grew is kept.
        """
        async with self._database.transaction() as session:
            await _insert(self._database, session, reply, unsent=True)
            for part, text in enumerate(texts):
                delivery = Delivery(
                    reply.key,
                    part,
                    reply.platform,
                    reply.chat_id,
                    reply.reply_to or "",
                    text,
                    DeliveryState.PLANNED,
                )
                insert = self._database.insert(DeliveryRow).values(values(delivery))
                # It may be there already: then only its last text is news (a SHOWN part wants an edit).
                await session.execute(
                    insert.on_conflict_do_update(
                        index_elements=[DeliveryRow.reply_key, DeliveryRow.part], set_={"text": text}
                    )
                )
            await _settle(session, questions, f"answered by {reply.key}")

    async def conclude(self, reply_key: str, outcome: str) -> bool:
        """What became of a reply that nobody in its chat has seen."""
        return await self._change(reply_key, outcome=outcome)

    async def set_aside(self, key: str, outcome: str) -> bool:
        """A reply that another one took the place of: it is no part of the conversation any more."""
        return await self._change(key, unsent=True, outcome=outcome)

    async def bring_out(self, key: str, outcome: str) -> bool:
        """A reply that was set aside is part of the conversation from now on."""
        return await self._change(key, unsent=False, outcome=outcome)

    async def unseen(self, platform: str, chat_id: str, outcome: str) -> list[Message]:
        """The replies that wait in that state (see `conclude`), oldest first."""
        query = _select().filter_by(platform=platform, chat_id=chat_id, unsent=True, outcome=outcome)
        return await self._all(query.order_by(MessageRow.number))

    async def reopen(self, question_key: str, answer_key: str, old: Delivery, new: Delivery) -> None:
        """The question has changed: an answer is due again, in the place of the old one. All at once.

        `old` is the message that carries the answer which is not learned from any more, `new` the same one
        waiting for its next text.
        """
        gone = update(MessageRow).where(MessageRow.key == answer_key)
        due = update(MessageRow).where(MessageRow.key == question_key)
        dropped = update(DeliveryRow).filter_by(reply_key=old.reply_key, part=old.part)
        async with self._database.transaction() as session:
            await session.execute(gone.values(deleted_at=now(), outcome="the question was changed"))
            await session.execute(due.values(waiting=True, outcome=None))
            await session.execute(dropped.values(state=DeliveryState.DROPPED, message_id=None))
            await session.execute(self._database.insert(DeliveryRow).values(values(new)))

    # what changes

    async def rewrite(self, message: Message, at: datetime) -> bool:
        """It was edited; False when it is not there, or says what it said."""
        known = await self.get(message.key)
        if known is None or (known.text, known.media) == (message.text, message.media):
            return False
        return await self._change(
            message.key,
            text=message.text,
            media=message.media,
            quote=message.quote,
            to_twin=message.to_twin,
            to_others=message.to_others,
            edited_at=at,
        )

    async def delete(self, key: str, at: datetime) -> bool:
        """Forget what it said; False when there is no such message. A reply of the twin keeps its words:
        what people thought of them is still learned from."""
        message = await self.get(key)
        if message is None:
            return False
        kept = {"text": message.text} if message.by_twin else {"text": "", "media": (), "quote": None}
        return await self._change(key, **kept, deleted_at=at)

    async def said_by(self, platform: str, author_id: str) -> list[Message]:
        """Everything one person ever said to us that is still there, oldest first."""
        query = _select().filter_by(platform=platform, author_id=author_id).where(~MessageRow.by_twin)
        return await self._all(query.order_by(MessageRow.number))

    async def said_to(self, platform: str, author_id: str) -> list[Message]:
        """What the twin replied to that person and people could read, oldest first."""
        theirs = select(MessageRow.key).filter_by(platform=platform, author_id=author_id, by_twin=False)
        query = _select().filter_by(by_twin=True, unsent=False).where(MessageRow.reply_to.in_(theirs))
        return await self._all(query.order_by(MessageRow.number))

    async def erase(self, keys: Sequence[str]) -> int:
        """Take these messages out for good, with the replies to them and the feedback on those replies.

        See `heard` for replies to others whose prompt holds these words. Returns how many rows went.
        """
        async with self._database.transaction() as session:
            gone = 0
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                replies = select(MessageRow.key).where(MessageRow.reply_to.in_(some), MessageRow.by_twin)
                mine = [*some, *await session.scalars(replies)]
                for row, column in (
                    (FeedbackRow, FeedbackRow.reply_key),
                    (DeliveryRow, DeliveryRow.reply_key),
                    (MessageRow, MessageRow.key),
                ):
                    gone += await self._database.touched(session, delete(row).where(column.in_(mine)))
            return gone

    async def heard(self, platform: str, person_id: str) -> list[Message]:
        """The twin's replies whose prompt holds this person's words."""
        stamped = _select().where(MessageRow.by_twin, MessageRow.stamp.is_not(None))
        speaker = f"{platform}:{person_id}"
        return [
            reply
            for reply in await self._all(stamped.filter_by(platform=platform))
            if reply.stamp and speaker in reply.stamp.speakers
        ]

    async def recalling(self, record_ids: Collection[str]) -> list[Message]:
        """The twin's replies whose prompt holds one of these records."""
        stamped = await self._all(_select().where(MessageRow.by_twin, MessageRow.stamp.is_not(None)))
        wanted = frozenset(record_ids)
        return [one for one in stamped if one.stamp and not wanted.isdisjoint(one.stamp.recalled)]

    async def before(self, moment: datetime, *, by_twin: bool) -> list[Message]:
        """What was said before then by other people (or by the twin), oldest first."""
        query = _select().where(MessageRow.sent_at < moment, ~MessageRow.by_owner, ~MessageRow.waiting)
        return await self._all(query.filter_by(by_twin=by_twin).order_by(MessageRow.number))

    async def strip_prompt(self, reply_key: str) -> bool:
        """Forget what the model was shown for this reply; nothing is learned from it any more."""
        return await self._change(reply_key, stamp=None)

    async def _change(self, key: str, **changes: Any) -> bool:
        async with self._database.transaction() as session:
            change = update(MessageRow).where(MessageRow.key == key).values(changes)
            return await self._database.touched(session, change) == 1

    async def _first(self, query: Select[Any]) -> Message | None:
        return next(iter(await self._all(query)), None)

    async def _all(self, query: Select[Any]) -> list[Message]:
        async with self._database.reading() as session:
            return [Message(*row) for row in await session.execute(query)]


async def _insert(
    database: Database,
    session: AsyncSession,
    message: Message,
    *,
    waiting: bool = False,
    unsent: bool = False,
) -> bool:
    row = {**values(message), "waiting": waiting, "unsent": unsent}
    once = database.insert(MessageRow).values(row).on_conflict_do_nothing(index_elements=[MessageRow.key])
    return await database.touched(session, once) == 1


async def _settle(session: AsyncSession, keys: Iterable[str], outcome: str) -> None:
    theirs = update(MessageRow).where(MessageRow.key.in_(list(keys)), MessageRow.waiting)
    await session.execute(theirs.values(waiting=False, outcome=outcome))


def _number_of(key: str) -> Any:
    return select(MessageRow.number).where(MessageRow.key == key).scalar_subquery()


def _select() -> Select[Any]:
    return selecting(MessageRow, Message)


def _newest_first() -> Select[Any]:
    return _select().order_by(MessageRow.sent_at.desc(), MessageRow.number.desc())


EMPTY = ("stamp", "deleted_at")  # left out; none of these is deleted
# Made once: every answer asks this, and putting the query together took a third of its time.
RECENT = (
    select(*(null() if column.key in EMPTY else column for column in columns(MessageRow, Message)))
    .order_by(MessageRow.sent_at.desc(), MessageRow.number.desc())
    .where(MessageRow.platform == bindparam("platform"), MessageRow.chat_id == bindparam("chat_id"))
    .filter_by(deleted_at=None, unsent=False)
    .limit(bindparam("limit", type_=Integer))
)
RECENT_BEFORE = RECENT.where(MessageRow.sent_at < bindparam("before"))
