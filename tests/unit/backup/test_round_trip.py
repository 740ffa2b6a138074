"""A shop in one file and back, on both databases; and files and places that are not what they should be."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from tests.factories.members import make_members
from tests.factories.orders import make_order
from tests.support import databases, seed
from tests.support.databases import OTHER_IN_DRILL
from tests.support.web import settings
from webapp.backup import archive, folder, make, postgres, restore
from webapp.backup.archive import BackupError
from webapp.config import Settings
from webapp.kernel.scope import Scope
from webapp.kernel.secrets import SecretBox
from webapp.supervisor import lock


@dataclass(frozen=True, slots=True)
class Place:
    """A shop's place, and another one that is empty."""

    here: Settings
    there: Settings


@pytest.fixture
def place(db_kind: str, run: databases.Run, db_url: str, tmp_path: Path) -> Iterator[Place]:
    here = settings(tmp_path / "instance", db_url)
    SecretBox.of(here.instance)
    (here.instance / "plugins" / "own").mkdir(parents=True)
    (here.instance / "plugins" / "own" / "plugin.toml").write_text("# 自己的\n", encoding="utf-8")
    (here.instance / "logo.png").write_bytes(bytes(range(256)) * 100)
    for running in ("run", "staged", "backups", "replaced-20260101-000000"):
        (here.instance / running).mkdir()
        (here.instance / running / "left").write_text("of this moment")
    db = seed.database(db_url)

    def fill(scope: Scope) -> None:
        for n, member in enumerate(make_members(scope, 20)):
            member.name = f"老顾客\t{n}\\n" + "\n'\"\\"
            make_order(scope, member, date(2026, 1, 1 + n))

    db.write(fill, brand=seed.brand(db))
    db.close()
    other = tmp_path / "other"
    other.mkdir()
    with databases.empty(db_kind, run, other) as url:
        yield Place(here, Settings(other / "instance", url, None, None, False, False))


def dump(url: str) -> dict[str, list[Any]]:
    """Every row of every table as the driver gives it."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.connect() as connection:
        return {
            name: sorted(map(repr, connection.execute(text(f'SELECT * FROM "{name}"'))))
            for name in inspect(connection).get_table_names()
        }


def run_sql(url: str, *statements: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def described(url: str) -> Any:
    with postgres.engine(url).connect() as held:
        return postgres.describe(held.connection.driver_connection)


def test_all_of_it_comes_back_elsewhere(place: Place, db_kind: str, tmp_path: Path) -> None:
    made = make.make(place.here, tmp_path / "shop.backup")
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert (made.manifest.kind, made.manifest.rows["member"]) == (db_kind, 20)
    done = restore.restore(place.there, made.file)
    assert dump(place.there.database_url) == dump(place.here.database_url)
    assert (done.aside, done.held) == ([], 0)
    if db_kind == "postgresql":
        assert described(place.there.database_url) == described(place.here.database_url)
    there = place.there.instance
    assert sorted(p.relative_to(there).as_posix() for p in there.rglob("*") if p.is_file() and p.suffix != ".sqlite3") == [
        "logo.png", "plugins/own/plugin.toml", "secret.key"
    ]  # fmt: skip
    for name in ("logo.png", "plugins/own/plugin.toml", "secret.key"):
        assert (there / name).read_bytes() == (place.here.instance / name).read_bytes()
    assert stat.S_IMODE((there / "secret.key").stat().st_mode) == 0o600
    db = seed.database(place.there.database_url)  # it goes on working, with ids that nobody has
    db.write(lambda scope: make_members(scope, 1, first=900), brand=seed.brand(db))
    db.close()


def test_a_place_with_a_shop_is_refused_and_with_replace_kept_aside(
    place: Place, db_kind: str, tmp_path: Path
) -> None:
    made = make.make(place.here, tmp_path / "shop.backup")
    run_sql(place.here.database_url, "UPDATE member SET name = 'later'")
    (place.here.instance / "secret.key").write_bytes(b"another")
    before = dump(place.here.database_url)
    with pytest.raises(BackupError, match="There is a shop already"):
        restore.restore(place.here, made.file)
    assert dump(place.here.database_url) == before
    done = restore.restore(place.here, made.file, replace=True)
    assert "later" not in str(dump(place.here.database_url)["member"])
    aside = Path(done.aside[0])
    assert (aside / "secret.key").read_bytes() == b"another"
    assert (place.here.instance / "secret.key").read_bytes() != b"another"
    if db_kind == "sqlite":
        assert dump(f"sqlite:///{done.aside[1]}") == before
    else:
        schema = done.aside[-1].rpartition(" ")[2]
        engine = create_engine(
            place.here.database_url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool
        )
        with engine.connect() as connection:
            assert connection.execute(text(f"SELECT DISTINCT name FROM {schema}.member")).all() == [
                ("later",)
            ]
    assert (place.here.instance / "backups" / "left").exists()
    assert make.make(place.here, tmp_path / "again.backup").manifest.rows == made.manifest.rows


def test_a_shop_that_runs_is_not_restored_into(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from webapp.cli.main import main

    make.make(place.here, tmp_path / "shop.backup")
    monkeypatch.setenv("REGULARS_INSTANCE", str(place.here.instance))
    monkeypatch.setenv("REGULARS_DATABASE_URL", place.here.database_url)
    with lock.held(place.here.instance), pytest.raises(SystemExit) as ended:
        main(["restore", str(tmp_path / "shop.backup"), "--replace"])
    assert ended.value.code == 2
    assert "already running" in capsys.readouterr().err


@OTHER_IN_DRILL
def test_what_was_under_way_is_held(place: Place, tmp_path: Path) -> None:
    """The copy does not know what was sent after it: nothing goes out before a person says so."""
    db = seed.database(place.here.database_url)
    brand = seed.brand(db)
    for n, state in enumerate(("sending", "laying", "done")):
        run_sql(
            place.here.database_url,
            "INSERT INTO campaign (" + ", ".join(_campaign(brand.id, 70 + n, state)) + ") VALUES ("
            + ", ".join(_campaign(brand.id, 70 + n, state).values()) + ")",
        )  # fmt: skip
    run_sql(
        place.here.database_url,
        "INSERT INTO backup_run (id, planned, started_at, finished_at, file, size, error, gone) "
        "VALUES (5, true, '2026-01-01', '2026-01-01', '/of/the/old/shop', 1, '', false)",
    )
    db.close()
    done = restore.restore(place.there, make.make(place.here, tmp_path / "shop.backup").file)
    assert done.held == 2
    engine = create_engine(
        place.there.database_url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool
    )
    with engine.connect() as connection:
        states = connection.execute(text("SELECT state FROM campaign ORDER BY id")).scalars().all()
        assert states == ["paused", "cancelled", "done"]
        assert connection.execute(text("SELECT count(*) FROM backup_run")).scalar_one() == 0


def _campaign(brand_id: int, id_: int, state: str) -> dict[str, str]:
    """A row as SQL, whatever columns the table has: each one that needs a value gets one."""
    from webapp.campaigns.models import Campaign

    given = {"brand_id": str(brand_id), "id": str(id_), "state": f"'{state}'"}
    for column in Campaign.__table__.columns:
        if column.name not in given and not column.nullable and column.server_default is None:
            kind = str(column.type).upper()
            empty = "'2026-01-01'" if "DATE" in kind or "TIME" in kind else "false" if "BOOL" in kind else "'{}'" if "JSON" in kind else "''" if "CHAR" in kind or "TEXT" in kind else "0"  # fmt: skip
            given[column.name] = empty
    return given


# ------------------------------------------------------------------------------------------------- files that are not sound


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A sound file of a small SQLite shop."""
    from tests.ground import RUN

    where = tmp_path_factory.mktemp("good")
    database = where / "regulars.db"
    shutil.copyfile(databases.sqlite_template(request.config.stash[RUN], "seeded", seeded=True), database)
    here = settings(where / "instance", f"sqlite:///{database}")
    SecretBox.of(here.instance)
    return make.make(here, where / "good.backup").file


@pytest.fixture
def empty_place(tmp_path: Path) -> Iterator[Settings]:
    """A place that is still empty afterwards."""
    instance = tmp_path / "empty"
    yield Settings(instance, f"sqlite:///{instance / 'regulars.db'}", None, None, False, False)
    assert not instance.exists() or not [p for p in instance.rglob("*") if p.is_file()]


def refused(place: Settings, file: Path, match: str) -> None:
    for attempt in (restore.check, restore.restore):
        with pytest.raises(BackupError, match=match) as said:
            attempt(place, file)
        assert "\n" not in str(said.value)


def test_a_file_of_somebody_else(tmp_path: Path, empty_place: Settings) -> None:
    strange = tmp_path / "strange"
    for content in (b"", b"hello", os.urandom(5000)):
        strange.write_bytes(content)
        refused(empty_place, strange, "is no backup of Regulars")
    with zipfile.ZipFile(strange, "w") as other:
        other.writestr("manifest.json", "{}")
    refused(empty_place, strange, "is no backup of Regulars")
    refused(empty_place, tmp_path / "nothing", "There is no file")
    refused(empty_place, tmp_path, "cannot be read")


def test_a_file_that_was_cut_off(good: Path, tmp_path: Path, empty_place: Settings) -> None:
    whole, cut = good.read_bytes(), tmp_path / "cut"
    for length in (100, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        cut.write_bytes(whole[:length])
        refused(empty_place, cut, "is cut off")


@pytest.mark.parametrize("tries", [12, pytest.param(60, marks=pytest.mark.drill)])
def test_a_file_with_a_wrong_byte_anywhere(
    good: Path, tmp_path: Path, empty_place: Settings, tries: int
) -> None:
    """It is refused, or (a byte that means nothing, such as a moment in the zip's directory) comes back as it was."""
    whole, wrong, dice = good.read_bytes(), tmp_path / "wrong", random.Random(3)
    said = 0
    end, step = len(whole), 420 // tries
    places = [*range(end - 400, end, step), *(dice.randrange(60, end) for _ in range(tries))]
    for at in places:
        data = bytearray(whole)
        data[at] ^= 1 << dice.randrange(8)
        wrong.write_bytes(data)
        try:
            manifest = restore.check(empty_place, wrong)
        except BackupError as why:
            said += 1
            assert "damaged" in str(why) or "cut off" in str(why), why
        else:
            assert manifest == restore.check(empty_place, good)
    assert said > len(places) / 2


def rewritten(good: Path, target: Path, change: Any) -> Path:
    """The same entries, and a manifest that `change` has had in its hands."""
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename == archive.MANIFEST:
                said = json.loads(data)
                change(said)
                data = json.dumps(said).encode()
            new.writestr(info.filename, data, zipfile.ZIP_STORED)
    return target


def test_a_file_of_a_newer_program(good: Path, tmp_path: Path, empty_place: Settings) -> None:
    later = rewritten(good, tmp_path / "later", lambda said: said.update(format=2, version="9.9"))
    refused(empty_place, later, "made by a newer Regulars .9.9")
    later = rewritten(good, tmp_path / "tables", lambda said: said["revisions"].update({"": "9999"}))
    refused(empty_place, later, "made by a newer Regulars .*tables 9999")


def test_a_file_whose_rows_are_not_those_it_promises(
    good: Path, tmp_path: Path, empty_place: Settings
) -> None:
    fewer = rewritten(good, tmp_path / "fewer", lambda said: said["rows"].update(store=7))
    with pytest.raises(BackupError, match="store has 2 rows, the manifest says 7"):
        restore.restore(empty_place, fewer)


def test_a_file_that_would_write_elsewhere(good: Path, tmp_path: Path, empty_place: Settings) -> None:
    bad = tmp_path / "bad"
    rewritten(good, bad, lambda said: said["entries"].update({"files/../../x": [1, "y"]}))
    with zipfile.ZipFile(bad, "a") as more:
        more.writestr("files/../../x", "z")
    refused(empty_place, bad, "damaged")


def test_a_file_of_the_other_kind_of_database(good: Path, tmp_path: Path) -> None:
    there = Settings(tmp_path / "pg", "postgresql://nobody@/nothing?host=/nowhere", None, None, False, False)
    with pytest.raises(BackupError, match=r"holds a shop on SQLite .* this place is for PostgreSQL"):
        restore.restore(there, good)


def test_a_row_that_points_nowhere_is_found(tmp_path: Path, good: Path, empty_place: Settings) -> None:
    """The file is as it was written, and what was written was not sound."""
    with zipfile.ZipFile(good) as old:
        (tmp_path / "one.db").write_bytes(old.read("database/regulars.sqlite"))
    connection = sqlite3.connect(tmp_path / "one.db")
    connection.execute("UPDATE store SET brand_id = 77 WHERE id = (SELECT min(id) FROM store)")
    connection.commit()
    connection.close()
    here = settings(tmp_path / "instance", f"sqlite:///{tmp_path / 'one.db'}")
    made = make.make(here, tmp_path / "loose.backup")
    with pytest.raises(BackupError, match="a row of store points to a brand that is not there"):
        restore.restore(empty_place, made.file)


# -------------------------------------------------------------------------------------------------------- where it is made


def test_nothing_half_is_left(tmp_path: Path, good: Path) -> None:
    nothing = settings(tmp_path / "none", f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(BackupError, match="There is no shop"):
        make.make(nothing, tmp_path / "new.backup")
    with pytest.raises(BackupError, match="is there already"):
        make.make(nothing, good)
    assert not list(tmp_path.glob("*.backup*")) and not list(tmp_path.glob(".*part*"))


@OTHER_IN_DRILL
def test_one_at_a_time(place: Place, tmp_path: Path) -> None:
    with make._alone(place.here.instance), pytest.raises(BackupError, match="just now"):
        make.make(place.here, tmp_path / "second.backup")


def test_the_database_is_never_taken_as_a_file(tmp_path: Path) -> None:
    instance = tmp_path / "shop"
    instance.mkdir()
    for name in ("regulars.db", "regulars.db-wal", "regulars.db-shm", "secret.key", "old.backup"):
        (instance / name).touch()
    assert list(folder.kept(instance, f"sqlite:///{instance / 'regulars.db'}")) == ["secret.key"]
