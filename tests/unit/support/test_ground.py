"""The ground itself: what the other tests trust without looking."""

from __future__ import annotations

import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support import pg
from tests.support.need import MARK, need
from tests.support.smtp import Knobs, SmtpReceiver
from tests.support.waiting import wait_for


def send(server: smtplib.SMTP, to: str, number: int = 1) -> None:
    body = f"Message-ID: <{number}@acme.example>\r\nSubject: hello\r\n\r\nhello\r\n".encode()
    server.sendmail("shop@acme.example", [to], body)


@pytest.mark.parametrize("address", [("example.com", 80), ("93.184.215.14", 80), ("2606:2800:21f::1", 80)])
def test_the_world_is_out_of_reach(address: tuple[str, int]) -> None:
    with pytest.raises(OSError, match="a test tried to"):
        socket.create_connection(address, timeout=1)


def test_a_missing_program_names_its_remedy() -> None:
    with pytest.raises(pytest.skip.Exception, match=f"{MARK}no-such-program: apt-get install it"):
        need("no-such-program", "apt-get install it")


@pytest.mark.drill
def test_a_skip_fails_where_it_counts(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("import pytest\ndef test(): pytest.skip('not here')\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.ground",
        "-p",
        "no:cacheprovider",
        str(tmp_path),
    ]
    for strict, code, words in (("1", 1, "allows no skip"), ("", 0, "1 skipped")):
        run = subprocess.run(
            command,
            env=os.environ | {"REGULARS_STRICT": strict},
            capture_output=True,
            text=True,
            check=False,
            cwd=pg.ROOT,
        )
        assert (run.returncode, words in run.stdout) == (code, True), run.stdout


def test_receiver_notes_what_it_took(smtp: SmtpReceiver) -> None:
    with smtplib.SMTP("127.0.0.1", smtp.port) as server:
        send(server, "li@example.com", 1)
        send(server, "han@example.com", 2)
    assert [(line["to"], line["id"]) for line in smtp.wait(2)] == [
        ("li@example.com", "<1@acme.example>"),
        ("han@example.com", "<2@acme.example>"),
    ]
    assert [message["Subject"] for message in smtp.messages()] == ["hello", "hello"]


def test_receiver_refuses_and_breaks_off(smtp: SmtpReceiver) -> None:
    smtp.set(Knobs(refuse={"^bad@": "550 5.1.1 unknown"}, drop_after_data=1))
    with smtplib.SMTP("127.0.0.1", smtp.port) as server:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(server, "bad@example.com")
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(server, "li@example.com")
    with smtplib.SMTP("127.0.0.1", smtp.port) as server:
        send(server, "han@example.com")
    assert smtp.addresses() == {"li@example.com": 1, "han@example.com": 1}


def test_receiver_with_tls_and_sign_in(smtp_receiver: Callable[..., SmtpReceiver]) -> None:
    start = smtp_receiver(tls=True, knobs=Knobs(login=("shop", "secret")))
    trusting = ssl.create_default_context(cafile=start.certificate)
    with smtplib.SMTP("localhost", start.port) as server:
        server.starttls(context=trusting)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            server.login("shop", "wrong")
    with smtplib.SMTP("localhost", start.port) as server:
        server.starttls(context=trusting)
        server.login("shop", "secret")
        send(server, "li@example.com")
    assert [(line["tls"], line["login"]) for line in start.received()] == [(True, "shop")]
    at_once = smtp_receiver(tls=True, knobs=Knobs(implicit_tls=True))
    trusting = ssl.create_default_context(cafile=at_once.certificate)
    with smtplib.SMTP_SSL("localhost", at_once.port, context=trusting) as server:
        send(server, "li@example.com")
    assert at_once.wait(1)[0]["tls"]


@pytest.mark.postgres
def test_a_cluster_ends_with_its_run_however_that_ended() -> None:
    need("initdb", pg.REMEDY, places=("usr/lib/postgresql/*/bin/initdb",))
    code = "import os, time; from tests.support import pg; print(pg.start(os.getpid()).folder, flush=True); time.sleep(60)"
    run = subprocess.Popen([sys.executable, "-c", code], cwd=pg.ROOT, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    folder = Path(run.stdout.readline().strip())
    server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    wait_for(lambda: not folder.exists() and not psutil.pid_exists(server), 15)
