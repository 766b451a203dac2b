"""How much one person may ask for, where that is not what the settings say."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("people", sa.Column("per_minute", sa.Integer))
    op.add_column("people", sa.Column("tokens_per_day", sa.BigInteger))


def downgrade() -> None:
    raise NotImplementedError("a twin only ever upgrades; to go back, restore a backup")
