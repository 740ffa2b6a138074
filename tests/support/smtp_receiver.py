"""An SMTP server that notes every message it accepts. Runs as a process of its own; see tests/support/smtp.py.

    python -m tests.support.smtp_receiver FOLDER PARENT_PID [CERT KEY]

FOLDER/port     the port, written once it listens
FOLDER/log      one JSON object a line for each accepted recipient and message, flushed before the answer goes out
FOLDER/mail/    the messages themselves, N.eml, when knob "keep" is on
FOLDER/knobs    JSON, read again whenever it changes (see tests.support.smtp.Knobs)
"""

import asyncio
import json
import os
import re
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


class Receiver:
    """aiosmtpd's handler."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = (folder / "log").open("a", encoding="utf-8")
        self.count = 0
        self.dropped = 0
        self._knobs: dict[str, Any] = {}
        self._seen: tuple[int, int] | None = None

    def knobs(self) -> dict[str, Any]:
        try:
            stat = (self.folder / "knobs").stat()
        except FileNotFoundError:
            return self._knobs
        if (stat.st_mtime_ns, stat.st_ino) != self._seen:
            self._seen = (stat.st_mtime_ns, stat.st_ino)
            self._knobs = json.loads((self.folder / "knobs").read_text(encoding="utf-8"))
        return self._knobs

    def _tls_from_the_start(self, server: SMTP) -> bool:
        return server.transport is not None and server.transport.get_extra_info("ssl_object") is not None

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        for pattern, answer in self.knobs().get("refuse", {}).items():
            if re.search(pattern, address):
                return str(answer)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        knobs = self.knobs()
        if knobs.get("delay"):
            await asyncio.sleep(knobs["delay"])
        if knobs.get("refuse_data"):
            return str(knobs["refuse_data"])
        content = bytes(envelope.content or b"")
        found = _MESSAGE_ID.search(content)
        self.count += 1
        for address in envelope.rcpt_tos:
            line = {
                "n": self.count,
                "at": time.time(),
                "to": address,
                "from": envelope.mail_from,
                "id": found.group(1).decode() if found else None,
                "bytes": len(content),
                "login": session.auth_data.login.decode() if session.auth_data else None,
                "tls": session.ssl is not None or self._tls_from_the_start(server),
            }
            self.log.write(json.dumps(line) + "\n")
        self.log.flush()
        if knobs.get("keep"):
            (self.folder / "mail" / f"{self.count}.eml").write_bytes(content)
        if self.dropped < knobs.get("drop_after_data", 0):
            # Accepted and never answered: the sender cannot know whether it arrived.
            self.dropped += 1
            assert server.transport is not None
            server.transport.abort()
            await asyncio.sleep(3600)
        return "250 accepted"


async def serve(folder: Path, parent: int, tls: tuple[str, str] | None) -> None:
    receiver = Receiver(folder)
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)

    def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        wanted = receiver.knobs().get("login")
        given = [data.login.decode(), data.password.decode()] if isinstance(data, LoginPassword) else None
        return AuthResult(success=wanted is None or wanted == given, handled=False, auth_data=data)

    def protocol() -> SMTP:
        knobs = receiver.knobs()
        return SMTP(
            receiver,
            enable_SMTPUTF8=True,
            tls_context=None if knobs.get("implicit_tls") else context,
            require_starttls=context is not None and not knobs.get("implicit_tls"),
            authenticator=login,
            auth_required=knobs.get("login") is not None,
            auth_require_tls=False,
            data_size_limit=None,
            timeout=60,
        )

    loop = asyncio.get_running_loop()
    implicit = context if context and receiver.knobs().get("implicit_tls") else None
    server = await loop.create_server(
        protocol, "127.0.0.1", int(os.environ.get("SMTP_PORT", "0")), ssl=implicit
    )
    port = folder / "port.new"
    port.write_text(str(server.sockets[0].getsockname()[1]))
    port.rename(folder / "port")
    while os.getppid() == parent:  # ends with the test run, however that ended
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    certificate = (sys.argv[3], sys.argv[4]) if len(sys.argv) > 4 else None
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), certificate))
