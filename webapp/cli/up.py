"""`regulars up`: one's own shop; and the plan that the demo runs, too."""

from __future__ import annotations

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

    def ready(address: str) -> None:
        what = f"Regulars is open at {address}" if address else "Regulars works in the background"
        click.echo(f"{what} (data in {settings.instance}; Ctrl-C stops it)")

    return supervise(plan_of(settings, host=host, port=port, workers=workers, web=not no_web, ready=ready))


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
            upgrade_all(settings)
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
