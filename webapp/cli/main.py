"""`regulars`: one group whose commands are imported only when they are called, so that --help answers at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from webapp.kernel.errors import UserError

# name -> (module:attribute, one line for --help); the long help stands at the command itself.
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("webapp.cli.up:up", "Run the shop: web, worker, tick and queue server, until Ctrl-C."),
    "demo": ("webapp.cli.demo:demo", "Make a sample shop from published data and run it."),
    "service": ("webapp.cli.service:service", "The shop as a service that starts with this machine."),
    "doctor": ("webapp.cli.doctor:doctor", "What is configured, what is wrong, and how to mend it."),
    "backup": ("webapp.cli.backup:backup", "Write the whole shop into one file, while it runs."),
    "restore": ("webapp.cli.backup:restore", "Bring a shop back from such a file."),
    "db": ("webapp.cli.db:db", "The database's tables."),
    "brand": ("webapp.cli.brand:brand", "Brands of this shop."),
    "staff": ("webapp.cli.staff:staff", "People who work here, and their sign-ins."),
    "import": ("webapp.cli.import_:import_", "Bring members and orders in from CSV files."),
    "lifecycle": (
        "webapp.cli.lifecycle:lifecycle",
        "Members' stages: run the engine, or count as of any day.",
    ),
    "coupons": ("webapp.cli.coupons:coupons", "Whether the coupons are right, to the last one."),
    "plugins": ("webapp.cli.plugins:plugins", "What is plugged in, and whether it is sound."),
    "bench": ("webapp.cli.bench:bench", "Measure this machine and this database."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and line, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of COMMANDS: from running the shop to measuring it."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself; for the group's own --help a stand-in with its line is enough."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and lines, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="regulars", prog_name="regulars")
def regulars() -> None:
    """Regulars: members, coupons and campaigns for shops that live from people who come back.

    REGULARS_INSTANCE names the folder in which a shop keeps its data (default ./var), REGULARS_DATABASE_URL a
    PostgreSQL database in place of the built-in one, REDIS_URL a queue server that is already running.
    """


def main(args: Sequence[str] | None = None) -> None:
    """The console script. What a person can mend is one sentence on standard error and exit 2."""
    try:
        result: Any = regulars.main(args=args, prog_name="regulars", standalone_mode=False)
    except click.exceptions.Exit as ending:
        sys.exit(ending.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as mistake:
        mistake.show()
        sys.exit(mistake.exit_code)
    except UserError as mistake:
        click.echo(str(mistake), err=True)
        sys.exit(2)
    except Exception as fault:
        said = _outage(fault)
        if said is None:
            raise
        click.echo(said, err=True)
        sys.exit(2)
    sys.exit(result if isinstance(result, int) else 0)


def _outage(fault: Exception) -> str | None:
    """The sentence for a database that does not answer; None for any other fault."""
    if "sqlalchemy" not in sys.modules:
        return None
    from webapp.kernel.db import unreachable

    said = unreachable(fault)
    return said and f"The database does not answer: {said}"


if __name__ == "__main__":
    main()
