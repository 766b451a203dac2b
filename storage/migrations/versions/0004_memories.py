"""What can be recalled, and for whom: an index over records, messages, facts and corrections."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.memories import install

revision = "0004"
down_revision = "0003"

NAME = sa.String(20)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "memory_shelves",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_memory_shelves"),
    )
    op.create_index("one_shelf_for_each", "memory_shelves", ["audience", "kind"], unique=True)
    op.create_table(
        "memories",
        # On SQLite the number has to be the row's own, which only INTEGER is.
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("speaker", sa.Text, nullable=False),
        sa.Column("speaker_name", sa.Text, nullable=False),
        sa.Column("by_owner", sa.Boolean, nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("said_at", TIME, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("about", sa.Text),
        sa.Column("lang", sa.Text),
        sa.PrimaryKeyConstraint("number", name="pk_memories"),
        sa.UniqueConstraint("key", name="uq_memories_key"),
    )
    op.create_index(
        "what_was_asked",
        "memories",
        ["about"],
        sqlite_where=sa.text("about IS NOT NULL"),
        postgresql_where=sa.text("about IS NOT NULL"),
    )
    op.create_table(
        "memory_vectors",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_memory_vectors"),
    )
    install(op.get_bind())


def downgrade() -> None:
    raise NotImplementedError("a twin only ever upgrades; to go back, restore a backup")
