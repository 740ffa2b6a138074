"""`regulars backup` and `regulars restore`: the shop in one file, and back."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from pathlib import Path

import click
from sqlalchemy import inspect

from webapp.backup import folder, make, service
from webapp.backup import restore as bringing_back
from webapp.backup.archive import BackupError, Manifest
from webapp.cli import context
from webapp.config import Settings
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.supervisor import lock

log = logging.getLogger("regulars.backup")


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on the last line.")
@click.option(
    "--planned", is_flag=True, hidden=True
)  # how the worker calls it: the plan's folder, and its tidying up
def backup(file: Path | None, as_json: bool, planned: bool) -> int:
    """Write the whole shop into FILE, or into a folder, while it runs.

    Without FILE it goes into the folder of the daily backups, under a name with the moment. The file holds everything:
    members and orders, passwords and keys, uploaded files, own plugins. Who has it has the shop: keep it as you keep the
    key to the till. Only its owner can read it (mode 0600).
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # no half file stays
    if planned:
        os.nice(10)  # clerks first
    settings = context.settings()
    known = folder.database_file(settings.database_url)
    if known is not None and not known.is_file():
        raise BackupError(
            f"There is no shop in {settings.instance} (REGULARS_INSTANCE): its database is missing."
        )
    db = _database(settings)
    remembers = inspect(db.engine).has_table("backup_run")  # not before an upgrade from a version without it
    if file is None:
        target = _plans_folder(db, settings) if remembers else make.default_folder(settings)
        target /= make.file_name(clock.now())
    else:
        target = file.expanduser().absolute()
    started = clock.now()
    try:
        made = make.make(settings, target)
    except BackupError as why:
        if remembers:
            said = str(why)
            db.write(lambda scope: service.record(scope, started, said, planned=planned))
        raise
    if remembers:
        db.write(lambda scope: service.record(scope, started, made, planned=planned))
        if planned:
            db.write(service.prune)
    db.close()
    if planned:
        log.info("backup: %s, %d bytes", made.file, made.size)
        return 0
    rows = sum(made.manifest.rows.values())
    click.echo(
        f"{made.file}: {made.size / 1e6:.1f} MB, {rows} rows, {len(made.manifest.entries)} parts, read back and sound."
    )
    click.echo("It holds the shop's keys and its members' data: keep it where only you can read it.")
    if as_json:
        click.echo(json.dumps({"file": str(made.file), "size": made.size, "rows": made.manifest.rows}))
    return 0


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="There may be a shop: it is kept aside.")
@click.option(
    "--check", is_flag=True, help="Only read the file and say whether it is sound; nothing is changed."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on the last line.")
def restore(file: Path, replace: bool, check: bool, as_json: bool) -> int:
    """Bring a shop back from FILE into the instance folder and its database.

    The shop must not run. The place must be empty, or --replace keeps what is there aside (a folder `replaced-...` in the
    instance folder; on PostgreSQL a schema `replaced_...`). The file is read to its end before anything is touched, and
    counted and checked before it counts. Campaigns that were under way come back paused: what was sent after the backup
    is not known to it.
    """
    settings = context.settings()
    file = file.expanduser().absolute()
    if check:
        manifest = bringing_back.check(settings, file)
        click.echo(f"{file} is sound: {_described(manifest)}.")
        return 0
    with lock.held(settings.instance):
        done = bringing_back.restore(settings, file, replace=replace)
    click.echo(f"Restored {_described(done.manifest)}. Rows and references were counted and hold.")
    for where in done.aside:
        click.echo(f"What was here before is kept: {where}")
    if done.held:
        click.echo(f"{done.held} campaigns were under way and are held: look at each before you resume it.")
    click.echo("Start it with: regulars up")
    if as_json:
        click.echo(
            json.dumps(
                {
                    "rows": done.manifest.rows,
                    "aside": done.aside,
                    "held": done.held,
                    "made_at": done.manifest.made_at,
                }
            )
        )
    return 0


def _described(manifest: Manifest) -> str:
    rows = manifest.rows
    return (
        f"a shop of {manifest.made_at} (Regulars {manifest.version}, tables {manifest.revisions.get('', '?')}, "
        f"{manifest.kind}): {rows.get('brand', 0)} brands, {rows.get('member', 0)} members, {rows.get('orders', 0)} orders, "
        f"{sum(rows.values())} rows in all"
    )


def _database(settings: Settings) -> Database:
    from webapp.app import create_database

    return create_database(settings)


def _plans_folder(db: Database, settings: Settings) -> Path:
    with db.read() as scope:
        chosen = service.plan(scope).folder
    return Path(chosen) if chosen else make.default_folder(settings)
