"""The `regulars` command: quick help, plain sentences."""

import subprocess
import sys
import types
from pathlib import Path

import click
import pytest

from webapp.cli import main as cli
from webapp.kernel.errors import UserError


def test_help_lists_every_command_and_imports_none_of_the_shop() -> None:
    asked = "from webapp.cli.main import main\nimport sys\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    said = subprocess.run(
        [sys.executable, "-c", asked + "print(sorted({'flask', 'sqlalchemy', 'rq'} & set(sys.modules)))"],
        capture_output=True,
        text=True,
    ).stdout
    assert all(f"\n  {name}" in said for name in cli.COMMANDS)
    assert said.endswith("[]\n")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def up() -> None:
        raise UserError("The port is taken.")

    module = types.ModuleType("webapp_test_command")
    module.up = up  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "webapp_test_command", module)
    monkeypatch.setitem(cli.COMMANDS, "up", ("webapp_test_command:up", "Fails."))


@pytest.mark.usefixtures("failing")
def test_what_a_person_can_mend_is_one_sentence_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        cli.main(["up"])
    assert ending.value.code == 2
    assert capsys.readouterr().err == "The port is taken.\n"


def test_an_unknown_command_is_told_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        cli.main(["nothing"])
    assert ending.value.code == 2
    assert "No such command 'nothing'" in capsys.readouterr().err


def test_an_unknown_setting_is_refused_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGULARS_DATABASE", "x")
    with pytest.raises(SystemExit) as ending:
        cli.main(["up"])
    assert ending.value.code == 2
    assert "REGULARS_DATABASE_URL" in capsys.readouterr().err


def test_a_database_that_does_not_answer_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGULARS_INSTANCE", str(tmp_path))
    monkeypatch.setenv("REGULARS_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    for command in (["db", "upgrade"], ["brand", "new", "x", "--name", "X", "--currency", "CNY"]):
        with pytest.raises(SystemExit) as ending:
            cli.main(command)
        assert ending.value.code == 2
        said = capsys.readouterr().err
        assert "The database does not answer: " in said or "Missing option" in said
