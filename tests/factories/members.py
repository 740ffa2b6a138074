"""Members."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.members import service
from webapp.members.models import Member


def make_member(
    scope: Scope,
    *,
    joined_on: date | None = None,
    consents: Mapping[str, bool] | None = None,
    **details: Any,
) -> Member:
    """A member; `details` are fields of members.service.Details. consents: {"email": True} for marketing."""
    made = service.add_member(
        scope,
        service.Details(joined_on=joined_on, **({"name": "Li Lei"} | details)),
        consents=consents,
        source="test",
    )
    assert not isinstance(made, Refused), made
    return made


def make_members(scope: Scope, count: int, *, first: int = 1, **more: Any) -> list[Member]:
    """`count` members, numbered m00001 and on, each with an e-mail address of the same name, who agreed to e-mail."""
    return [
        make_member(
            scope,
            **({"number": f"m{n:05}", "name": f"Member {n}", "email": f"m{n:05}@example.com", "consents": {"email": True}} | more),
        )
        for n in range(first, first + count)
    ]  # fmt: skip
