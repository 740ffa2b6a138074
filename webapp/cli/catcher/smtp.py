"""As much of SMTP (RFC 5321) as a sender needs to hand a message over. It accepts everybody and everything."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from webapp.cli.catcher.box import MailBox

BIGGEST = 20 * 2**20  # bytes of a message
SILENCE = 300.0  # seconds without a word after which we hang up
_PATH = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>", re.IGNORECASE)


@dataclass
class Conversation:
    """One connection."""

    box: MailBox
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Until QUIT, silence, or the other side is gone."""
        try:
            await self._say("220 regulars mail catcher")
            while True:
                line = await asyncio.wait_for(self.reader.readline(), SILENCE)
                if not line.endswith(b"\n"):
                    return
                word, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
                if word.upper() == "QUIT":
                    await self._say("221 bye")
                    return
                await self._answer(word.upper(), rest)
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            pass
        except (ValueError, asyncio.LimitOverrunError):
            await self._say("500 too long")
        finally:
            self.writer.close()

    async def _answer(self, word: str, rest: str) -> None:
        if word == "EHLO":
            self._forget()
            await self._say("250-regulars", f"250-SIZE {BIGGEST}", "250-8BITMIME", "250 SMTPUTF8")
        elif word in ("HELO", "NOOP", "RSET"):
            if word != "NOOP":
                self._forget()
            await self._say("250 ok")
        elif word in ("MAIL", "RCPT"):
            await self._envelope(word, rest)
        elif word == "DATA":
            await self._data()
        else:
            await self._say("502 not known here")

    async def _envelope(self, word: str, rest: str) -> None:
        path = _PATH.match(rest)
        if path is None:
            await self._say("501 write FROM:<address> or TO:<address>")
        elif word == "MAIL":
            self._forget()
            self.sender = path[1]
            await self._say("250 ok")
        elif self.sender is None:
            await self._say("503 MAIL first")
        else:
            self.recipients.append(path[1])
            await self._say("250 ok")

    async def _data(self) -> None:
        if self.sender is None or not self.recipients:
            await self._say("503 RCPT first")
            return
        await self._say("354 end with a dot on a line of its own")
        content = await asyncio.wait_for(self._content(), SILENCE)
        if content is None:
            await self._say("552 too big")
        else:
            self.box.keep(self.sender, self.recipients, content)
            await self._say("250 caught")
        self._forget()

    async def _content(self) -> bytes | None:
        """The message without its dots (RFC 5321, 4.5.2); None for one that is too big."""
        lines: list[bytes] = []
        size = 0
        while (line := await self.reader.readline()) != b".\r\n":
            if not line.endswith(b"\n"):
                raise ConnectionError("gone in the middle of a message")
            size += len(line)
            if size <= BIGGEST:
                lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines) if size <= BIGGEST else None

    def _forget(self) -> None:
        self.sender, self.recipients = None, []

    async def _say(self, *lines: str) -> None:
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()
