"""What does Alembic run the steps on? The connection that storage/schema.py hands over, mid-transaction."""

from alembic import context

from storage.tables import Base

# SQLite cannot alter much of a table: a "batch" copies it. It can undo CREATE TABLE; Alembic doubts that.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
