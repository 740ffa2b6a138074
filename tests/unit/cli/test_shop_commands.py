"""Commands of a shop that runs alone: its service, its doctor, forgotten passwords, a database of another version."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.support import databases, seed
from tests.support.databases import Run
from webapp.cli import main as cli
from webapp.kernel.db import Database
from webapp.staff import queries

Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Path:
    """A shop's folder with the sample brand in it."""
    folder = tmp_path / "shop"
    folder.mkdir(mode=0o700)
    shutil.copyfile(databases.sqlite_template(run, "seeded", seeded=True), folder / "regulars.db")
    monkeypatch.setenv("REGULARS_INSTANCE", str(folder))
    return folder


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Run `regulars ...` here: exit code, standard output, standard error."""

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ending:
            cli.main(list(words))
        said = capsys.readouterr()
        return int(ending.value.code or 0), said.out, said.err

    return call


def move(instance: Path, revision: str) -> None:
    """The database says that it is of this revision."""
    engine = create_engine(f"sqlite:///{instance / 'regulars.db'}")
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = :r"), {"r": revision})
    engine.dispose()


def test_a_newer_database_is_refused_by_every_command_with_one_sentence(instance: Path, told: Told) -> None:
    move(instance, "9999")
    before = (instance / "regulars.db").read_bytes()
    for words in (
        ("db", "upgrade"),
        ("staff", "reset", "a@b.example"),
        ("lifecycle", "run", "--brand", "acme"),
    ):
        code, _out, err = told(*words)
        assert code == 2 and "made by a newer version (revision 9999" in err, words
    up = subprocess.run(
        [sys.executable, "-m", "webapp.cli.main", "up"], capture_output=True, text=True, timeout=120
    )
    assert up.returncode == 2 and "made by a newer version" in up.stderr and "Traceback" not in up.stderr
    served = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[3],
    )
    assert served.returncode == 3 and served.stderr.count("\n") == 1 and "newer version" in served.stderr
    code, out, _err = told("doctor", "--json")
    assert code == 1
    assert [f["level"] for f in json.loads(out)["findings"] if f["name"] == "database"] == ["bad"]
    assert (instance / "regulars.db").read_bytes() == before


def test_an_older_database_is_named_by_commands(instance: Path, told: Told) -> None:
    move(instance, "0001")
    code, _out, err = told("staff", "reset", "owner@acme.example")
    assert code == 2 and "older than this program (core)" in err


def test_a_forgotten_password_is_a_one_time_link(instance: Path, told: Told) -> None:
    (instance / "run").mkdir()
    (instance / "run" / "address").write_text("http://127.0.0.1:8055")
    code, out, _err = told("staff", "reset", "Owner@Acme.example")
    found = re.search(r"http://127\.0\.0\.1:8055/welcome/(\S+)", out)
    assert code == 0 and found
    db: Database = seed.database(f"sqlite:///{instance / 'regulars.db'}")
    with db.read() as scope:
        opened = queries.open_link(scope, found[1])
        assert opened is not None and opened[1].email == "owner@acme.example"
    db.close()
    assert told("staff", "reset", "nobody@acme.example")[0] == 2
    code, _out, err = told("staff", "first")
    assert code == 2 and "has an owner" in err


def test_the_doctor_says_what_is_wrong_and_how_to_mend_it(instance: Path, told: Told) -> None:
    code, out, _err = told("doctor")
    assert (
        code == 0
        and "ok   database:" in out
        and "WARN address:" in out
        and "WARN shop: it is not running" in out
    )
    (instance / "secret.key").chmod(0o644)
    code, out, _err = told("doctor", "--json")
    findings = {one["name"]: one for one in json.loads(out)["findings"]}
    assert code == 1 and findings["keys"]["level"] == "bad" and "chmod 600" in findings["keys"]["mend"]
    assert findings["mail of acme"]["level"] == "warn"


def test_the_doctor_of_a_shop_that_is_not_there_and_of_one_that_cannot_be(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_INSTANCE", str(tmp_path / "none"))
    code, out, _err = told("doctor")
    assert code == 1 and "BAD  folder" in out and not (tmp_path / "none").exists()
    monkeypatch.setenv("REGULARS_PROXIES", "many")
    code, out, _err = told("doctor")
    assert code == 1 and "BAD  settings: REGULARS_PROXIES" in out


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told) -> str:
    monkeypatch.setenv("REGULARS_INSTANCE", str(tmp_path / "a 100% shop"))
    monkeypatch.setenv("REGULARS_PUBLIC_URL", "https://shop.example")
    monkeypatch.setenv("REGULARS_DATABASE_URL", "postgresql://me:secret@db/shop")
    code, out, _err = told("service", "install", "--user", "--dry-run", "--port", "8077")
    assert code == 0 and not (tmp_path / "a 100% shop").exists()  # nothing was changed
    return out


def test_a_unit_holds_what_the_shop_needs_and_no_secret(unit: str, tmp_path: Path) -> None:
    assert "WantedBy=default.target" in unit and "Restart=always" in unit
    assert f'Environment="REGULARS_INSTANCE={tmp_path}/a 100%% shop"' in unit
    assert "Environment=REGULARS_PUBLIC_URL=https://shop.example" in unit
    assert "secret" not in unit and "service.env" in unit


def test_systemd_takes_the_unit(unit: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        return  # what it says is tested above; this machine has nobody to read it
    file = tmp_path / "regulars.service"
    file.write_text(unit)
    seen = subprocess.run(
        [program, "verify", "--user", "--man=no", str(file)],
        capture_output=True, text=True, env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    assert seen.returncode == 0 and str(file) not in seen.stderr, seen.stderr


def test_the_units_line_runs_this_program(unit: str, tmp_path: Path) -> None:
    line = re.search(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    assert line
    words = shlex.split(line[1].replace("%%", "%"))
    assert words[-6:] == ["--host", "127.0.0.1", "--port", "8077", "--workers", "1"]
    said = subprocess.run([*words, "--help"], capture_output=True, text=True, cwd=tmp_path)
    assert said.returncode == 0 and "Run the shop" in said.stdout
