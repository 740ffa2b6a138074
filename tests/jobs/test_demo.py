"""The demo's flow from an empty folder to redeemed coupons, with real processes and a small made-up sample."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import OTHER_IN_DRILL
from tests.support.tiny_demo import BOUGHT, CENTS, EACH, ORDERS
from tests.support.waiting import wait_for
from webapp.cli.catcher import MailBox
from webapp.cli.catcher.page import answer

ROOT = Path(__file__).parents[2]


def demo(instance: Path, *words: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.tiny_demo", *words],
        cwd=ROOT,
        env=os.environ | {"REGULARS_INSTANCE": str(instance), "PYTHONUNBUFFERED": "1"} | environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """An instance folder in which `demo --no-serve --json` was run, what it printed last, and its progress."""
    instance = tmp_path_factory.mktemp("demo") / "shop"
    process = demo(instance, "--no-serve", "--json")
    out, progress = process.communicate(timeout=90)
    assert process.returncode == 0, progress
    return instance, json.loads(out.splitlines()[-1]), progress


def test_the_shop_is_imported_and_every_stage_has_members(made: tuple[Path, dict[str, Any], str]) -> None:
    said = made[1]
    assert (said["members"], said["orders"], said["paid_minor"]) == (EACH * 5, ORDERS, ORDERS * CENTS)
    assert said["stages"] == dict.fromkeys(BOUGHT, EACH)


def test_the_worker_sends_to_each_address_once(made: tuple[Path, dict[str, Any], str]) -> None:
    instance, said, progress = made
    addresses = Counter(line.to for line in MailBox(instance / "mail").caught())
    assert said["audience"] == EACH
    assert len(addresses) == said["caught"] == said["deliveries"]["sent"] > 0
    assert said["caught"] == EACH - sum(said["left_out"].values())
    assert set(addresses.values()) == {1}
    assert "The worker has sent" in progress


def test_members_claim_over_http_and_the_clerk_redeems(made: tuple[Path, dict[str, Any], str]) -> None:
    coupons = made[1]["coupons"]
    assert sum(coupons.values()) == made[1]["caught"]
    assert coupons["claimed"] > 0 or coupons["redeemed"] > 0
    assert coupons["redeemed"] > 0


@OTHER_IN_DRILL
@pytest.mark.parametrize("db_kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_it_is_the_same_on_postgresql(empty_url: str, tmp_path: Path) -> None:
    process = demo(tmp_path / "shop", "--no-serve", "--json", REGULARS_DATABASE_URL=empty_url)
    out, progress = process.communicate(timeout=90)
    assert process.returncode == 0, progress
    said = json.loads(out.splitlines()[-1])
    assert (said["orders"], said["paid_minor"]) == (ORDERS, ORDERS * CENTS)
    assert said["deliveries"]["sent"] == said["caught"] > 0
    assert said["coupons"]["redeemed"] > 0


def test_a_folder_that_holds_something_is_told_in_a_sentence(
    made: tuple[Path, dict[str, Any], str], tmp_path: Path
) -> None:
    for folder, word in ((made[0], "holds a demo already"), (tmp_path, "wants a folder of its own")):
        (tmp_path / "letter.txt").touch()
        process = demo(folder, "--no-serve")
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (2, "")
        assert word in err.splitlines()[-1]
        assert "Traceback" not in err


@pytest.fixture
def served(made: tuple[Path, dict[str, Any], str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The same folder, served again until Ctrl-C."""
    process = demo(made[0])
    assert process.stdout is not None
    text = ""
    try:
        while "Ctrl-C" not in text:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            text += line
        yield process, text
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)


def test_it_is_served_again_with_its_sign_ins(
    made: tuple[Path, dict[str, Any], str], served: tuple[subprocess.Popen[str], str]
) -> None:
    process, text = served
    words = text.split()
    shop, mail = [word for word in words if word.startswith("http://")]
    assert {"owner@example.com", "operator@example.com", "clerk@example.com"} <= set(words)
    with urllib.request.urlopen(shop, timeout=20) as page:
        assert page.status == 200
    with urllib.request.urlopen(mail, timeout=20) as page:
        assert f"Caught mail: {made[1]['caught']}" in page.read().decode()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 0
    assert MailBox(made[0] / "mail").caught()[-1].n == made[1]["caught"]  # nothing was sent again


def test_caught_mail_is_shown_without_running_anything_of_it(tmp_path: Path) -> None:
    box = MailBox(tmp_path)
    box.keep(
        "a@example.com",
        ["b@example.com"],
        b"Subject: <script>\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>\r\n",
    )
    listed, one, html = (answer(box, path) for path in ("/", "/1", "/1/html"))
    assert listed is not None and one is not None and html is not None
    assert b"<script>" not in listed[1] + one[1]
    assert html[2].startswith("sandbox ")
    assert "allow-scripts" not in html[2]
    assert answer(box, "/2") is None
    assert answer(box, "/../log") is None


def test_the_catcher_takes_dots_and_long_messages_as_they_are(
    made: tuple[Path, dict[str, Any], str], served: tuple[subprocess.Popen[str], str]
) -> None:
    ports = json.loads(
        subprocess.run(
            [sys.executable, "-c", _PORT, str(made[0])],
            capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ | {"REGULARS_INSTANCE": str(made[0])},
        ).stdout
    )  # fmt: skip
    body = "Subject: dots\r\n\r\n" + "..\r\n.\r\n" + "x" * 500_000 + "\r\n"
    with smtplib.SMTP("127.0.0.1", ports, timeout=20) as smtp:
        smtp.sendmail("a@example.com", ["b@example.com"], body)
    box = MailBox(made[0] / "mail")
    caught = wait_for(lambda: [one for one in box.caught() if one.subject == "dots"], 5)
    assert box.raw(caught[-1].n) == body.encode()


_PORT = """
from webapp.cli import context
from webapp.plugin_runtime.context import settings_of
db = context.database()
with db.read(brand=context.brand(db, "demo")) as scope:
    print(settings_of(scope, "channel_email")["port"])
"""
