"""How is a Postgres server asked with no more trips to it than there are questions?

SQLAlchemy's own way takes six for a question: BEGIN, the question and ROLLBACK to see whether the connection
still stands, and the same again with COMMIT for what was wanted. Here a connection that was just in use is
taken to stand as long as its socket does, and a reader's questions are transactions of their own, as they
are to Postgres anyway unless more is asked for.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.twins import SETTING, let_it_say

RESTED_SECONDS = 5.0  # in which a connection may have been lost without a word
COMMAND_SECONDS = 60.0
ASKS = ("SELECT", "WITH", "VALUES", "SHOW", "EXPLAIN")
READER = "twin_reader"


def postgres_engine(address: URL, twin: str, patience: float) -> AsyncEngine:
    """Connections that see this twin's rows. `patience`: seconds to wait for one to be made."""
    engine = create_async_engine(
        address,
        connect_args={
            "timeout": patience,
            "command_timeout": COMMAND_SECONDS,
            "server_settings": {SETTING: twin},
        },
    )
    let_it_say(engine.dialect, twin)
    event.listen(engine.sync_engine, "checkin", _rests)
    event.listen(engine.sync_engine, "before_cursor_execute", _only_asks)

    @event.listens_for(engine.sync_engine, "checkout")
    def stands(connection: Any, record: Any, _: object) -> None:
        if (since := record.info.get("rests_since")) is None:
            return  # it was made this moment
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError("the server has closed it")
        if time.monotonic() - since > RESTED_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except Exception as error:
                raise InvalidatePoolError("the server no longer answers it") from error

    return engine


def reading(engine: AsyncEngine) -> AsyncEngine:
    """The same connections, without a transaction around what is asked."""
    return engine.execution_options(isolation_level="AUTOCOMMIT", **{READER: True})


def of_one_moment(engine: AsyncEngine) -> AsyncEngine:
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _rests(_: object, record: Any) -> None:
    record.info["rests_since"] = time.monotonic()


def _only_asks(connection: Connection, _: object, statement: str, *__: object) -> None:
    if connection.get_execution_options().get(READER) and not statement.lstrip().upper().startswith(ASKS):
        raise RuntimeError(f"a reader only asks, it does not {statement.split(None, 1)[0]}")
