"""`regulars bench`: the figures we hold ourselves to, on this machine and this database.

Each bench makes its own data in a database of its own, measures the product beside the plainest loop that does the same
work, in the same run, and says the ratio: a rate alone says more about the machine than about the program.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from webapp.kernel.db import Database

BENCHES: dict[str, tuple[str, str]] = {
    "import": (
        "webapp.cli.bench_import:import_",
        "Orders from a file, beside COPY or bulk insert of parsed rows.",
    ),
    "drain": (
        "webapp.cli.bench_drain:drain",
        "A campaign sent, beside a loop that builds and sends the same messages.",
    ),
    "engine": (
        "webapp.cli.bench_engine:engine",
        "All stages decided, beside reading the facts and writing stages.",
    ),
    "quote": (
        "webapp.cli.bench_quote:quote",
        "Which coupons count on a basket of many lines, reckoned and with everything read.",
    ),
    "claim": (
        "webapp.cli.bench_claim:claim",
        "Members take coupons, beside the fewest statements that keep the same promises.",
    ),
    "claim-http": (
        "webapp.cli.bench_claim_http:claim_http",
        "The same by the tills' API, from gunicorn, beside a bare route with those statements.",
    ),
}


class Benches(click.Group):
    """Knows its benches by name and line, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """As listed."""
        return list(BENCHES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The bench itself."""
        if cmd_name not in BENCHES:
            return None
        module, attribute = BENCHES[cmd_name][0].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and lines, without importing anything."""
        with formatter.section("Benches"):
            formatter.write_dl([(name, line) for name, (_, line) in BENCHES.items()])


@click.group(cls=Benches)
def bench() -> None:
    """Measure this machine and this database."""


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every bench takes."""
    command = click.option(
        "--database-url",
        metavar="URL",
        help="postgresql://... of an EMPTY database that may be filled. Default: SQLite in a temporary folder.",
    )(command)
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


@contextmanager
def database(url: str | None) -> Iterator[Database]:
    """A database with every table, its bell silent: the given empty one, or one that is gone afterwards.

    Raises UserError if there are brands in it: a bench fills tables and must never meet a shop.
    """
    from webapp.brands import queries as brands
    from webapp.kernel import migrate
    from webapp.kernel.db import Database
    from webapp.kernel.errors import UserError
    from webapp.plugin_runtime import runtime

    with tempfile.TemporaryDirectory(prefix="rg-bench-") as folder:
        db = Database(url or f"sqlite:///{Path(folder, 'bench.db')}", load_brand=brands.load)
        migrate.upgrade(db.url, runtime.branches(runtime.load_all()))
        try:
            with db.read() as scope:
                if brands.all_refs(scope.session):
                    raise UserError("there is a shop in this database: give the bench an empty one")
            yield db
        finally:
            db.close()
