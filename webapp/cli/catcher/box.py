"""What was caught, as files: `log`, one JSON object a line for each recipient of an accepted message, and N.eml."""

from __future__ import annotations

import email
import email.policy
import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from pathlib import Path

from webapp.kernel import clock


@dataclass(frozen=True, slots=True)
class Caught:
    """A line of the log. n: number of the message (N.eml); at: ISO, UTC; id: its Message-ID; bytes: its size."""

    n: int
    at: str
    to: str
    sender: str
    subject: str
    id: str
    bytes: int


class MailBox:
    """One folder. Written by one process, read by anybody: a line of the log is whole once it ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self._lock = threading.Lock()
        self._last: int | None = None

    def keep(self, sender: str, recipients: Sequence[str], content: bytes) -> int:
        """Note a message for each of its recipients, before it is accepted; its number."""
        read = email.message_from_bytes(content, policy=email.policy.default)
        with self._lock:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._last is None:
                self._last = max((one.n for one in self.caught()), default=0)
            self._last += 1
            (self.folder / f"{self._last}.eml").write_bytes(content)
            at = clock.now().isoformat(timespec="milliseconds")
            with self.log.open("a", encoding="utf-8") as log:
                for address in recipients:
                    subject, key = str(read.get("Subject", "")), str(read.get("Message-ID", ""))
                    line = Caught(self._last, at, address, sender, subject, key, len(content))
                    log.write(json.dumps(asdict(line), ensure_ascii=False) + "\n")
            return self._last

    def caught(self) -> list[Caught]:
        """Every line of the log, oldest first."""
        if not self.log.exists():
            return []
        whole = self.log.read_text(encoding="utf-8").rpartition("\n")[0]
        return [Caught(**json.loads(line)) for line in whole.split("\n") if line]

    def message(self, n: int) -> EmailMessage | None:
        """A message by its number."""
        raw = self.raw(n)
        return None if raw is None else email.message_from_bytes(raw, policy=email.policy.default)

    def raw(self, n: int) -> bytes | None:
        """The same as it came over the wire."""
        file = self.folder / f"{n}.eml"
        return file.read_bytes() if file.is_file() else None


def text_of(message: EmailMessage, kind: str) -> str:
    """The body of a message as "plain" or "html"; blank where it has none."""
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
