"""A run says which trace it belongs to: whoever takes it up goes on with that."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("runs", sa.Column("traceparent", sa.Text))


def downgrade() -> None:
    raise NotImplementedError("a twin only ever upgrades; to go back, restore a backup")
