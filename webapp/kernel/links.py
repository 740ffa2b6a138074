"""Addresses that leave the shop: in messages, in QR codes, on receipts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import has_request_context, request

from webapp.kernel.errors import UserError

if TYPE_CHECKING:
    from webapp.kernel.scope import Scope

_base: str | None = None


def use(base: str | None) -> None:
    """Once per process, at start: where members reach this shop (https://shop.example, no slash at the end)."""
    global _base
    _base = base.rstrip("/") if base else None


def base() -> str:
    """REGULARS_PUBLIC_URL, or where `regulars up` listens; a page falls back to the address it was asked under.

    Raises UserError in a background process that was told neither.
    """
    if _base:
        return _base
    if has_request_context():
        return request.host_url.rstrip("/")
    raise UserError(
        "links in messages need the shop's address: set REGULARS_PUBLIC_URL, such as https://shop.example"
    )


def absolute(scope: Scope | None, path: str) -> str:
    """The whole address of a path of ours ("/c/..."). scope: for brands that have an address of their own one day."""
    if not path.startswith("/"):
        raise ValueError(f"a path begins with a slash: {path!r}")
    return base() + path
