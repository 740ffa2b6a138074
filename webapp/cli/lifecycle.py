"""`regulars lifecycle`: members' stages, run by hand or counted as of any day."""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from typing import TYPE_CHECKING, TextIO

import click

from webapp.cli import context
from webapp.kernel.errors import Refused, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from webapp.kernel.db import Database
    from webapp.kernel.scope import BrandRef
    from webapp.lifecycle.counting import Counts
    from webapp.plugin_api import Decision

WHY = {
    "no_policy": "no life-cycle policy is switched on for this brand: switch one on under More -> Plugins",
    "plugin_failed": "the plugin {plugin} could not decide ({error}): see the log; no stage was changed by it",
}


@click.group()
def lifecycle() -> None:
    """Members' stages: run the engine, or count as of any day."""


@lifecycle.command()
@click.option("--brand", "code", required=True, help="The brand's code.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(code: str, as_json: bool) -> int:
    """Look at every member whose facts changed or whose day has come, and write their stages.

    The shop does this by itself after each midnight; by hand it does no harm, and may be stopped and run again.
    """
    from webapp.lifecycle import service

    db = context.database()
    brand = context.brand(db, code)
    began, shown = time.monotonic(), 0.0

    def progress(looked_at: int) -> None:
        nonlocal shown
        if sys.stderr.isatty() and time.monotonic() - shown > 0.3:
            shown = time.monotonic()
            click.echo(f"\r{looked_at:,} looked at", err=True, nl=False)

    result = service.run(db, brand, progress=progress)
    if shown:
        click.echo("\r\033[K", err=True, nl=False)
    if result.error:
        raise UserError(_sentence(Refused(result.error, dict(result.error_facts or {}))))
    seconds = round(time.monotonic() - began, 2)
    told = {
        "day": result.day.isoformat(),
        "looked_at": result.looked_at,
        "changed": result.changed,
        "finished": result.finished,
        "seconds": seconds,
    }
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo(f"{result.day}: {result.looked_at:,} looked at, {result.changed:,} changed, {seconds} s")
    return 0 if result.finished else 130


@lifecycle.command()
@click.option("--brand", "code", required=True, help="The brand's code.")
@click.option("--as-of", "as_of", required=True, metavar="YYYY-MM-DD", help="A past local day, or today.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting to count with, in place of the brand's.",
)
@click.option("--members", "with_members", is_flag=True, help="Tell each member's stage, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def counts(code: str, as_of: str, settings: tuple[str, ...], with_members: bool, as_json: bool) -> None:
    """Count the stages as of a local day, from what is known today about the days before it. Changes nothing.

    Who had not joined before that day does not count. Settings are those of the brand's policy (More, Plugins); a name
    that is none of them is answered with those that can be given.
    """
    db = context.database()
    brand = context.brand(db, code)
    day = _day(as_of)
    given = [_pair(text) for text in settings]
    if as_json:
        _write_json(db, brand, day, given, with_members, sys.stdout)
        return
    each = (lambda number, d: click.echo(f"{number}\t{d.stage}\t{d.reason}")) if with_members else None
    found = _count(db, brand, day, given, each)
    for stage, number in found.stages.items():
        click.echo(f"{stage:13}{number:>10,}")
        for (of, reason), part in sorted(found.reasons.items()):
            if of == stage:
                click.echo(f"  {reason:13}{part:>8,}")
    click.echo(f"{'members':13}{found.members:>10,}")


def _write_json(
    db: Database, brand: BrandRef, day: date, given: list[tuple[str, str]], with_members: bool, out: TextIO
) -> None:
    """One object on one line; members are written as they come, so that no number of them needs much memory."""
    begun = False

    def each(number: str, decision: Decision) -> None:
        nonlocal begun
        out.write(", " if begun else '{"member_stages": {')
        begun = True
        told = {"stage": decision.stage, "reason": decision.reason}
        out.write(f"{json.dumps(number, ensure_ascii=False)}: {json.dumps(told)}")

    found = _count(db, brand, day, given, each if with_members else None)
    rest = json.dumps(
        {
            "brand": brand.code,
            "as_of": day.isoformat(),
            "stages": found.stages,
            "reasons": {f"{stage}/{reason}": n for (stage, reason), n in sorted(found.reasons.items())},
            "members": found.members,
        },
        ensure_ascii=False,
    )
    if begun:
        out.write("}, " + rest[1:])
    elif with_members:
        out.write('{"member_stages": {}, ' + rest[1:])
    else:
        out.write(rest)
    out.write("\n")
    out.flush()


def _count(db: Database, brand: BrandRef, day: date, given: list[tuple[str, str]], each: Any) -> Counts:
    from webapp.lifecycle import counting

    with db.read(brand=brand) as scope:
        overrides: Mapping[str, Any] = counting.checked(scope, given)
        found = counting.count(scope, day, overrides, each)
    if isinstance(found, Refused):
        raise UserError(_sentence(found))
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as why:
        raise UserError(f"--as-of {text!r} is no day: write it as 2024-06-30") from why


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise UserError(f"--set {text!r}: write it as maturity_orders=4")
    return name.strip(), value


def _sentence(why: Refused) -> str:
    return WHY.get(why.code, why.code).format(**{"plugin": "?", "error": "?"} | dict(why.facts))
