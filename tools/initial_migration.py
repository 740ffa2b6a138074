"""Write a branch's one revision anew from its models. Allowed only until the first release: databases are made afresh.

    python tools/initial_migration.py                    # the core: migrations/versions/0001_first.py
    python tools/initial_migration.py --plugin NAME      # plugins/NAME/migrations/0001_first.py

What is written means the same on SQLite and PostgreSQL and names no type of ours, so that a later change of the types'
code cannot change what an old revision does.
"""

import argparse
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON, MetaData, create_engine

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import webapp  # noqa: E402  (the checkout first)
from webapp.kernel.ids import FIRST, IdBlock  # noqa: E402
from webapp.kernel.migrate import PLUGIN_PREFIX  # noqa: E402
from webapp.kernel.model import Base  # noqa: E402
from webapp.kernel.types import UtcDateTime  # noqa: E402

HEAD = '''"""{title}

Written from the models by tools/initial_migration.py.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
'''


def core_metadata() -> MetaData:
    """All tables of the core: every room's models, and the kernel's modules that have some."""
    for module in pkgutil.walk_packages(webapp.__path__, "webapp."):
        room, _, last = module.name.removeprefix("webapp.").partition(".")
        if room == "kernel" or last == "models" or last.startswith("models_"):
            importlib.import_module(module.name)
    return Base.metadata


def plugin_metadata(name: str) -> MetaData:
    """The tables of a plugin in plugins/, those that begin with its prefix."""
    module = importlib.import_module(f"plugins.{name}.models")
    metadata: MetaData = module.Base.metadata
    own = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        if table.name.startswith(f"{PLUGIN_PREFIX}{name}_"):
            table.to_metadata(own)
    return own


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | bool:
    """Our own types as the plain ones they stand for."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, JSON):
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def upgrade_body(metadata: MetaData) -> str:
    """The Python code that makes all tables, indented once."""
    with create_engine("sqlite://").connect() as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": metadata})
        script = produce_migrations(context, metadata)
        assert script.upgrade_ops is not None
        return render_python_code(script.upgrade_ops, render_as_batch=False, render_item=render_item)


def write(file: Path, title: str, metadata: MetaData) -> None:
    body = upgrade_body(metadata)
    body = "\n".join(line for line in body.splitlines() if not line.strip().startswith("# ###"))
    text = HEAD.format(title=title) + "    " + body.strip() + "\n"
    if "postgresql." not in body:
        text = text.replace("from sqlalchemy.dialects import postgresql\n", "")
    if IdBlock.__tablename__ in metadata.tables:
        text += f"    op.execute(\"INSERT INTO id_block (name, next) VALUES ('id', {FIRST})\")\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, str(file)], check=True, cwd=ROOT)
    print(f"{file.relative_to(ROOT)}: {len(metadata.tables)} tables")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plugin", metavar="NAME")
    name = parser.parse_args().plugin
    if name:
        write(
            ROOT / "plugins" / name / "migrations" / "0001_first.py",
            f"The first tables of {name}.",
            plugin_metadata(name),
        )
    else:
        write(ROOT / "migrations" / "versions" / "0001_first.py", "The first schema.", core_metadata())


if __name__ == "__main__":
    main()
