"""`regulars staff`: people who work here, and their sign-ins."""

from __future__ import annotations

import sys

import click

from webapp.cli import context
from webapp.kernel import links
from webapp.kernel.errors import Refused, UserError
from webapp.kernel.scope import Scope
from webapp.settings import first_run
from webapp.staff import factor, queries, service
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
        click.echo(f"one-time link, good for {service.LINK_LIVES.days} days: {links.base()}/welcome/{token}")


@staff.command()
@click.argument("email")
@click.option(
    "--second-factor",
    "factor_only",
    is_flag=True,
    help="Only switch the second factor off: for a phone and recovery codes that are gone.",
)
def reset(email: str, factor_only: bool) -> None:
    """Print a one-time link at which EMAIL chooses a new password.

    The old password and open sessions hold until the link is used. Of several links only the newest works.
    """
    db = context.database()
    if factor_only:
        click.echo(db.write(lambda scope: _clear_factor(scope, email)))
        return

    def work(scope: Scope) -> str | None:
        person = queries.by_email(scope, email)
        if person is None or not person.active:
            return None
        scope.audit("staff.reset", "staff", person.id)
        return service.new_link(scope, person.id)

    token = db.write(work)
    if token is None:
        raise UserError(f"nobody with the address {email} works here")
    click.echo(f"one-time link, good for {service.LINK_LIVES.days} days: {links.base()}/welcome/{token}")


def _clear_factor(scope: Scope, email: str) -> str:
    person = queries.by_email(scope, email)
    if person is None:
        raise UserError(f"nobody with the address {email} works here")
    if not factor.clear(scope, person.id):
        return f"{person.email} has no second factor"
    return f"{person.email} signs in with the password alone from now on"


@staff.command()
def first() -> None:
    """Print a one-time link for the shop's first owner, while there is none. `regulars up` prints one, too."""
    token = context.database().write(first_run.new_link)
    if token is None:
        raise UserError(
            "this shop has an owner: `regulars staff reset EMAIL` makes a link for a new password"
        )
    click.echo(f"one-time link, good for {first_run.LIVES.days} days: {links.base()}/start/{token}")
