"""Regulars · 回头客: members, groups and campaigns for a small retailer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["create_app"]


def create_app(*args: Any, **kwargs: Any) -> Flask:
    """The web application (webapp.app.create_app). Imported when called: the kernel can be had without the pages."""
    from webapp.app import create_app as make

    return make(*args, **kwargs)
