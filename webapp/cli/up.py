"""`regulars up`: one's own shop; and the plan that the demo runs, too."""

from __future__ import annotations

import json
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import click

from webapp.kernel.errors import UserError

if TYPE_CHECKING:
    from webapp.config import Settings
    from webapp.supervisor.shop import Parts, Plan


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 for the whole network."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on. [default: 8040 or the next free one]"
)
@click.option(
    "--workers", type=click.IntRange(1, 16), default=1, show_default=True, help="Background workers."
)
@click.option(
    "--no-web", is_flag=True, help="Worker and tick alone: pages are served by another server from wsgi.py."
)
def up(host: str, port: int | None, workers: int, no_web: bool) -> int:
    """Run the shop in the instance folder until Ctrl-C: web pages, background worker, tick and queue server.

    Tables are brought up to date first. What dies is started again; if this command itself is killed, its parts end
    with it, and started again it goes on where it was.
    """
    from webapp import config
    from webapp.supervisor.shop import supervise

    settings = config.load()
    with TemporaryFile(
        "w+", encoding="utf-8"
    ) as notes:  # what the process that prepares has to say at the end

        def ready(address: str) -> None:
            notes.seek(0)
            _welcome(settings, address, json.loads(notes.read() or "{}"))

        plan = plan_of(settings, host=host, port=port, workers=workers, web=not no_web, ready=ready)
        upgrade = plan.prepare

        def prepare() -> None:
            upgrade()
            json.dump(_look(settings), notes)
            notes.flush()

        plan.prepare = prepare
        return supervise(plan)


def _look(settings: Settings) -> dict[str, Any]:
    """What the first lines tell: the link for the first owner, the address of members' links and its check."""
    from webapp.app import create_database
    from webapp.kernel import links
    from webapp.settings import first_run

    db = create_database(settings)
    try:
        links.use(settings.public_url)
        links.watch(db)
        address = links.state()
        return {
            "first": db.write(first_run.new_link),
            "public": address.url if address else None,
            "checked": address is not None and address.checked,
        }
    finally:
        db.close()


def _welcome(settings: Settings, address: str, notes: dict[str, Any]) -> None:
    """What a person reads once the shop is open."""
    what = f"Regulars is open at {address}" if address else "Regulars works in the background"
    click.echo(f"{what} (data in {settings.instance}; Ctrl-C stops it)")
    if address:
        (settings.instance / "run" / "address").write_text(address)  # for links that commands print
    public = notes.get("public")
    if first := notes.get("first"):
        click.echo("")
        click.echo("Nobody owns this shop yet. Open this link to become its owner (once, within three days):")
        click.echo(f"    {address or public}/start/{first}")
        click.echo("")
    elif not public:
        click.echo(
            f"Members' links lead to {address}: unchecked, and only this machine or network reaches it. "
            "Give the shop an address: More, Public address."
        )
    elif not notes.get("checked"):
        click.echo(
            f"Members' links lead to {public}: unchecked, no phone has opened it yet. Check it: More, Public address."
        )


def plan_of(settings: Settings, **more: Any) -> Plan:
    """The shop of these settings as a plan for `supervise`; `more` are fields of Plan."""
    from webapp.supervisor.shop import Parts, Plan

    def load() -> Parts:
        from webapp.app import create_app, create_database

        database = create_database(settings)
        app = create_app(settings, database)
        database.close()  # what the factory opened is not for the children
        return Parts(app, database)

    def prepare() -> None:
        from webapp.cli.db import upgrade_all
        from webapp.kernel.db import unreachable

        try:
            for line in upgrade_all(settings):
                click.echo(f"The database was brought up to date: {line}", err=True)
            _plan_backups(settings)
        except Exception as fault:
            if said := unreachable(fault):
                raise UserError(f"The database does not answer: {said}") from fault
            raise

    return Plan(settings, load=load, prepare=prepare, **more)


def _plan_backups(settings: Settings) -> None:
    """The first start begins the daily backups."""
    from webapp.app import create_database
    from webapp.backup import service

    db = create_database(settings)
    try:
        db.write(service.begin)
    finally:
        db.close()
