"""The public address: stored, and checked by a phone that opens it."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from webapp.kernel import instance, links, secrets
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope

KEY = "address_check"  # instance setting: {"digest", "expires" (ISO), "url"}
LIVES = timedelta(minutes=30)
PORTS = {"http": 80, "https": 443}

Seen = Literal["unknown", "elsewhere", "ask", "checked"]


def clean(text: str) -> str | Refused:
    """The address as it is stored: scheme, host, and a port if it is unusual. https where nothing is said.

    Refused: address_bad, address_path (facts: address, without what was too much).
    """
    text = text.strip()
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return Refused("address_bad")
    allowed = (
        parts.scheme in PORTS and host and len(host) <= 200 and not parts.username and not parts.password
    )
    if not allowed or any(c.isspace() or ord(c) < 33 or c in "\"'<>\\^`{|}" for c in host):
        return Refused("address_bad")
    if ":" in host:
        host = f"[{host}]"
    whole = f"{parts.scheme}://{host}" + (f":{port}" if port and port != PORTS[parts.scheme] else "")
    if parts.path.strip("/") or parts.query or parts.fragment:
        return Refused("address_path", {"address": whole})
    return whole


def store(scope: Scope, url: str) -> None:
    """Members' links lead here from now on; a check of another address says nothing of this one. "" forgets it."""
    if url:
        instance.put(scope, links.STORED, url)
    else:
        instance.forget(scope, links.STORED)
    instance.forget(scope, KEY)
    scope.audit("shop.address", "shop", url=url)
    scope.committed.append(links.changed)


def begin_check(scope: Scope, url: str) -> str:
    """The one-time word of a page that a phone opens under `url`; the one before it ends."""
    token = secrets.token(12)
    expires = (scope.now + LIVES).isoformat()
    instance.put(scope, KEY, {"digest": secrets.digest(token), "expires": expires, "url": url})
    return token


def is_waiting(scope: Scope, token: str, url: str) -> bool:
    """Is this the check that runs, of this address, not yet opened?"""
    kept, known = instance.get(scope, KEY), instance.get(scope, links.CHECKED)
    if kept is None or kept["digest"] != secrets.digest(token) or kept["url"] != url:
        return False
    over = datetime.fromisoformat(kept["expires"]) <= scope.now
    return not over and (known is None or known.get("digest") != kept["digest"])


def opened(scope: Scope, token: str, *, host: str, remote: str, said: bool = False) -> Seen:
    """A phone has opened the page of that word. host: as it was asked for; remote: where it came from, as far as we see.

    checked: it came from the internet, or nobody else could open this address anyway, or (`said`) a proxy hides where it
    came from and the person said that it was from outside. ask: only the person can tell. elsewhere: this is another
    address than the one to be checked.
    """
    kept = instance.get(scope, KEY)
    if (
        kept is None
        or kept["digest"] != secrets.digest(token)
        or datetime.fromisoformat(kept["expires"]) <= scope.now
    ):
        return "unknown"
    url = kept["url"]
    if host.lower() != urlsplit(url).netloc:
        return "elsewhere"
    known = instance.get(scope, links.CHECKED)
    if known is not None and known["url"] == url and known.get("digest") == kept["digest"]:
        return "checked"
    if links.is_own_network(url):
        how = "network"
    elif _from_the_internet(remote):
        how = "outside"
    elif said:
        how = "said"
    else:
        return "ask"
    at = scope.now.isoformat()
    instance.put(scope, links.CHECKED, {"url": url, "at": at, "how": how, "digest": kept["digest"]})
    scope.audit("shop.address_checked", "shop", url=url, how=how)
    scope.committed.append(links.changed)
    return "checked"


def _from_the_internet(remote: str) -> bool:
    try:
        return ipaddress.ip_address(remote).is_global
    except ValueError:
        return False
