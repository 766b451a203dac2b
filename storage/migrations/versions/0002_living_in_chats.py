"""What a twin needs that lives in chat apps: who is where, what waits for an answer, what was sent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TIME = sa.DateTime(timezone=True)
NAME = sa.String(20)


def upgrade() -> None:
    no, none = sa.false(), "[]"
    for column in (
        sa.Column("waiting", sa.Boolean, nullable=False, server_default=no),
        sa.Column("outcome", sa.Text),
        sa.Column("unsent", sa.Boolean, nullable=False, server_default=no),
        sa.Column("server_id", sa.Text),
        sa.Column("private", sa.Boolean, nullable=False, server_default=no),
        sa.Column("as_owner", sa.Boolean, nullable=False, server_default=no),
        sa.Column("by_bot", sa.Boolean, nullable=False, server_default=no),
        sa.Column("author_roles", sa.Text, nullable=False, server_default=none),
        sa.Column("to_twin", sa.Boolean, nullable=False, server_default=no),
        sa.Column("to_others", sa.Boolean, nullable=False, server_default=no),
        sa.Column("media", sa.JSON, nullable=False, server_default=none),
        sa.Column("quote", sa.Text),
        sa.Column("album", sa.Text),
    ):
        op.add_column("messages", column)
    op.create_index(
        "what_waits_for_an_answer",
        "messages",
        ["platform", "chat_id", "number"],
        sqlite_where=sa.text("waiting"),
        postgresql_where=sa.text("waiting"),
    )
    op.create_index("ix_messages_platform_author_id", "messages", ["platform", "author_id"])

    op.create_table(
        "deliveries",
        sa.Column("reply_key", sa.Text, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("chat_id", sa.Text, nullable=False),
        sa.Column("question_key", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("message_id", sa.Text),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("reply_key", "part", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_platform_message_id", "deliveries", ["platform", "message_id"])
    op.create_index(
        "what_is_not_delivered",
        "deliveries",
        ["platform", "chat_id"],
        sqlite_where=sa.text("state IN ('planned', 'sending', 'shown')"),
        postgresql_where=sa.text("state IN ('planned', 'sending', 'shown')"),
    )

    op.create_table(
        "chats",
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("chat_id", sa.Text, nullable=False),
        sa.Column("server_id", sa.Text),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("mode", sa.Text),
        sa.Column("draft", sa.Boolean),
        sa.Column("quiet_until", TIME),
        sa.Column("quiet_why", sa.Text),
        sa.PrimaryKeyConstraint("platform", "chat_id", name="pk_chats"),
    )
    op.create_table(
        "people",
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("consent", NAME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("platform", "person_id", name="pk_people"),
    )
    op.create_table(
        "questions",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_questions"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "facts",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("told_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_facts"),
    )


def downgrade() -> None:
    raise NotImplementedError("a twin only ever upgrades; to go back, restore a backup")
