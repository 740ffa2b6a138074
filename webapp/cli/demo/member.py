"""A member with a mail program and a phone: opens pictures and the coupon's page, presses its button. Over HTTP only."""

from __future__ import annotations

import re
import urllib.request
from email.message import EmailMessage
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin, urlsplit

from webapp.cli.catcher.box import text_of
from webapp.kernel.errors import UserError

_LINK = re.compile(r"https?://\S+?(/c/[\w-]+)")
_CODE = re.compile(r"code: ((?:\w{3} ?){3})")
TIMEOUT = 20


class Reader:
    """Reads mail of the shop at `address` (links may name the shop's public address instead)."""

    def __init__(self, address: str) -> None:
        self._address = address

    def look_at_pictures(self, message: EmailMessage) -> None:
        """What a mail program does when the HTML of a message is shown."""
        pictures = _Page()
        pictures.feed(text_of(message, "html"))
        for source in pictures.pictures:
            self._ask(self._here(source))

    def claim(self, message: EmailMessage) -> str:
        """Open the coupon's page and take the coupon; its code. Raises UserError where the page is not as it should be."""
        text = text_of(message, "plain")
        link, code = _LINK.search(text), _CODE.search(text)
        if link is None or code is None:
            raise UserError("A message of the demo carries no coupon.")
        where = self._here(link[1])
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        page = _Page()
        page.feed(self._ask(where, opener=opener))
        if page.action is not None:
            self._ask(urljoin(where, page.action), page.fields, opener)
        return code[1]

    def _here(self, url: str) -> str:
        parts = urlsplit(url)
        return self._address + parts.path + (f"?{parts.query}" if parts.query else "")

    def _ask(
        self,
        url: str,
        fields: dict[str, str] | None = None,
        opener: urllib.request.OpenerDirector | None = None,
    ) -> str:
        data = None if fields is None else urlencode(fields).encode()
        asked = urllib.request.Request(url, data, {"Origin": self._address})
        with (opener or urllib.request.build_opener()).open(asked, timeout=TIMEOUT) as answer:
            body: bytes = answer.read()
        return body.decode("utf-8", "replace")


class _Page(HTMLParser):
    """The first form that posts, with its hidden fields; and the pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.pictures: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "form" and known.get("method", "").lower() == "post" and self.action is None:
            self.action, self._inside = known.get("action", ""), True
        elif tag == "input" and self._inside and known.get("type") == "hidden":
            self.fields[known.get("name", "")] = known.get("value", "")
        elif tag == "img" and known.get("src"):
            self.pictures.append(known["src"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
