"""`regulars coupons`: whether every promise of the coupons holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from webapp.cli import context

if TYPE_CHECKING:
    from webapp.coupons.auditing import Finding


@click.group()
def coupons() -> None:
    """Coupons: whether they are right."""


@coupons.command()
@click.option("--brand", "code", help="The brand's code; without it, every brand.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--planned", is_flag=True, hidden=True, help="Begun by the shop: keep the outcome for Today.")
def audit(code: str | None, as_json: bool, planned: bool) -> int:
    """Look over all coupons: stock, allowances, histories, redemptions, terms, codes. Changes nothing.

    The shop does this by itself every night and tells the owner on Today. Exit 0: all is right; 1: something is not.
    While the shop runs it may be called at any time.
    """
    from webapp.brands import queries as brands
    from webapp.coupons import auditing, nightly

    db = context.database()
    if code is not None:
        refs = [context.brand(db, code)]
    else:
        with db.read() as scope:
            refs = brands.all_refs(scope.session)
    look = nightly.run if planned else auditing.check
    found = {brand.code: look(db, brand) for brand in refs}
    clean = not any(one.broken for findings in found.values() for one in findings)
    if as_json:
        told = {name: [_told(one) for one in findings] for name, findings in found.items()}
        click.echo(json.dumps({"clean": clean, "brands": told}, ensure_ascii=False))
        return 0 if clean else 1
    for name, findings in found.items():
        click.echo(name)
        for one in findings:
            click.echo(f"  {one.promise.key:22}{one.broken:>8,}{_line(one)}")
    if clean:
        click.echo("All is right.")
    else:
        click.echo(
            "Something is not right. Nothing was changed. Keep the newest backups, and show these lines to whoever "
            "looks after the shop.",
        )
    return 0 if clean else 1


def _line(one: Finding) -> str:
    if not one.broken:
        return "  right"
    return f"  {one.promise.says} {one.promise.about} {', '.join(map(str, one.examples))}"


def _told(one: Finding) -> dict[str, Any]:
    return {
        "promise": one.promise.key,
        "broken": one.broken,
        "says": str(one.promise.says),
        "of": one.promise.about,
        "examples": list(one.examples),
    }
