"""The tests' side of the SMTP receiver: start it, turn its knobs, read what it got."""

from __future__ import annotations

import email
import email.policy
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from tests.support.need import need
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Knobs:
    """How the receiver behaves from now on. Read before each message."""

    delay: float = 0.0  # seconds before DATA is answered
    refuse: dict[str, str] = field(
        default_factory=dict
    )  # pattern of address -> answer to RCPT, "550 5.1.1 unknown"
    refuse_data: str = ""  # answer to every DATA, "451 4.7.1 later"
    drop_after_data: int = 0  # so many messages are accepted (and logged), then cut off without an answer
    keep: bool = True  # keep the messages for `messages()`; off where only speed counts
    login: tuple[str, str] | None = None  # user and password asked for
    implicit_tls: bool = False  # TLS from the first byte; choose at start, needs tls=True


class SmtpReceiver:
    """A running receiver on 127.0.0.1."""

    def __init__(self, folder: Path, *, tls: bool = False, knobs: Knobs | None = None) -> None:
        self.folder = folder
        self.tls = tls
        self.port = 0
        (folder / "mail").mkdir(parents=True, exist_ok=True)
        self.set(knobs or Knobs())
        self.start()

    @property
    def certificate(self) -> Path:
        """The receiver's own certificate, for a client that shall trust it."""
        return self.folder / "cert.pem"

    def start(self) -> None:
        """Start, or start again after `stop` on the same port."""
        args = [sys.executable, "-m", "tests.support.smtp_receiver", str(self.folder), str(os.getpid())]
        if self.tls:
            args += [str(self.certificate), str(self._key())]
        (self.folder / "port").unlink(missing_ok=True)
        self.process = subprocess.Popen(args, cwd=ROOT, env={**os.environ, "SMTP_PORT": str(self.port)})
        self.port = int(
            wait_for(lambda: (self.folder / "port").exists() and (self.folder / "port").read_text(), 15)
        )

    def _key(self) -> Path:
        key = self.folder / "key.pem"
        if not key.exists():
            openssl = need("openssl", "apt-get install openssl")
            subprocess.run(
                [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                 "-keyout", key, "-out", self.certificate, "-subj", "/CN=localhost",
                 "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                check=True, capture_output=True,
            )  # fmt: skip
        return key

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def set(self, knobs: Knobs) -> None:
        """Turn the knobs; the next message sees them."""
        new = self.folder / "knobs.new"
        new.write_text(json.dumps(asdict(knobs)), encoding="utf-8")
        new.rename(self.folder / "knobs")

    def received(self) -> list[dict[str, Any]]:
        """One entry a recipient and message: n, at (epoch seconds), to, from, id, bytes, login, tls."""
        log = self.folder / "log"
        if not log.exists():
            return []
        whole = log.read_text(encoding="utf-8").rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def addresses(self) -> Counter[str]:
        """How many messages each address got."""
        return Counter(line["to"] for line in self.received())

    def messages(self) -> list[EmailMessage]:
        """The kept messages in the order they came."""
        files = sorted((self.folder / "mail").glob("*.eml"), key=lambda p: int(p.stem))
        return [email.message_from_bytes(p.read_bytes(), policy=email.policy.default) for p in files]  # type: ignore[misc]

    def wait(self, n: int, seconds: float = 30) -> list[dict[str, Any]]:
        """Until at least n recipients have been noted. Raises TimeoutError."""
        wait_for(lambda: len(self.received()) >= n, seconds)
        return self.received()
