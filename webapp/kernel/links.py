"""Addresses that leave the shop: in messages, in QR codes, on receipts; and whether anybody has seen them work.

Where members reach this shop is, in this order: REGULARS_PUBLIC_URL; what the owner stored on the page "Public address";
where `regulars up` listens; the address under which a page was asked.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from flask import has_request_context, request

from webapp.kernel.errors import UserError

if TYPE_CHECKING:
    from webapp.kernel.db import Database
    from webapp.kernel.scope import Scope

log = logging.getLogger("regulars.links")

STORED = "public_url"  # instance setting: the address as text
CHECKED = "public_url_checked"  # instance setting: {"url", "at" (ISO), "how"}
KEPT = 5.0  # seconds after which a process looks again: the address may have been changed in another one

Source = Literal["environment", "stored", "listening", "request"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where members reach this shop. how: "outside" (opened from the internet), "said" (opened through a proxy, and the
    owner said it was from outside), "network" (an address of the shop's own network, opened there)."""

    url: str
    source: Source
    checked_at: datetime | None = None
    how: str = ""

    @property
    def checked(self) -> bool:
        """A phone has opened it."""
        return self.checked_at is not None

    @property
    def https(self) -> bool:
        """Encrypted: what a phone's camera and most payment and chat apps ask for."""
        return self.url.startswith("https:")

    @property
    def own_network(self) -> bool:
        """Nobody outside the shop's own network can open it."""
        return is_own_network(self.url)

    @property
    def only_here(self) -> bool:
        """Nobody but this machine can open it."""
        host = urlsplit(self.url).hostname or ""
        return host == "localhost" or host == "::1" or host.startswith("127.")


_base: str | None = None
_listening: str | None = None
_db: Database | None = None
_known: tuple[float, str | None, dict[str, str] | None] | None = (
    None  # when looked, stored address, last check
)


def use(base: str | None) -> None:
    """Once per process, at start: REGULARS_PUBLIC_URL, which wins over what is stored. None: nothing was set."""
    global _base
    _base = base.rstrip("/") if base else None


def fall_back(base: str | None) -> None:
    """Once per process, at start: where `regulars up` listens."""
    global _listening
    _listening = base.rstrip("/") if base else None


def watch(db: Database | None) -> None:
    """Once per process, at start: where the stored address is."""
    global _db
    _db = db
    changed()


def changed() -> None:
    """This process has stored another one: look again."""
    global _known
    _known = None


def _look() -> tuple[str | None, dict[str, str] | None]:
    """The stored address and the last check, at most KEPT seconds old. A database that is away changes nothing."""
    global _known
    if _db is None:
        return None, None
    if _known is None or time.monotonic() - _known[0] > KEPT:
        from webapp.kernel import instance

        try:
            with _db.read() as scope:
                stored, seen = instance.get(scope, STORED), instance.get(scope, CHECKED)
        except Exception as why:  # an address that cannot be read must not take the page with it
            log.warning("the stored address could not be read (%s)", type(why).__name__)
            stored, seen = _known[1:] if _known else (None, None)
        _known = (time.monotonic(), stored, seen)
    return _known[1:]


def state() -> Address | None:
    """The address and whether it was checked; None in a background process that was told none."""
    stored, seen = (None, None) if _base and _db is None else _look()
    source: Source
    if _base:
        url, source = _base, "environment"
    elif stored:
        url, source = stored, "stored"
    elif _listening:
        url, source = _listening, "listening"
    elif has_request_context():
        url, source = request.host_url.rstrip("/"), "request"
    else:
        return None
    if seen and seen["url"] == url:
        return Address(url, source, datetime.fromisoformat(seen["at"]), seen["how"])
    return Address(url, source)


def unchecked() -> str | None:
    """The shop's address, if nobody has seen it work on a phone; blank if there is none."""
    at = state()
    return None if at is not None and (at.checked or at.source == "environment") else (at.url if at else "")


def base() -> str:
    """The address without a slash at the end. Raises UserError in a background process that was told none."""
    if _base:
        return _base
    found = state()
    if found is None:
        raise UserError(
            "links in messages need the shop's address: set REGULARS_PUBLIC_URL, such as https://shop.example"
        )
    return found.url


def absolute(scope: Scope | None, path: str) -> str:
    """The whole address of a path of ours ("/c/..."). scope: for brands that have an address of their own one day."""
    if not path.startswith("/"):
        raise ValueError(f"a path begins with a slash: {path!r}")
    return base() + path


def is_own_network(url: str) -> bool:
    """A private or loopback number, or a name that only one's own network knows (no dot, .local, .lan ...)."""
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.rsplit(".", 1)[1] in ("local", "lan", "home", "internal", "localhost")


def is_public_https(host: str) -> bool:
    """Is this the host of the address that the owner stored, and that address https?"""
    known = _base or _look()[0] or ""
    return known.startswith("https:") and urlsplit(known).netloc == host
