"""How much was said, how fast, and how was it liked? Counted in the database, by hour or day and adapter.

Only replies that people could read count. A reply is liked when somebody gave it a thumb up and nobody said
anything against it; what was withdrawn does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from storage.database import Database

AGAINST = "('down', 'correction', 'complaint', 'takeover', 'choice')"


@dataclass(frozen=True, slots=True)
class Told:
    """One adapter (None: the base model) in one stretch of time; `at` is None for the whole of it."""

    at: datetime | None
    adapter: str | None
    replies: int
    liked: int
    disliked: int
    with_memories: int
    prompt_tokens: int
    completion_tokens: int
    p50_ms: float | None
    p95_ms: float | None
    first_token_p50_ms: float | None


@dataclass(frozen=True, slots=True)
class Heard:
    at: datetime
    platform: str
    messages: int


class PulseStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._mine = database.mine
        self._sqlite = database.name.startswith("sqlite")

    async def replies(self, since: datetime, until: datetime, bucket: timedelta | None) -> list[Told]:
        """By stretch and adapter, oldest first; without a bucket, by adapter alone."""
        async with self._database.reading() as session:
            rows = await session.execute(text(self._replies(bucket)), self._between(since, until))
            return [Told(self._moment(at, bucket), *rest) for at, *rest in rows]

    async def heard(self, since: datetime, until: datetime, bucket: timedelta) -> list[Heard]:
        sql = f"""
            SELECT {self._bucket("sent_at", bucket)} AS at, platform, count(*) FROM messages m
            WHERE {self._mine("m")} AND NOT by_twin AND sent_at >= :since AND sent_at < :until
            GROUP BY 1, 2 ORDER BY 1, 2"""
        async with self._database.reading() as session:
            rows = await session.execute(text(sql), self._between(since, until))
            found = [(self._moment(at, bucket), platform, count) for at, platform, count in rows]
        return [Heard(at, platform, count) for at, platform, count in found if at is not None]

    async def waiting(self) -> tuple[int, int]:
        """Messages that an answer is due to, and drafts that wait for the owner's word."""
        counted = f"SELECT count(*) FROM messages m WHERE {self._mine('m')} AND"
        sql = f"SELECT ({counted} waiting), ({counted} unsent AND by_twin AND outcome = 'proposed')"
        async with self._database.reading() as session:
            waiting, drafts = (await session.execute(text(sql))).one()
        return waiting, drafts

    def _replies(self, bucket: timedelta | None) -> str:
        def stamp(field: str, kind: str) -> str:
            if self._sqlite:
                return f"CAST(json_extract(m.stamp, '$.{field}') AS {kind})"
            return f"CAST(m.stamp ->> '{field}' AS {kind})"

        real = "REAL" if self._sqlite else "DOUBLE PRECISION"
        recalled = (
            "json_array_length(m.stamp, '$.recalled')"
            if self._sqlite
            else "json_array_length(coalesce(m.stamp -> 'recalled', '[]'))"
        )
        at = self._bucket("m.sent_at", bucket) if bucket else "NULL"

        def quantile(column: str, rank: str, share: float) -> str:
            """The nearest rank, which both databases can tell."""
            return f"max(CASE WHEN {rank} <= (n - 1) * {share} + 1 THEN {column} END)"

        return f"""
            WITH judged AS (
                SELECT reply_key, max(CASE WHEN kind = 'up' THEN 1 ELSE 0 END) AS up,
                    max(CASE WHEN kind IN {AGAINST} THEN 1 ELSE 0 END) AS against
                FROM feedback f WHERE {self._mine("f")} AND withdrawn_at IS NULL GROUP BY reply_key
            ), said AS (
                SELECT {at} AS at, {stamp("adapter", "TEXT")} AS adapter,
                    CASE WHEN j.up = 1 AND j.against = 0 THEN 1 ELSE 0 END AS liked,
                    coalesce(j.against, 0) AS disliked,
                    CASE WHEN {recalled} > 0 THEN 1 ELSE 0 END AS remembered,
                    {stamp("prompt_tokens", "INTEGER")} AS asked,
                    {stamp("completion_tokens", "INTEGER")} AS told,
                    {stamp("total_ms", real)} AS ms, {stamp("first_token_ms", real)} AS first_ms
                FROM messages m LEFT JOIN judged j ON j.reply_key = m.key
                WHERE {self._mine("m")} AND m.by_twin AND NOT m.unsent AND m.stamp IS NOT NULL
                    AND m.sent_at >= :since AND m.sent_at < :until
            ), ranked AS (
                SELECT said.*, count(*) OVER (PARTITION BY at, adapter) AS n,
                    row_number() OVER (PARTITION BY at, adapter ORDER BY ms) AS place,
                    row_number() OVER (PARTITION BY at, adapter ORDER BY first_ms) AS first_place
                FROM said
            )
            SELECT at, adapter, count(*), sum(liked), sum(disliked), sum(remembered), sum(asked), sum(told),
                {quantile("ms", "place", 0.5)}, {quantile("ms", "place", 0.95)},
                {quantile("first_ms", "first_place", 0.5)}
            FROM ranked GROUP BY at, adapter ORDER BY at, adapter"""

    def _bucket(self, column: str, bucket: timedelta) -> str:
        seconds = int(bucket.total_seconds())
        if self._sqlite:
            return f"CAST(strftime('%s', {column}) AS INTEGER) / {seconds} * {seconds}"
        return f"CAST(floor(extract(epoch FROM {column}) / {seconds}) * {seconds} AS BIGINT)"

    def _between(self, since: datetime, until: datetime) -> dict[str, Any]:
        if not self._sqlite:
            return {"since": since, "until": until}
        form = "%Y-%m-%d %H:%M:%S.%f"  # as SQLAlchemy writes them there
        return {
            "since": since.astimezone(UTC).strftime(form),
            "until": until.astimezone(UTC).strftime(form),
        }

    def _moment(self, seconds: int | None, bucket: timedelta | None) -> datetime | None:
        return None if seconds is None or bucket is None else datetime.fromtimestamp(seconds, UTC)
