"""`regulars import`: members, orders and products from CSV files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


@click.group("import")
def import_() -> None:
    """Bring members, orders and products in from files.

    CSV in UTF-8, GB18030 or UTF-16 with commas, semicolons or tabs between cells, or XLSX; the first row names the columns. A file
    is checked whole before anything changes: if a row is bad, all bad rows are told, nothing is applied and the exit
    code is 2, unless --skip-bad is given. The same file a second time changes nothing; a blank cell keeps what is
    stored; an import that was interrupted goes on by itself, or with the next one.
    """


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object on the last line."),
        click.option("--skip-bad", is_flag=True, help="Apply the good rows although others are bad."),
        click.option("--sheet", default="", help="The sheet of a workbook; the first without."),
        click.option("--make-stores", is_flag=True, help="Make stores that are not known yet."),
        click.option(
            "--map",
            "pairs",
            multiple=True,
            metavar="OURS=THEIRS",
            help="What the file calls a column of ours. Repeat for more.",
        ),
        click.option("--brand", "code", required=True, help="The brand's code."),
        click.argument("file", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


@import_.command()
@_common
@click.option(
    "--source", default="file", show_default=True, help="Where the file comes from; kept with consents."
)
def members(
    file: Path,
    code: str,
    pairs: tuple[str, ...],
    make_stores: bool,
    skip_bad: bool,
    as_json: bool,
    source: str,
    sheet: str,
) -> int:
    """Members from FILE.

    Columns: number (required), name, phone, email, birthday, gender, joined_at, store, and consent_CHANNEL such as
    consent_email (yes or no to marketing; blank means no). Columns of other names become attributes of the members.
    """
    return _run("members", file, None, code, pairs, make_stores, skip_bad, as_json, source, sheet)


@import_.command()
@_common
@click.option("--lines", type=click.Path(path_type=Path), help="A second file with the orders' lines.")
@click.option(
    "--source",
    default="till",
    show_default=True,
    help="Whose order numbers these are; tills repeat each other's.",
)
def orders(
    file: Path,
    code: str,
    pairs: tuple[str, ...],
    make_stores: bool,
    skip_bad: bool,
    as_json: bool,
    source: str,
    sheet: str,
    lines: Path | None,
) -> int:
    """Orders from FILE, and their lines from another.

    Columns of orders: number, ordered_at and paid (required), member, phone, store, gross, discount. An order whose
    member is blank or unknown waits for a member with its phone. ordered_at without an offset is in the brand's zone.
    Columns of lines: order, product and amount (required), category, quantity.
    """
    return _run("orders", file, lines, code, pairs, make_stores, skip_bad, as_json, source, sheet)


@import_.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on the last line.")
@click.option("--skip-bad", is_flag=True, help="Apply the good rows although others are bad.")
@click.option("--sheet", default="", help="The sheet of a workbook; the first without.")
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="OURS=THEIRS",
    help="What the file calls a column of ours. Repeat for more.",
)
@click.option("--brand", "code", required=True, help="The brand's code.")
@click.argument("file", type=click.Path(path_type=Path))
def products(file: Path, code: str, pairs: tuple[str, ...], sheet: str, skip_bad: bool, as_json: bool) -> int:
    """Products from FILE: what your till calls them, and what people do.

    Columns: code (required; as it stands in the lines of orders), name, category, price. Their headers are recognised in
    Chinese and English. A category or price from a file stays when orders come in.
    """
    from webapp.cli import context
    from webapp.imports import products_in

    db = context.database(context.settings())
    brand = context.brand(db, code)
    done = products_in.import_products(db, brand, file, _mapping(pairs), sheet=sheet, skip_bad=skip_bad)
    for problem in done.problems:
        click.echo(str(problem), err=True)
    if as_json:
        click.echo(json.dumps(done.as_json(), ensure_ascii=False))
    elif done.applied:
        if done.ignored_columns:
            click.echo(f"ignored columns: {', '.join(done.ignored_columns)}", err=True)
        put = done.put
        click.echo(
            f"{done.read} products read: {put.created} created, {put.updated} updated, {put.unchanged} unchanged, "
            f"{done.problems.refused} rows refused; {done.seconds:.1f} s"
        )
    else:
        click.echo(
            f"Nothing was applied: {done.problems.refused} of the rows are bad. Correct them, or leave them out with "
            "--skip-bad.",
            err=True,
        )
    return 0 if done.applied else 2


def _run(
    kind: str,
    file: Path,
    lines: Path | None,
    code: str,
    pairs: tuple[str, ...],
    make_stores: bool,
    skip_bad: bool,
    as_json: bool,
    source: str,
    sheet: str,
) -> int:
    from webapp.app import load_jobs
    from webapp.cli import context
    from webapp.imports import service

    options = service.Options(source, _mapping(pairs), make_stores, skip_bad, sheet)
    settings = context.settings()
    db = context.database(settings)
    brand = context.brand(db, code)
    load_jobs()  # whoever subscribed to what an import changes is told

    def tell(text: str) -> None:
        if not as_json:
            click.echo(text, err=True)

    if kind == "members":
        outcome = service.import_members(db, brand, settings.stage_dir, file, options, tell=tell)
    else:
        outcome = service.import_orders(db, brand, settings.stage_dir, file, options, lines=lines, tell=tell)
    _told(outcome, as_json)
    return 0 if outcome.applied else 2


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        ours, theirs = ours.strip(), theirs.strip()
        if not (equals and ours and theirs):
            raise click.BadParameter(f"{pair!r}: write OURS=THEIRS, such as paid=total", param_hint="--map")
        if ours in mapping:
            raise click.BadParameter(f"{ours} is given twice", param_hint="--map")
        mapping[ours] = theirs
    return mapping


def _told(outcome: Any, as_json: bool) -> None:
    """Bad rows on standard error, the result on standard output."""
    for problem in outcome.problems:
        click.echo(str(problem), err=True)
    if as_json:
        click.echo(json.dumps(outcome.as_json(), ensure_ascii=False))
        return
    if outcome.ignored_columns:
        click.echo(f"ignored columns: {', '.join(outcome.ignored_columns)}", err=True)
    if outcome.kept_withdrawn:
        click.echo(f"{outcome.kept_withdrawn} consents stay withdrawn: they were withdrawn since", err=True)
    if outcome.phones_taken:
        click.echo(
            f"phones left out, since others have come to hold them: members {', '.join(outcome.phones_taken)}",
            err=True,
        )
    if not outcome.applied:
        click.echo(
            f"Nothing was applied: {outcome.refused} of the rows are bad. Correct them, or leave them out with --skip-bad.",
            err=True,
        )
        return
    lines = f", {outcome.lines_written} lines written" if outcome.lines_read else ""
    click.echo(
        f"{outcome.read} {outcome.kind} read: {outcome.created} created, {outcome.updated} updated, "
        f"{outcome.unchanged} unchanged, {outcome.refused} rows refused{lines}; {outcome.seconds:.1f} s"
    )
