"""A pooler hands one connection to many in turn: does a twin notice before it reads or writes a row?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import services
from sqlalchemy import make_url

from storage.database import Database, DatabaseUnavailable

DROPS = {"refuses what it does not know": "", "says nothing": "extra_float_digits, twin.id"}


@pytest.fixture(params=DROPS.values(), ids=DROPS.keys())
def pooled_url(request: pytest.FixtureRequest, postgres_tables_url: str, pgbouncer: str) -> Iterator[str]:
    """The same database behind a real pgbouncer that gives connections for one transaction each."""
    behind = make_url(postgres_tables_url)

    def start(folder: Path, port: int) -> Sequence[str]:
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={behind.host} port={behind.port} user={behind.username}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\npool_mode = transaction\nignore_startup_parameters = {request.param}\n"
        )
        return [pgbouncer, str(folder / "pgbouncer.ini")]

    url = f"postgresql+asyncpg://twin@127.0.0.1:{{port}}/{behind.database}"
    pooler = services.Service("TWIN_TEST_PGBOUNCER_URL", url, start, services.answers)
    yield pooler.url()
    pooler.stop()


async def test_a_pooler_that_drops_whose_the_rows_are_is_refused_in_a_sentence(pooled_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"a pooler .* does not hand on .* Name Postgres itself"):
        await Database.open(pooled_url, "mira")
