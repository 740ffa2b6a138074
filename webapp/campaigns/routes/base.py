"""What the pages of campaigns share."""

from __future__ import annotations

from webapp.kernel import edge

bp = edge.blueprint("campaigns", "webapp.campaigns.routes")
