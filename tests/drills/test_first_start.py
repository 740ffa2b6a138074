"""`regulars up` in an empty folder, as its first owner meets it: the line, the link, the next start."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.waiting import wait_for

pytestmark = pytest.mark.drill


class Start:
    """One `regulars up`, and what it has printed."""

    def __init__(self, instance: Path) -> None:
        self.words = instance.with_name("words")
        self.words.write_text("")
        with self.words.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "webapp.cli.main", "up", "--port", "0"],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | {"REGULARS_INSTANCE": str(instance)},
            )

    def line(self, pattern: str) -> str:
        """What the pattern's group matched, once it is printed."""
        wait_for(lambda: re.search(pattern, self.words.read_text()), 90)
        found = re.search(pattern, self.words.read_text())
        assert found
        return found[1] if found.groups() else found[0]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_each_start_without_an_owner_prints_a_link_and_only_the_newest_works(tmp_path: Path) -> None:
    instance = tmp_path / "shop"
    first = Start(instance)
    try:
        link = first.line(r"(http://\S+/start/\S+)")
        assert first.line("The database was brought up to date: core")
        assert status(link) == 200
        assert instance.stat().st_mode & 0o077 == 0
        token = link.rsplit("/", 1)[1]
    finally:
        first.stop()
    second = Start(instance)
    try:
        newer = second.line(r"(http://\S+/start/\S+)")
        assert "brought up to date" not in second.words.read_text()
        assert status(newer) == 200
        assert status(f"{newer.rsplit('/', 1)[0]}/{token}") == 410
    finally:
        second.stop()
