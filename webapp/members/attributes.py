"""Columns of a shop's own about its members: how they are called and defined."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from sqlalchemy import select

from webapp.kernel.scope import Scope
from webapp.members.models import AttributeDefinition


def define_attributes(scope: Scope, kinds: Mapping[str, str]) -> dict[str, tuple[int, str]]:
    """Attribute key -> (id, kind); those that are not defined yet are, as `kinds` says (text, number, date)."""
    of_brand = select(AttributeDefinition).where(AttributeDefinition.brand_id == scope.brand.id)
    known = {row.key: (row.id, row.kind) for row in scope.session.scalars(of_brand)}
    for key, kind in kinds.items():
        if key not in known:
            id_ = scope.new_id()
            scope.session.add(
                AttributeDefinition(brand_id=scope.brand.id, id=id_, key=key, label=key, kind=kind)
            )
            known[key] = (id_, kind)
    scope.session.flush()
    return {key: known[key] for key in kinds}


def attribute_key(header: str) -> str:
    """The key of a file's column: in one spelling, at most 60 characters."""
    return unicodedata.normalize("NFC", " ".join(header.split()))[:60]
