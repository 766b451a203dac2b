"""What may every test ask for? A fresh database of each kind, and the servers behind it."""

from __future__ import annotations

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import overheard
import pytest
import redis
import services
import tools
from collector import Collector
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import make_url

from storage import tracing
from storage.database import Database

EMPTY = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
    DO $$ DECLARE made text; BEGIN
        FOR made IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^(public|before_up|after_up)' LOOP
            EXECUTE format('DROP SCHEMA %I CASCADE', made);
        END LOOP;
    END $$;
    CREATE SCHEMA public;
"""


EMPTY_TABLES = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
    DO $$ BEGIN EXECUTE (
        SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') || ' RESTART IDENTITY CASCADE'
        FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    ); END $$;
"""


@pytest.fixture(autouse=True)
def _logs_keep_quiet() -> Iterator[None]:
    """No log of any test holds what somebody said in it."""
    with overheard.nothing_said_is_logged():
        yield


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[ReadableSpan]]]:
    """Called: what was traced so far in this process, oldest first."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("twin"))
    yield lambda: sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)
    provider.shutdown()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """On a real socket, for other processes to tell."""
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """The test runs on SQLite and on Postgres."""
    return str(request.param)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str) -> str:
    """Nothing in it yet, not even tables."""
    url: str = request.getfixturevalue(f"{database_kind}_url")
    return url


@pytest.fixture
def tables_url(request: pytest.FixtureRequest, database_kind: str) -> str:
    """All tables, and nothing in them."""
    url: str = request.getfixturevalue(f"{database_kind}_tables_url")
    return url


@pytest.fixture
async def database(tables_url: str) -> AsyncIterator[Database]:
    """Fresh and empty; it is the one at `tables_url`."""
    database = await Database.open(tables_url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def empty_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables and nothing in them: copying it takes a tenth of making them."""
    file = tmp_path_factory.mktemp("tables") / "twin.db"

    async def make() -> None:
        await (await Database.open(f"sqlite+aiosqlite:///{file}")).close()

    _in_a_thread(make())
    return file


@pytest.fixture
def sqlite_tables_url(sqlite_url: str, empty_tables: Path) -> str:
    shutil.copy(empty_tables, sqlite_url.removeprefix("sqlite+aiosqlite:///"))
    return sqlite_url


@pytest.fixture
async def sqlite_database(sqlite_tables_url: str) -> AsyncIterator[Database]:
    """Fresh and empty, for tests that only need some database, quickly."""
    database = await Database.open(sqlite_tables_url)
    yield database
    await database.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """No file there yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'twin.db'}"


@pytest.fixture
def postgres_url(postgres_database: str) -> str:
    """An empty database on a real server."""
    _execute(postgres_database, EMPTY)
    return postgres_database


@pytest.fixture
def postgres_tables_url(postgres_tables: str) -> str:
    _execute(postgres_tables, EMPTY_TABLES)
    return postgres_tables


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """A real Redis with nothing in it."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushdb()
    return redis_server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    yield _url_of(services.POSTGRES)
    services.POSTGRES.stop()


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """Our own, whatever else is on that server. Emptying it is ten times as fast as one for each test."""
    with _on(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_tables(postgres_server: str) -> Iterator[str]:
    """Another one: emptying all tables takes a sixth of making them."""

    async def make(url: str) -> None:
        await (await Database.open(url)).close()

    with _on(postgres_server) as url:
        _in_a_thread(make(url))
        yield url


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    yield _url_of(services.REDIS)
    services.REDIS.stop()


@pytest.fixture(scope="session")
def ordinary_role(postgres_server: str) -> Iterator[str]:
    """A role that row security holds, as a service should have."""
    name = f"ordinary_{uuid.uuid4().hex[:12]}"
    _execute(postgres_server, f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
    yield name
    _execute(postgres_server, f"DROP ROLE {name}")


@pytest.fixture
def ordinary_url(postgres_url: str, ordinary_role: str) -> Iterator[str]:
    _execute(postgres_url, f"GRANT ALL ON SCHEMA public TO {ordinary_role}")
    yield (
        make_url(postgres_url)
        .set(username=ordinary_role, password="secret")
        .render_as_string(hide_password=False)
    )
    _execute(postgres_url, f"DROP OWNED BY {ordinary_role}")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser lies."""
    return _had(services.CHROMIUM.path)


@pytest.fixture(scope="session")
def pgbouncer() -> str:
    """Where the pooler lies."""
    return _had(services.PGBOUNCER.path)


def _url_of(service: services.Service) -> str:
    return _had(service.url)


def _had(get: Callable[[], str]) -> str:
    try:
        return get()
    except services.Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@contextmanager
def _on(server: str) -> Iterator[str]:
    """A database of our own there."""
    name = f"twin_test_{uuid.uuid4().hex[:12]}"
    _execute(server, f"CREATE DATABASE {name}")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(False))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    _in_a_thread(execute())


def _in_a_thread(doing: Coroutine[object, object, None]) -> None:
    """Of its own: here an event loop may be waiting for its turn."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, doing).result(timeout=60)


def _less_was_tested() -> list[str]:
    return [*(str(service.missing) for service in services.ALL if service.missing), *tools.missing]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Only the main process has a terminal: the others (pytest-xdist) hand over what they missed."""
    if (handed_over := getattr(session.config, "workeroutput", None)) is not None:
        handed_over["missing"] = _less_was_tested()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    handed_over = getattr(node, "workeroutput", {}).get("missing", [])
    tools.missing.extend(sentence for sentence in handed_over if sentence not in tools.missing)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for sentence in _less_was_tested():
        terminalreporter.write_line(f"WARNING, LESS WAS TESTED. {sentence}", red=True, bold=True)
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.write_sep("_", f"why {report.nodeid} needed a second try", yellow=True)
        terminalreporter.write_line(report.longreprtext)
