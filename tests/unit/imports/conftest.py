"""A shop at the shell: files that a test writes, and the commands that read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from webapp.brands import queries as brands
from webapp.cli import context
from webapp.cli import main as cli
from webapp.imports import apply
from webapp.kernel import clock
from webapp.kernel.db import Database

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 1, 0, 30, tzinfo=ZONE)  # in UTC it is still February


@dataclass(slots=True)
class Said:
    """How a command ended: exit code, the JSON of its last line (empty without), what stood on standard error."""

    code: int
    told: dict[str, Any]
    errors: list[str]

    @property
    def counts(self) -> tuple[int, ...]:
        """created, updated, unchanged, refused."""
        return tuple(self.told[name] for name in ("created", "updated", "unchanged", "refused"))


@dataclass
class Shell:
    """The shop `shop` in Shanghai. Every command runs at NOW."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    looking: Database
    opened: list[Database] = field(default_factory=list)
    files: int = 0

    def run(self, *words: str | Path) -> Said:
        """A command as it is typed."""
        with clock.fixed(NOW), pytest.raises(SystemExit) as ending:
            cli.main([str(word) for word in words])
        while self.opened:  # a process of its own would just end
            self.opened.pop().close()
        out, err = self.capsys.readouterr()
        told = json.loads(out.splitlines()[-1]) if "--json" in words and out else {}
        return Said(int(ending.value.code or 0), told, err.splitlines())

    def file(self, content: str | bytes) -> Path:
        """A new file of the shop's owner."""
        self.files += 1
        path = self.folder / f"file{self.files}.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def members(self, content: str | bytes, *options: str) -> Said:
        """Import members."""
        return self.run("import", "members", self.file(content), "--brand", "shop", "--json", *options)

    def orders(self, content: str | bytes, *options: str, lines: str | None = None) -> Said:
        """Import orders."""
        more = ["--lines", str(self.file(lines))] if lines is not None else []
        return self.run("import", "orders", self.file(content), "--brand", "shop", "--json", *options, *more)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What stands in the database."""
        with self.looking.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def write(self, statement: str) -> None:
        """Something that happens in the shop meanwhile."""
        with self.looking.engine.begin() as connection:
            connection.execute(text(statement))


@pytest.fixture
def shell(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    """An empty shop."""
    monkeypatch.setenv("REGULARS_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.setenv("REGULARS_DATABASE_URL", migrated_url)
    looking = Database(migrated_url, load_brand=brands.load)
    made = Shell(tmp_path, capsys, looking)
    database: Callable[..., Database] = context.database
    monkeypatch.setattr(
        context, "database", lambda *a: (made.opened.append(database(*a)), made.opened[-1])[1]
    )
    new = ("brand", "new", "shop", "--name", "Shop", "--currency", "CNY")
    assert made.run(*new, "--timezone", ZONE.key, "--region", "CN").code == 0
    yield made
    looking.close()


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units of a few rows, on PostgreSQL side by side from the first."""
    for kind, name, value in ((apply.Pace, "size", 12), (apply.Census, "taken", True)):
        fixed = property(lambda self, value=value: value, lambda self, value: None)
        monkeypatch.setattr(kind, name, fixed, raising=False)
