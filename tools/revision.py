"""Write a branch's newest revision anew: what its models have that the database before it has not.

    python tools/revision.py                    # the core: migrations/versions/<NEWEST>.py
    python tools/revision.py --plugin NAME      # plugins/NAME/migrations/0001_first.py

The newest revision may be written anew until it is released or somebody's shop runs it; after that NEWEST is raised. What
stands between the file's two marks is written by hand and is kept. What is written means the same on SQLite and PostgreSQL
and names no type of ours, so that a later change of the types' code cannot change what an old revision does.
"""

import argparse
import importlib
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON, MetaData, create_engine
from sqlalchemy.pool import NullPool

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import webapp  # noqa: E402  (the checkout first)
from webapp.kernel import migrate  # noqa: E402
from webapp.kernel.migrate import PLUGIN_PREFIX, Branch  # noqa: E402
from webapp.kernel.model import Base  # noqa: E402
from webapp.kernel.types import UtcDateTime  # noqa: E402

NEWEST = ("0005_told", "What members are told of what they took part in.")

HEAD = '''"""{title}

Written from the models by tools/revision.py, but for what stands between the marks.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "{revision}"
down_revision = {down}
branch_labels = None
depends_on = None


def upgrade() -> None:
'''
MARKS = ("    # -- by hand", "    # -- as written")


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
    metadata: MetaData = module.METADATA
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


def upgrade_body(branch: Branch, metadata: MetaData, revision: str) -> str:
    """The Python code that brings the database before `revision` to the models, indented once."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/before.db"
        before = Branch(branch.plugin, Path(folder) / "versions")
        before.folder.mkdir()
        for file in branch.folder.glob("*.py"):
            if file.name < revision:
                shutil.copy(file, before.folder)
        migrate._run(url, before)
        engine = create_engine(url, poolclass=NullPool)
        options = {
            "target_metadata": metadata,
            "version_table": branch.version_table,
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, _parents: kind != "table" or branch.owns(name),
            "render_as_batch": True,
        }
        with engine.connect() as connection:
            script = produce_migrations(MigrationContext.configure(connection, opts=options), metadata)
        assert script.upgrade_ops is not None
        return render_python_code(script.upgrade_ops, render_as_batch=True, render_item=render_item)


def by_hand(file: Path) -> str:
    """What was written by hand into the revision as it stands."""
    if not file.is_file() or MARKS[0] not in (text := file.read_text(encoding="utf-8")):
        return ""
    return text[text.index(MARKS[0]) : text.index(MARKS[1])]


def write(branch: Branch, name: str, title: str, metadata: MetaData) -> None:
    revision = name[:4]
    older = sorted(path.name for path in branch.folder.glob("*.py") if path.name < revision)
    file = branch.folder / f"{name}.py"
    body = upgrade_body(branch, metadata, revision)
    lines = [line for line in body.splitlines() if not line.strip().startswith("# ###")]
    body = "\n".join(lines).strip()
    down = f'"{older[-1][:4]}"' if older else "None"
    text = HEAD.format(title=title, revision=revision, down=down) + f"    {body}\n"
    text += by_hand(file) or "\n".join(MARKS[:1]) + "\n"
    text += MARKS[1] + "\n"
    if "postgresql." not in body:
        text = text.replace("from sqlalchemy.dialects import postgresql\n", "")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, str(file)], check=True, cwd=ROOT)
    print(f"{file.relative_to(ROOT)} written")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plugin", metavar="NAME")
    name = parser.parse_args().plugin
    if name:
        branch = Branch(name, ROOT / "plugins" / name / "migrations")
        write(branch, "0001_first", f"The first tables of {name}.", plugin_metadata(name))
    else:
        write(migrate.core(), *NEWEST, core_metadata())


if __name__ == "__main__":
    main()
