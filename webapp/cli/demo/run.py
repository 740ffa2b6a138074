"""The demo as processes: the shop is made in one that ends; then `regulars up`'s parts run, with a mail catcher beside
them and a child that does what people would do."""

from __future__ import annotations

import logging
import sys

import click

from webapp.cli.catcher import Catcher
from webapp.cli.demo import shop, state, story
from webapp.cli.up import plan_of
from webapp.config import Settings
from webapp.kernel.errors import UserError
from webapp.supervisor.child import Child
from webapp.supervisor.shop import supervise

CHATTY = (
    "regulars.request",
    "regulars.jobs",
    "regulars.supervisor",
)  # its progress should be seen between log lines


def run(
    settings: Settings,
    sample: shop.Sample,
    *,
    no_serve: bool = False,
    as_json: bool = False,
    host: str = "127.0.0.1",
    port: int | None = None,
) -> int:
    """Make the demo unless it is there, and serve it until Ctrl-C; the exit code. Raises UserError."""
    again = state.look(settings.instance, fresh=no_serve)
    plan = plan_of(settings, host=host, port=port)
    if again is None:
        upgrade = plan.prepare

        def prepare() -> None:
            shop.make(settings, sample, upgrade, tell)

        plan.prepare = prepare

    def extra(address: str) -> list[Child]:
        for name in CHATTY:  # before the fork, so for every part
            logging.getLogger(name).setLevel(logging.WARNING)
        catcher = Catcher(settings.instance / "mail", host)

        def people() -> None:
            result = None
            try:
                result = story.tell_it(settings, address, catcher, tell)
            except UserError as mistake:
                if no_serve:
                    raise
                tell(str(mistake))  # the shop itself is up
            if not no_serve:
                click.echo(story.welcome(settings, address, catcher), err=as_json)
            if as_json and result is not None:
                click.echo(story.as_json(result))
            sys.stdout.flush()

        return [catcher.child(), Child("people", people, at_end="stop" if no_serve else "leave")]

    plan.extra = extra
    return supervise(plan)


def tell(text: str) -> None:
    """Progress."""
    click.echo(text, err=True)
