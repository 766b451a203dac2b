"""Which tables does this database have, and how does it get the newest ones?"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from storage.twins import THE_ONE
from storage.unavailable import DatabaseTooNew, shown


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


def bring_up_to_date(connection: Connection, twin: str = THE_ONE) -> None:
    """Apply the missing steps, all or none, in the caller's write transaction; two processes take turns.

    What is there and was nobody's becomes this twin's.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("twin schema"))))
    if not is_newest(connection):
        config = _config()
        config.attributes["connection"] = connection
        config.attributes["twin"] = twin
        command.upgrade(config, "head")


def knows(revision: str) -> bool:
    """Whether this twin can read such a schema, or lead it on to its own."""
    return any(step.revision == revision for step in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option(
        "script_location", "storage:migrations"
    )  # a package's folder, wherever it is installed
    return config
