"""`regulars db`: the database's tables."""

from __future__ import annotations

import click

from webapp.cli import context
from webapp.config import Settings
from webapp.kernel import migrate
from webapp.plugin_runtime import runtime


def upgrade_all(settings: Settings) -> list[str]:
    """Bring the tables of the core and of every plugin to this program's version; what was done, a line each."""
    settings.instance.mkdir(parents=True, exist_ok=True)
    found = runtime.load_all(settings.instance / "plugins")
    return migrate.upgrade(settings.database_url, runtime.branches(found))


@click.group()
def db() -> None:
    """The database's tables."""


@db.command()
def upgrade() -> None:
    """Bring the tables of the core and of every plugin to this program's version. Safe to run again."""
    for line in upgrade_all(context.settings()) or ["nothing to do"]:
        click.echo(line)
