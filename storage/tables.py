"""How do the nouns lie in the database? Private to storage; a change here needs a migration beside it.

Every row class has the fields of its record under the same names, so that `columns` and `values` can move a
record in and out whole. What a row has beyond its record comes first in the class and is explained there.

Keys and indexes are named here as one twin knows them. On Postgres, where there are others, each of them
begins with the twin's id (storage/migrations/twins.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Enum,
    FetchedValue,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    select,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, mapped_column

from storage.columns import Attachments, JsonObject, MediaList, StampColumn, Strings, UtcTime, Words
from storage.records import (
    AdapterState,
    Attachment,
    Consent,
    DeliveryState,
    Kind,
    Media,
    MemoryKind,
    Precision,
    Role,
    RunState,
    Signal,
    Stamp,
    ZoneSource,
)

# Counts up in the order of arrival. SQLite numbers by itself only what is called INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")


def _name_of(kind: type[StrEnum]) -> Enum:
    """The value as plain text; 20 characters, so that a new member needs no migration."""
    return Enum(kind, native_enum=False, length=20, values_callable=lambda members: [str(m) for m in members])


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Words,
        datetime: UtcTime,
        Mapping[str, Any]: JsonObject,
        tuple[str, ...]: Strings,
        tuple[Attachment, ...]: Attachments,
        tuple[Media, ...]: MediaList,
        Stamp: StampColumn,
        **{
            kind: _name_of(kind)
            for kind in (
                Kind,
                Precision,
                ZoneSource,
                Role,
                Signal,
                AdapterState,
                RunState,
                DeliveryState,
                Consent,
                MemoryKind,
            )
        },
    }

    # Whose row it is. The database says it: no statement has to, and none may say otherwise.
    twin: Mapped[str] = mapped_column(server_default=FetchedValue(), deferred=True, sort_order=1)


def names_of(record: type) -> tuple[str, ...]:
    """Its fields, in order."""
    if issubclass(record, Struct):
        return record.__struct_fields__
    return tuple(field.name for field in fields(record))  # type: ignore[arg-type]  # a dataclass


def columns(row: type[Base], record: type) -> list[InstrumentedAttribute[Any]]:
    """What to select so that `record(*selected)` is the record."""
    return [getattr(row, name) for name in names_of(record)]


@cache
def selecting(row: type[Base], record: type) -> Select[Any]:
    """Made once: naming thirty columns anew costs more than many a query."""
    return select(*columns(row, record))


def values(record: Any) -> dict[str, Any]:
    """The fields of a record by name, not copied deeply as `asdict` would."""
    names, all_of = _fields(record.__class__)
    return dict(zip(names, all_of(record), strict=True))


@cache
def _fields(record: type[Any]) -> tuple[tuple[str, ...], attrgetter[tuple[Any, ...]]]:
    """Asked once of each kind: fields() is slow, in bulk."""
    names = names_of(record)
    return names, attrgetter(*names)


class RecordRow(Base):
    __tablename__ = "records"

    id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(index=True)
    kind: Mapped[Kind]
    author_id: Mapped[str]
    by_owner: Mapped[bool]
    thread_id: Mapped[str]
    said_at: Mapped[datetime]
    text: Mapped[str]
    reply_to: Mapped[str | None]
    attachments: Mapped[tuple[Attachment, ...]]
    tags: Mapped[tuple[str, ...]]
    lang: Mapped[str | None]
    audience: Mapped[str]
    origin: Mapped[str]
    precision: Mapped[Precision]
    zone_source: Mapped[ZoneSource]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "said_at", "id"),
        Index(None, "thread_id", "said_at"),
    )


class MessageRow(Base):
    __tablename__ = "messages"

    number: Mapped[int] = mapped_column(Number, primary_key=True)  # chat apps know whole seconds; this orders
    waiting: Mapped[bool]  # whether an answer to it is due
    outcome: Mapped[str | None]  # what became of it: how it was answered, or why not
    unsent: Mapped[bool]  # a reply of the twin that nobody in that chat has seen
    key: Mapped[str] = mapped_column(unique=True)
    platform: Mapped[str]
    chat_id: Mapped[str]
    author_id: Mapped[str]
    author_name: Mapped[str]
    text: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(index=True)
    by_twin: Mapped[bool]
    by_owner: Mapped[bool]
    reply_to: Mapped[str | None] = mapped_column(index=True)
    stamp: Mapped[Stamp | None]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    server_id: Mapped[str | None]
    private: Mapped[bool]
    as_owner: Mapped[bool]
    by_bot: Mapped[bool]
    author_roles: Mapped[tuple[str, ...]]
    to_twin: Mapped[bool]
    to_others: Mapped[bool]
    media: Mapped[tuple[Media, ...]]
    quote: Mapped[str | None]
    album: Mapped[str | None]

    __table_args__ = (
        Index(None, "platform", "chat_id", "sent_at", "number"),
        Index(None, "platform", "author_id"),
        Index(
            "what_waits_for_an_answer",
            "platform",
            "chat_id",
            "number",
            sqlite_where=sql("waiting"),
            postgresql_where=sql("waiting"),
        ),
    )


UNDELIVERED = "state IN ('planned', 'sending', 'shown')"


class DeliveryRow(Base):
    __tablename__ = "deliveries"

    reply_key: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str]
    chat_id: Mapped[str]
    question_key: Mapped[str]
    text: Mapped[str]
    state: Mapped[DeliveryState]
    message_id: Mapped[str | None]
    updated_at: Mapped[datetime]

    __table_args__ = (
        Index(None, "platform", "message_id"),
        Index(
            "what_is_not_delivered",
            "platform",
            "chat_id",
            sqlite_where=sql(UNDELIVERED),
            postgresql_where=sql(UNDELIVERED),
        ),
    )


class ChatRow(Base):
    __tablename__ = "chats"

    platform: Mapped[str] = mapped_column(primary_key=True)
    chat_id: Mapped[str] = mapped_column(primary_key=True)
    server_id: Mapped[str | None]
    private: Mapped[bool]
    mode: Mapped[str | None]
    draft: Mapped[bool | None]
    quiet_until: Mapped[datetime | None]
    quiet_why: Mapped[str | None]


class PersonRow(Base):
    __tablename__ = "people"

    platform: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(primary_key=True)
    consent: Mapped[Consent]
    changed_at: Mapped[datetime]
    per_minute: Mapped[int | None]  # answered messages; None: as the settings say
    tokens_per_day: Mapped[int | None] = mapped_column(BigInteger)


class QuestionRow(Base):
    __tablename__ = "questions"

    key: Mapped[str] = mapped_column(primary_key=True)
    action: Mapped[str]
    person_id: Mapped[str]
    asked_at: Mapped[datetime]


class LeaseRow(Base):
    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]


class AccountRow(Base):
    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    created_at: Mapped[datetime]
    password_hash: Mapped[str | None]
    discord_id: Mapped[str | None] = mapped_column(unique=True)


class SessionRow(Base):
    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    agent: Mapped[str]


class TokenRow(Base):
    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[tuple[str, ...]]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditRow(Base):
    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str]
    action: Mapped[str]
    about: Mapped[str]
    outcome: Mapped[str]


class AnsweredRow(Base):
    __tablename__ = "answered"

    key: Mapped[str] = mapped_column(primary_key=True)  # of who asked, and their Idempotency-Key
    request_hash: Mapped[str]
    status: Mapped[int]
    body: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)


class UsageRow(Base):
    __tablename__ = "usage"

    day: Mapped[str] = mapped_column(primary_key=True)  # 2026-11-28, in UTC
    platform: Mapped[str] = mapped_column(primary_key=True)
    chat_id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(primary_key=True)
    replies: Mapped[int] = mapped_column(BigInteger)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    milliseconds: Mapped[int] = mapped_column(BigInteger)
    told_at: Mapped[datetime | None]  # when they last heard of a limit there

    __table_args__ = (Index(None, "platform", "person_id", "day"),)


class FactRow(Base):
    __tablename__ = "facts"

    id: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    told_at: Mapped[datetime]


class ShelfRow(Base):
    """One for each audience and kind. The number of a memory is its shelf's number, then its own: what one
    audience may hear lies side by side, and a search for it never passes what others said."""

    __tablename__ = "memory_shelves"

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    audience: Mapped[str]
    kind: Mapped[MemoryKind]
    last: Mapped[int] = mapped_column(BigInteger)  # how many it ever held; Postgres counts in a sequence

    __table_args__ = (Index("one_shelf_for_each", "audience", "kind", unique=True),)


class MemoryRow(Base):
    """Written by triggers alone, see storage/migrations/memories.py; its words are indexed beside it."""

    __tablename__ = "memories"

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    kind: Mapped[MemoryKind]
    key: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    speaker: Mapped[str]
    speaker_name: Mapped[str]
    by_owner: Mapped[bool]
    audience: Mapped[str]
    thread: Mapped[str]
    said_at: Mapped[datetime]
    text: Mapped[str]
    answer: Mapped[str | None]
    about: Mapped[str | None]
    lang: Mapped[str | None]

    __table_args__ = (
        Index(
            "what_was_asked",
            "about",
            sqlite_where=sql("about IS NOT NULL"),
            postgresql_where=sql("about IS NOT NULL"),
        ),
    )


class VectorRow(Base):
    """What a memory means, as the model `model` sees it: bytes between -127 and 127, of length 127."""

    __tablename__ = "memory_vectors"

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    model: Mapped[str]
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class FeedbackRow(Base):
    __tablename__ = "feedback"

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    reply_key: Mapped[str] = mapped_column(index=True)
    given_by: Mapped[str]
    role: Mapped[Role]
    kind: Mapped[Signal]
    given_at: Mapped[datetime]
    text: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]


ANSWERS = "state IN ('live', 'canary')"


class AdapterRow(Base):
    __tablename__ = "adapters"

    version: Mapped[str] = mapped_column(primary_key=True)
    base_model: Mapped[str]
    method: Mapped[str]
    path: Mapped[str]
    sha256: Mapped[str]
    created_at: Mapped[datetime]
    parent: Mapped[str | None]
    recipe: Mapped[Mapping[str, Any]]
    corpus: Mapped[str | None]
    lineage: Mapped[tuple[str, ...]]
    report: Mapped[Mapping[str, Any]]
    state: Mapped[AdapterState]
    reasons: Mapped[tuple[str, ...]]
    canary_share: Mapped[float | None]
    canary_since: Mapped[datetime | None]

    __table_args__ = (
        Index(  # every message reads what is in it
            "one_live_adapter_and_one_canary",
            "state",
            unique=True,
            sqlite_where=sql(ANSWERS),
            postgresql_where=sql(ANSWERS),
        ),
    )


class PromotionRow(Base):
    __tablename__ = "promotions"

    is_rollback: Mapped[bool]  # such a row takes its predecessor back instead of adding to the history
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    version: Mapped[str | None] = mapped_column(ForeignKey("adapters.version"))
    previous: Mapped[str | None] = mapped_column(ForeignKey("adapters.version"))
    at: Mapped[datetime]
    why: Mapped[str]


class RunRow(Base):
    __tablename__ = "runs"

    exclusive: Mapped[bool]  # only one of these runs at a time, however many processes there are
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[RunState]
    created_at: Mapped[datetime] = mapped_column(index=True)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    progress: Mapped[float]
    metrics: Mapped[Mapping[str, Any]]
    worker: Mapped[str | None]
    log_path: Mapped[str | None]
    error: Mapped[str | None]
    attempts: Mapped[int]
    due_at: Mapped[datetime | None]
    requested_by: Mapped[str]
    parameters: Mapped[Mapping[str, Any]]
    key: Mapped[str | None]
    artefacts: Mapped[Mapping[str, Any]]
    target: Mapped[str]
    tell: Mapped[str | None]
    cancelled_by: Mapped[str | None]
    traceparent: Mapped[str | None]

    __table_args__ = (
        Index(
            "one_queued_run_of_a_key",
            "key",
            unique=True,
            sqlite_where=sql("state = 'queued'"),
            postgresql_where=sql("state = 'queued'"),
        ),
        Index(
            "runs_that_are_not_over",
            "state",
            sqlite_where=sql("state IN ('queued', 'running')"),
            postgresql_where=sql("state IN ('queued', 'running')"),
        ),
        Index(
            "only_one_exclusive_run",
            "exclusive",
            unique=True,
            sqlite_where=sql("exclusive AND state = 'running'"),
            postgresql_where=sql("exclusive AND state = 'running'"),
        ),
    )


class CursorRow(Base):
    __tablename__ = "cursors"

    source: Mapped[str] = mapped_column(primary_key=True)
    container: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Mapping[str, Any]]
    updated_at: Mapped[datetime]
