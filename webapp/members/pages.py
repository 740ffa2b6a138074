"""The word in a link to a member's own page (/p/): signed, not stored, so that every message can carry it.

It is the brand's and the member's id and 12 bytes of a keyed hash over both. It holds as long as the instance's key does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from webapp.kernel import links
from webapp.kernel.secrets import packed, unpacked
from webapp.plugin_runtime.context import box

_MAC = 12  # bytes: 2^96 guesses, over the network


def token(brand_id: int, member_id: int) -> str:
    """The word for a link."""
    body = packed(brand_id) + packed(member_id)
    return base64.urlsafe_b64encode(body + _mac(body)).rstrip(b"=").decode()


def read(word: str) -> tuple[int, int] | None:
    """(brand_id, member_id), or None for a word that was not made here."""
    if len(word) > 100:
        return None
    try:
        raw = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    body, mac = raw[:-_MAC], raw[-_MAC:]
    if not body or not hmac.compare_digest(mac, _mac(body)):
        return None
    brand_id, rest = unpacked(body)
    member_id, rest = unpacked(rest)
    fits = 0 <= brand_id < 2**63 and 0 <= member_id < 2**63
    return (brand_id, member_id) if fits and not rest else None


def path(brand_id: int, member_id: int) -> str:
    """The address without the host."""
    return "/p/" + token(brand_id, member_id)


def url(brand_id: int, member_id: int) -> str:
    """The whole address. Raises UserError in a process that was told no address."""
    return links.absolute(None, path(brand_id, member_id))


def _mac(body: bytes) -> bytes:
    key = box().derive("members.page").encode()
    return hmac.new(key, b"page\0" + body, hashlib.sha256).digest()[:_MAC]
