"""`regulars brand`: brands of this shop."""

from __future__ import annotations

import click

from webapp.brands import service
from webapp.cli import context


@click.group()
def brand() -> None:
    """Brands of this shop."""


@brand.command()
@click.argument("code")
@click.option("--name", required=True, help="What members call it.")
@click.option("--currency", required=True, help="ISO 4217, such as CNY. One a brand.")
@click.option(
    "--timezone", required=True, help="IANA zone in which its days are counted, such as Asia/Shanghai."
)
@click.option("--region", required=True, help="Country in which phones are read, such as CN.")
@click.option(
    "--locale", type=click.Choice(["en", "zh_CN"]), help="Language of what members read. Default: by region."
)
def new(code: str, name: str, currency: str, timezone: str, region: str, locale: str | None) -> None:
    """Make the brand CODE."""
    db = context.database()
    language = locale or ("zh_CN" if region in ("CN", "TW", "HK", "MO") else "en")
    made = db.write(
        lambda scope: service.new_brand(
            scope, code=code, name=name, currency=currency, timezone=timezone, region=region, locale=language
        )
    )
    click.echo(f"brand {made.code}: {made.name}, {made.currency}, {made.timezone}")
