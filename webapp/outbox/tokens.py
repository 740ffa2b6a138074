"""Words in links that stand for a delivery: signed, not stored, so that no row a message is needed for them.

A word is the brand's and the delivery's id and 10 bytes of a keyed hash over both and the purpose, 22 to 32 letters:
one that opens the picture cannot unsubscribe. It holds as long as the instance's key does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Literal

from webapp.kernel import links
from webapp.kernel.secrets import packed, unpacked
from webapp.plugin_runtime.context import box

Purpose = Literal["unsubscribe", "open"]
PATHS: dict[Purpose, str] = {"unsubscribe": "/u/", "open": "/o/"}
_MAC = 10  # bytes: 2^80 guesses, over the network


def token(purpose: Purpose, brand_id: int, delivery_id: int) -> str:
    """The word for a link."""
    body = packed(brand_id) + packed(delivery_id)
    return base64.urlsafe_b64encode(body + _mac(purpose, body)).rstrip(b"=").decode()


def read(purpose: Purpose, word: str) -> tuple[int, int] | None:
    """(brand_id, delivery_id), or None for a word that was not made here for this purpose."""
    try:
        raw = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    body, mac = raw[:-_MAC], raw[-_MAC:]
    if not body or not hmac.compare_digest(mac, _mac(purpose, body)):
        return None
    brand_id, rest = unpacked(body)
    delivery_id, rest = unpacked(rest)
    return (brand_id, delivery_id) if not rest else None


def url(purpose: Purpose, brand_id: int, delivery_id: int) -> str:
    """The whole address."""
    return links.absolute(None, PATHS[purpose] + token(purpose, brand_id, delivery_id))


def _mac(purpose: Purpose, body: bytes) -> bytes:
    key = box().derive("outbox.links").encode()
    return hmac.new(key, purpose.encode() + b"\0" + body, hashlib.sha256).digest()[:_MAC]
