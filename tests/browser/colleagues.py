"""Somebody who works in a store, and somebody who is invited."""

from __future__ import annotations

from typing import Any

from webapp.brands import queries as brands
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.staff import invites, service


def let_in(scope: Scope) -> dict[str, Any]:
    """Ids for the addresses of the walk."""
    store = brands.stores(scope)[0].id
    lin = service.let_in(scope, email="lin@acme.example", role="guide", name="Lin Xiaoyu", stores=[store])
    made = invites.invite(
        scope, email="mei@acme.example", role="clerk", stores=[store], key="invited-for-the-walk"
    )
    assert not isinstance(made, Refused)
    return {"colleague": lin.id, "invite": made[1]}
