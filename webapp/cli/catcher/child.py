"""The catcher as a process of the shop: sockets opened by the supervisor, so that started again it loses no connection."""

from __future__ import annotations

import asyncio
import signal
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

from webapp.cli.catcher.box import MailBox
from webapp.cli.catcher.page import handler
from webapp.cli.catcher.smtp import BIGGEST, Conversation
from webapp.supervisor.child import Child
from webapp.supervisor.listen import address_of, open_socket

SMTP_PORT, PAGE_PORT = 8025, 8140  # or the next free ones


class Catcher:
    """`folder` is where caught mail is kept. SMTP listens on this machine alone, the page where the shop does."""

    def __init__(self, folder: Path, host: str) -> None:
        self.box = MailBox(folder)
        self._smtp = open_socket("127.0.0.1", SMTP_PORT, exact=False)
        self._page = open_socket(host, PAGE_PORT, exact=False)

    @property
    def smtp_port(self) -> int:
        """Where mail is taken, on 127.0.0.1."""
        port: int = self._smtp.getsockname()[1]
        return port

    @property
    def address(self) -> str:
        """Where mail is read."""
        return address_of(self._page)

    def child(self) -> Child:
        """For the supervisor: starts before the shop's own parts and stops after them."""
        return Child("mail", self._run, grace=3.0, base=True)

    def _run(self) -> None:
        server = _Pages(self._page.getsockname()[:2], handler(self.box), bind_and_activate=False)
        server.socket.close()
        server.socket = self._page
        self._page.setblocking(True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asyncio.run(self._take())

    async def _take(self) -> None:
        asked = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await Conversation(self.box, reader, writer).run()

        # a line of a message may be as long as the message
        await asyncio.start_server(talk, sock=self._smtp, limit=BIGGEST)
        await asked.wait()


class _Pages(ThreadingHTTPServer):
    daemon_threads = True
