"""Runs wait in a queue: when they are due, who asked for them, how often they were tried, what they made."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

OPEN = sa.text("state IN ('queued', 'running')")
QUEUED = sa.text("state = 'queued'")


def upgrade() -> None:
    for column in (
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("requested_by", sa.Text, nullable=False, server_default=""),
        sa.Column("parameters", sa.JSON, nullable=False, server_default="{}"),
        sa.Column("key", sa.Text),
        sa.Column("artefacts", sa.JSON, nullable=False, server_default="{}"),
        sa.Column("target", sa.Text, nullable=False, server_default="local"),
        sa.Column("tell", sa.Text),
        sa.Column("cancelled_by", sa.Text),
    ):
        op.add_column("runs", column)
    for name, columns, unique, where in (
        ("one_queued_run_of_a_key", ["key"], True, QUEUED),
        ("runs_that_are_not_over", ["state"], False, OPEN),
    ):
        op.create_index(name, "runs", columns, unique=unique, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    raise NotImplementedError("a twin only ever upgrades; to go back, restore a backup")
