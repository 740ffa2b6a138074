"""A shop for drills of imports: what `regulars import` does to it as a process, and what is in it then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from tests.support import seed
from webapp.kernel.db import Database
from webapp.members.models import Member
from webapp.orders.models import Order, OrderLine

ROOT = Path(__file__).parents[2]


class Shop:
    """`acme` at the shell, and its rows seen from outside."""

    def __init__(self, url: str, folder: Path) -> None:
        self.db: Database = seed.database(url)
        self.folder = folder
        self.environ = os.environ | {
            "REGULARS_INSTANCE": str(folder / "instance"),
            "REGULARS_DATABASE_URL": url,
        }

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "webapp.cli.main",
            "import",
            *map(str, words),
            "--brand",
            seed.CODE,
            "--json",
        ]
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, *words: str | Path) -> Any:
        process = self.start(*words)
        out, err = process.communicate(timeout=600)
        assert process.returncode == 0, err.decode()
        return json.loads(out.splitlines()[-1])

    def count(self, model: Any) -> int:
        with self.db.read() as scope:
            return scope.session.scalar(select(func.count()).select_from(model)) or 0

    def totals(self) -> tuple[int, int, int, int, int]:
        """Orders, lines, members, what was paid, the lines' amounts."""
        with self.db.read() as scope:
            paid = scope.session.scalar(select(func.sum(Order.paid_minor))) or 0
            amounts = scope.session.scalar(select(func.sum(OrderLine.amount_minor))) or 0
        return self.count(Order), self.count(OrderLine), self.count(Member), int(paid), int(amounts)

    def staged(self) -> list[Path]:
        return list((self.folder / "instance" / "staged").glob("*.stage"))
