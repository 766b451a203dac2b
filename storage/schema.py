"""Which tables does this database have, and how does it get the newest ones?"""

from __future__ import annotations

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from storage.twins import THE_ONE
from storage.unavailable import DatabaseTooNew, shown

Keep = Callable[[Connection, str], str]
"""Copies what is there at this revision, and says where to."""


def revision_of(connection: Connection) -> str | None:
    """None: there is nothing in it yet."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def is_newest(connection: Connection) -> bool:
    """Only reads, so it never waits for a writer. Raises DatabaseTooNew."""
    steps = ScriptDirectory.from_config(_config())
    found = MigrationContext.configure(connection).get_current_heads()
    known = {step.revision for step in steps.walk_revisions()}
    for revision in found:
        if revision not in known:
            raise DatabaseTooNew(
                f"{shown(connection.engine.url)} was written by a newer twin (its schema is {revision}, "
                f"this one knows up to {steps.get_current_head()}). Upgrade this twin, or restore a backup."
            )
    return found == tuple(steps.get_heads())


def bring_up_to_date(connection: Connection, twin: str = THE_ONE, keep: Keep | None = None) -> str | None:
    """Apply the missing steps, all or none, in the caller's write transaction; two processes take turns.

    What is there and was nobody's becomes this twin's. `keep` copies it before anything changes; returns what
    it says.
    """
    kept = None
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("twin schema"))))
    if not is_newest(connection):
        revision = revision_of(connection)
        if keep and revision:
            kept = keep(connection, revision)
        config = _config()
        config.attributes["connection"] = connection
        config.attributes["twin"] = twin
        command.upgrade(config, "head")
    return kept


def knows(revision: str) -> bool:
    """Whether this twin can read such a schema, or lead it on to its own."""
    return any(step.revision == revision for step in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option(
        "script_location", "storage:migrations"
    )  # a package's folder, wherever it is installed
    return config
