"""What every command needs: settings, the database, a brand by its code."""

from __future__ import annotations

from sqlalchemy import inspect

from webapp import config
from webapp.brands import queries as brands
from webapp.kernel.db import Database
from webapp.kernel.errors import UserError
from webapp.kernel.scope import BrandRef


def settings() -> config.Settings:
    """The instance's settings; its folder is made."""
    found = config.load()
    found.instance.mkdir(parents=True, exist_ok=True)
    return found


def database(found: config.Settings | None = None) -> Database:
    """The instance's database, secrets and plugins ready. Raises UserError where the tables are missing."""
    from webapp.app import create_database
    from webapp.plugin_runtime import context, runtime

    found = found or settings()
    db = create_database(found)
    if not inspect(db.engine).has_table("brand"):
        raise UserError("this shop's database has no tables yet: run `regulars db upgrade` first")
    context.use_secrets_of(found.instance)
    runtime.load_all(found.instance / "plugins")
    return db


def brand(db: Database, code: str) -> BrandRef:
    """The brand of a code. Raises UserError naming those that exist."""
    with db.read() as scope:
        found = brands.by_code(scope.session, code)
        known = [one.code for one in brands.all_refs(scope.session)]
    if found is None:
        raise UserError(
            f"there is no brand {code!r}; there {'are ' + ', '.join(known) if known else 'is none yet: regulars brand new'}"
        )
    return found
