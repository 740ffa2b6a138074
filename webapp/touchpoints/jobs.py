"""Work that nobody waits for: what was ticked on an offer's public page."""

from __future__ import annotations

from typing import Any

from webapp.kernel import events
from webapp.kernel.scope import Scope
from webapp.touchpoints import claiming


@events.on("offer.ticked", "touchpoints.agree")
def ticked(scope: Scope, payload: dict[str, Any]) -> None:
    """A box was ticked: it counts, unless it was said otherwise by somebody with this phone or address."""
    said = [(channel, purpose) for channel, purpose in payload["said"]]
    claiming.agree(scope, payload["member_id"], said, payload["source"])
