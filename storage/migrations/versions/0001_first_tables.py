"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TIME = sa.DateTime(timezone=True)
NAME = sa.String(20)


def upgrade() -> None:
    op.create_table(
        "records",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("author_id", sa.Text, nullable=False),
        sa.Column("by_owner", sa.Boolean, nullable=False),
        sa.Column("thread_id", sa.Text, nullable=False),
        sa.Column("said_at", TIME, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("reply_to", sa.Text),
        sa.Column("attachments", sa.JSON, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("lang", sa.Text),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("precision", NAME, nullable=False),
        sa.Column("zone_source", NAME, nullable=False),
        sa.Column("edited_at", TIME),
        sa.Column("deleted_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_records"),
    )
    op.create_index("ix_records_source", "records", ["source"])
    op.create_index("ix_records_said_at_id", "records", ["said_at", "id"])
    op.create_index("ix_records_thread_id_said_at", "records", ["thread_id", "said_at"])

    op.create_table(
        "messages",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("chat_id", sa.Text, nullable=False),
        sa.Column("author_id", sa.Text, nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.Column("by_twin", sa.Boolean, nullable=False),
        sa.Column("by_owner", sa.Boolean, nullable=False),
        sa.Column("reply_to", sa.Text),
        sa.Column("stamp", sa.JSON),
        sa.Column("edited_at", TIME),
        sa.Column("deleted_at", TIME),
        sa.PrimaryKeyConstraint("number", name="pk_messages"),
        sa.UniqueConstraint("key", name="uq_messages_key"),
    )
    op.create_index("ix_messages_sent_at", "messages", ["sent_at"])
    op.create_index("ix_messages_reply_to", "messages", ["reply_to"])
    op.create_index(
        "ix_messages_platform_chat_id_sent_at_number",
        "messages",
        ["platform", "chat_id", "sent_at", "number"],
    )

    op.create_table(
        "feedback",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("reply_key", sa.Text, nullable=False),
        sa.Column("given_by", sa.Text, nullable=False),
        sa.Column("role", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("given_at", TIME, nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("withdrawn_at", TIME),
        sa.PrimaryKeyConstraint("number", name="pk_feedback"),
        sa.UniqueConstraint("id", name="uq_feedback_id"),
    )
    op.create_index("ix_feedback_reply_key", "feedback", ["reply_key"])

    op.create_table(
        "adapters",
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("base_model", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("parent", sa.Text),
        sa.Column("recipe", sa.JSON, nullable=False),
        sa.Column("corpus", sa.Text),
        sa.Column("lineage", sa.Text, nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_adapters"),
    )
    op.create_index(
        "only_one_live_adapter",
        "adapters",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    )

    op.create_table(
        "promotions",
        sa.Column("is_rollback", sa.Boolean, nullable=False),
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("version", sa.Text),
        sa.Column("previous", sa.Text),
        sa.Column("at", TIME, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_promotions"),
        sa.ForeignKeyConstraint(["version"], ["adapters.version"], name="fk_promotions_version"),
        sa.ForeignKeyConstraint(["previous"], ["adapters.version"], name="fk_promotions_previous"),
    )

    op.create_table(
        "runs",
        sa.Column("exclusive", sa.Boolean, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("heartbeat_at", TIME),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("log_path", sa.Text),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_created_at", "runs", ["created_at"])
    op.create_index(
        "only_one_exclusive_run",
        "runs",
        ["exclusive"],
        unique=True,
        sqlite_where=sa.text("exclusive AND state = 'running'"),
        postgresql_where=sa.text("exclusive AND state = 'running'"),
    )

    op.create_table(
        "cursors",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("container", sa.Text, nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("source", "container", name="pk_cursors"),
    )


def downgrade() -> None:
    raise NotImplementedError("a twin only ever upgrades; to go back, restore a backup")
