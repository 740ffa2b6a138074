"""What every command needs: settings, the database, a brand by its code."""

from __future__ import annotations

from webapp import config
from webapp.brands import queries as brands
from webapp.kernel import links, migrate
from webapp.kernel.db import Database
from webapp.kernel.errors import UserError
from webapp.kernel.scope import BrandRef

WHERE = "address"  # file in the instance's run folder


def settings() -> config.Settings:
    """The instance's settings; its folder is made."""
    found = config.load()
    found.instance.mkdir(parents=True, exist_ok=True)
    return found


def database(found: config.Settings | None = None) -> Database:
    """The instance's database, secrets and plugins ready. Raises UserError where its tables are not this program's."""
    from webapp.app import create_database
    from webapp.plugin_runtime import context, runtime

    found = found or settings()
    plugins = runtime.load_all(found.instance / "plugins")
    migrate.require_current(found.database_url, runtime.branches(plugins))
    context.use_secrets_of(found.instance)
    db = create_database(found)
    links.use(found.public_url)
    links.watch(db)
    links.fall_back(where(found))
    return db


def where(found: config.Settings) -> str:
    """Where `regulars up` of this instance listens, or did last; where it would by default."""
    try:
        return (found.instance / "run" / WHERE).read_text().strip()
    except OSError:
        return "http://127.0.0.1:8040"


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
