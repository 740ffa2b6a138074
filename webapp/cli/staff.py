"""`regulars staff`: people who work here, and their sign-ins."""

from __future__ import annotations

import sys

import click

from webapp.cli import context
from webapp.kernel.errors import Refused, UserError
from webapp.kernel.scope import Scope
from webapp.staff import service
from webapp.staff.permissions import ROLES


@click.group()
def staff() -> None:
    """People who work here, and their sign-ins."""


@staff.command()
@click.argument("email")
@click.option("--brand", "code", required=True, help="The brand's code.")
@click.option("--role", required=True, type=click.Choice(list(ROLES)))
@click.option("--name", default="", help="What colleagues call them.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of making a link."
)
def new(email: str, code: str, role: str, name: str, password_stdin: bool) -> None:
    """Let EMAIL in; print a one-time link at which they choose a password."""
    db = context.database()
    brand = context.brand(db, code)
    hashed = service.hash_password(sys.stdin.readline().rstrip("\n")) if password_stdin else None
    if isinstance(hashed, Refused):
        raise UserError(f"password: use {service.MIN_PASSWORD} to {service.MAX_PASSWORD} characters")

    def work(scope: Scope) -> str | None:
        person = service.let_in(scope, email=email, role=role, name=name)
        if hashed is not None:
            service.set_password(scope, person, hashed)
            return None
        return service.new_link(scope, person.id)

    token = db.write(work, brand=brand)
    click.echo(f"{service.clean_email(email)} is {role} of {brand.code}")
    if token:
        address = (
            context.settings().public_url or "http://127.0.0.1:8040"
        )  # where `regulars up` listens by default
        click.echo(f"one-time link, good for {service.LINK_LIVES.days} days: {address}/welcome/{token}")
