"""A canary: a new adapter that answers a share of the chats, beside the live one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ANSWERS = sa.text("state IN ('live', 'canary')")


def upgrade() -> None:
    op.add_column("adapters", sa.Column("canary_share", sa.Double))
    op.add_column("adapters", sa.Column("canary_since", sa.DateTime(timezone=True)))
    op.drop_index("only_one_live_adapter", "adapters")
    op.create_index(
        "one_live_adapter_and_one_canary",
        "adapters",
        ["state"],
        unique=True,
        sqlite_where=ANSWERS,
        postgresql_where=ANSWERS,
    )


def downgrade() -> None:
    raise NotImplementedError("a twin only ever upgrades; to go back, restore a backup")
