"""Migrations on both databases: from nothing to the models, plugins apart, and nothing lost on the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from tests.support import databases
from tools import revision
from webapp.kernel import migrate
from webapp.kernel.migrate import Branch

REVISION = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = {revision!r}, {down!r}, None, None
def upgrade():
{body}
"""


def write(folder: Path, revision: str, body: str, down: str | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    indented = "\n".join("    " + line for line in body.splitlines())
    (folder / f"{revision}.py").write_text(REVISION.format(revision=revision, down=down, body=indented))


def plugin(tmp_path: Path, name: str, body: str) -> Branch:
    branch = Branch(name, tmp_path / name / "migrations")
    write(branch.folder, "0001", body)
    return branch


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_from_nothing_to_what_the_models_say(empty_url: str) -> None:
    assert migrate.pending(empty_url) == [migrate.core()]
    assert migrate.upgrade(empty_url) == [f"core {migrate.head(migrate.core())}"]
    assert migrate.pending(empty_url) == []
    assert migrate.differences(empty_url, migrate.core(), revision.core_metadata()) == []


def test_a_difference_would_be_seen(migrated_url: str) -> None:
    engine = create_engine(migrated_url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE store ADD COLUMN stray INTEGER"))
    engine.dispose()
    found = migrate.differences(migrated_url, migrate.core(), revision.core_metadata())
    assert [(change[0], change[3].name) for change in found] == [("remove_column", "stray")]


def test_upgrading_again_does_nothing(migrated_url: str) -> None:
    before = tables(migrated_url)
    assert migrate.upgrade(migrated_url) == []
    assert tables(migrated_url) == before


def test_two_that_upgrade_at_once_both_end_well(empty_url: str) -> None:
    """Two machines started together: one migrates, the other finds it done."""
    command = [
        sys.executable,
        "-c",
        "import sys; from webapp.kernel import migrate; migrate.upgrade(sys.argv[1])",
        empty_url,
    ]
    both = [subprocess.Popen(command, cwd=revision.ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert migrate.pending(empty_url) == []


def test_plugins_are_counted_apart(migrated_url: str, tmp_path: Path) -> None:
    """A plugin whose folder is gone leaves the core and the others able to upgrade."""
    one = plugin(
        tmp_path, "one", 'op.create_table("plg_one_thing", sa.Column("id", sa.Integer(), primary_key=True))'
    )
    two = plugin(
        tmp_path, "two", 'op.create_table("plg_two_thing", sa.Column("id", sa.Integer(), primary_key=True))'
    )
    assert migrate.upgrade(migrated_url, [one]) == ["one 0001"]
    assert {"plg_one_thing", "alembic_version_one"} <= tables(migrated_url)
    assert migrate.upgrade(migrated_url, [two]) == ["two 0001"]  # `one` is gone
    assert migrate.pending(migrated_url, [one, two]) == []
    assert migrate.differences(migrated_url, migrate.core(), revision.core_metadata()) == []


def test_a_revision_is_all_or_nothing(migrated_url: str, tmp_path: Path) -> None:
    """Also on SQLite, where many tools run DDL outside the transaction."""
    body = 'op.create_table("plg_bad_thing", sa.Column("id", sa.Integer(), primary_key=True))\nop.execute("SELECT nonsense")'
    bad = plugin(tmp_path, "bad", body)
    with pytest.raises(Exception, match="nonsense"):
        migrate.upgrade(migrated_url, [bad])
    assert "plg_bad_thing" not in tables(migrated_url)
    assert migrate.current(migrated_url, bad) is None


def test_altering_a_table_loses_no_row_that_points_to_it(migrated_url: str, tmp_path: Path) -> None:
    """SQLite alters by copying: with foreign keys on, dropping the old copy would delete the rows that point to it."""
    child = plugin(
        tmp_path,
        "copy",
        'op.create_table("plg_copy_parent", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("a", sa.Integer()))\n'
        'op.create_table("plg_copy_child", sa.Column("id", sa.Integer(), primary_key=True),\n'
        '    sa.Column("parent", sa.Integer(), sa.ForeignKey("plg_copy_parent.id", ondelete="CASCADE"), nullable=False))\n'
        'op.execute("INSERT INTO plg_copy_parent VALUES (1, 2)")\nop.execute("INSERT INTO plg_copy_child VALUES (1, 1)")',
    )
    migrate.upgrade(migrated_url, [child])
    write(
        child.folder,
        "0002",
        'with op.batch_alter_table("plg_copy_parent") as t:\n    t.drop_column("a")',
        down="0001",
    )
    assert migrate.upgrade(migrated_url, [child]) == ["copy 0002"]
    engine = create_engine(migrated_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM plg_copy_child")).scalar_one() == 1
    engine.dispose()


def test_a_revision_that_leaves_loose_ends_is_refused(migrated_url: str, tmp_path: Path) -> None:
    loose = plugin(
        tmp_path,
        "loose",
        'op.create_table("plg_loose_parent", sa.Column("id", sa.Integer(), primary_key=True))\n'
        'op.create_table("plg_loose_child", sa.Column("id", sa.Integer(), primary_key=True),\n'
        '    sa.Column("parent", sa.Integer(), sa.ForeignKey("plg_loose_parent.id"), nullable=False))\n'
        'op.execute("INSERT INTO plg_loose_child VALUES (1, 99)")',
    )
    with pytest.raises(Exception, match=r"point nowhere|foreign key"):
        migrate.upgrade(migrated_url, [loose])
    assert migrate.current(migrated_url, loose) is None


@pytest.mark.postgres
def test_a_migration_gives_up_waiting_for_a_lock(
    run: databases.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that waits would make every later query wait behind it: it steps back and tries again."""
    monkeypatch.setattr(migrate, "LOCK_WAIT", "200ms")
    monkeypatch.setattr(migrate, "ATTEMPTS", 2)
    with databases.clone("postgresql", run, tmp_path, seeded=False) as url:
        branch = plugin(
            tmp_path,
            "lock",
            'op.create_table("plg_lock_thing", sa.Column("id", sa.Integer(), primary_key=True))',
        )
        migrate.upgrade(url, [branch])
        write(
            branch.folder,
            "0002",
            'op.add_column("plg_lock_thing", sa.Column("a", sa.Integer()))',
            down="0001",
        )
        engine = create_engine(url)
        with engine.connect() as holder:
            holder.execute(text("SELECT * FROM plg_lock_thing"))  # an open transaction that reads
            with pytest.raises(Exception, match="lock timeout"):
                migrate.upgrade(url, [branch])
        engine.dispose()
        assert migrate.upgrade(url, [branch]) == ["lock 0002"]


def test_the_newest_core_revision_is_the_one_that_make_migration_writes() -> None:
    newest = sorted(migrate.core().folder.glob("*.py"))[-1]
    assert newest.stem == revision.NEWEST[0]
    assert migrate.head(migrate.core()) == newest.name[:4]
