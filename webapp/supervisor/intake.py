"""How much of a request's body is kept while it comes in, before the app is asked anything: what the app would refuse anyway
is read and dropped, so that nobody fills the disk without being allowed to bring files, and who brings too large a one gets
the app's own page about it instead of a broken connection."""

from __future__ import annotations

import logging
from collections.abc import Callable
from io import BytesIO
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import FixedStreamReceiver
from waitress.utilities import RequestEntityTooLarge

log = logging.getLogger("regulars.web")

SMALL = 2 * 2**20  # bytes that anybody's form may have
NO_LIMIT = 2**62  # waitress's own: it would break the connection off
RoomFor = Callable[[dict[str, Any]], int]  # environ without a body -> bytes that the body may have


def channel(room_for: RoomFor) -> type[HTTPChannel]:
    """Waitress's channel, with a parser that asks `room_for` about large bodies."""

    class Parser(_Parser):
        ask = staticmethod(room_for)

    class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
        parser_class = Parser

    return Channel


class _Nowhere:
    """A buffer that keeps nothing."""

    def __len__(self) -> int:
        return 0

    def append(self, _data: bytes) -> None:
        """Dropped."""

    def getfile(self) -> BytesIO:
        """Nothing is there: the app refuses by the length that was told."""
        return BytesIO()

    def close(self) -> None:
        """Nothing to give back."""


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    ask: RoomFor
    error: Any
    expect_continue: bool
    _room = SMALL

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if not self.chunked and self.content_length <= SMALL:
            return
        self._room = self._asked()
        if self.chunked or self.content_length <= self._room:
            return
        self.body_rcv = FixedStreamReceiver(self.content_length, _Nowhere())
        if self.expect_continue:  # it need not be sent at all
            self.expect_continue, self.body_rcv = False, None
            self.connection_close, self.headers["CONNECTION"] = True, "close"

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.chunked and self.body_bytes_received > self._room and self.error is None:  # no browser does
            self.error = RequestEntityTooLarge(f"more than {self._room} bytes")
            self.completed = True
        return consumed

    def _asked(self) -> int:
        environ = {
            "REQUEST_METHOD": self.command.upper(),
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": self.headers.get("HOST", "localhost"),
            "HTTP_COOKIE": self.headers.get("COOKIE", ""),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
        }
        try:
            return self.ask(environ)
        except Exception:  # the database is away, a host that is no name: the app will say so
            log.debug("nobody could be asked how large a request may be", exc_info=True)
            return SMALL
