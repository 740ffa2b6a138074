"""The one migration environment, for the core and for every plugin; run by webapp.kernel.migrate alone."""

from __future__ import annotations

from alembic import context
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from webapp.kernel.migrate import Branch

branch: Branch = context.config.attributes["branch"]
connection: Connection | None = context.config.attributes["connection"]


def keys_hold(ctx: MigrationContext, **_: object) -> None:
    """SQLite migrates with foreign keys off: before a revision is committed, nothing may point nowhere."""
    assert ctx.connection is not None
    if ctx.dialect.name == "sqlite":
        lost = ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5)
        if lost:
            raise RuntimeError(
                f"the migration leaves rows that point nowhere: {[tuple(row) for row in lost]}"
            )


if connection is None:
    raise RuntimeError("migrations are run by `regulars db upgrade`, not by alembic's own command")

context.configure(
    connection=connection,
    version_table=branch.version_table,
    # Each revision is one transaction on both databases; SQLite can alter a table only by copying it ("batch").
    transaction_per_migration=True,
    transactional_ddl=True,
    render_as_batch=True,
    on_version_apply=keys_hold,
)
with context.begin_transaction():
    context.run_migrations()
