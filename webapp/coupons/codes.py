"""Words that bring a coupon of an offer: shared ones of the shop's, and printed batches of one each."""

from __future__ import annotations

import unicodedata

from sqlalchemy import select

from webapp.coupons.models import OfferCode
from webapp.kernel.scope import Scope

LONGEST = 40  # characters of a word


def normal(typed: str) -> str:
    """What was meant: letters and digits only, capitals, however it was typed (wide letters of a Chinese keyboard too)."""
    word = unicodedata.normalize("NFKC", typed[: 4 * LONGEST]).upper()
    return "".join(c for c in word if c.isalnum())[: LONGEST + 1]


def find(scope: Scope, typed: str) -> OfferCode | None:
    """The code of a typed word, whichever offer it is of, as it stands now."""
    word = normal(typed)
    if not word:
        return None
    return scope.session.scalars(
        select(OfferCode)
        .where(OfferCode.brand_id == scope.brand.id, OfferCode.code == word)
        .execution_options(populate_existing=True)
    ).one_or_none()
