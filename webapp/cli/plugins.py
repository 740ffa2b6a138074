"""`regulars plugins`: what is plugged in, and whether it is sound."""

from __future__ import annotations

from pathlib import Path

import click

from webapp.cli import context
from webapp.kernel.errors import UserError
from webapp.plugin_runtime import discover, runtime
from webapp.staff.permissions import PERMISSIONS


@click.group()
def plugins() -> None:
    """What is plugged in, and whether it is sound."""


@plugins.command(name="list")
def list_() -> None:
    """Every plugin that was found, with what is wrong with it."""
    found = runtime.load_all(context.settings().instance / "plugins")
    for name, one in sorted(found.plugins.items()):
        version = one.manifest.version if one.manifest else "-"
        click.echo(f"{name} {version} {'OFF: ' + one.error if one.error else 'ok'}")


@plugins.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def check(folder: Path) -> None:
    """Check one plugin's FOLDER: its manifest, then whether it loads. Exit 2 with the mend."""
    found = next(
        iter(f for f in discover.in_folder(folder.resolve().parent) if f.folder == folder.resolve()), None
    )
    if found is None:
        raise UserError(f"{folder}: there is neither a plugin.toml nor an __init__.py")
    error = runtime.try_one(found, PERMISSIONS)
    if error:
        raise UserError(f"{found.name}: {error}")
    click.echo(f"{found.name} is sound")
