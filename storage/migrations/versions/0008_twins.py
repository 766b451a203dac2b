"""Every row says whose it is."""

from alembic import op

from storage.migrations.memories import of_each_twin
from storage.migrations.twins import keep_apart, tables_of
from storage.twins import THE_ONE

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    connection, config = op.get_bind(), op.get_context().config
    twin = config.attributes.get("twin", THE_ONE) if config else THE_ONE
    keep_apart(connection, tables_of(connection), twin)
    of_each_twin(connection)


def downgrade() -> None:
    raise NotImplementedError("a twin only ever upgrades; to go back, restore a backup")
