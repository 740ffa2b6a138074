"""Offers of the coupon type that ships with the product. The app's plugins must be loaded (fixture `app`)."""

from __future__ import annotations

from typing import Any

from webapp.coupons import offers
from webapp.coupons.models import Offer
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope

TYPE = "spend_and_save"


def make_offer(
    scope: Scope,
    terms: dict[str, Any] | None = None,
    *,
    type_key: str = TYPE,
    state: str = "open",
    **details: Any,
) -> Offer:
    """Spend 100.00, save 20.00; `details` are fields of coupons.offers.OfferDetails."""
    values = {"name": "Twenty off", "valid_days": 30} | details
    made = offers.new_offer(
        scope,
        type_key,
        offers.OfferDetails(
            terms=terms or {"mode": "steps", "steps": [{"spend": 100_00, "save": 20_00}]}, **values
        ),
    )
    assert not isinstance(made, list), made
    if state == "open":
        opened = offers.open_offer(scope, made.id)
        assert not isinstance(opened, Refused), opened
    return made


def make_group_buy(scope: Scope, *, size: int = 3, minutes: int = 60, **details: Any) -> Offer:
    """20.00 off for each of a team of three that is full within an hour; `enough` is a term, the rest are details."""
    terms: dict[str, Any] = dict.fromkeys(("enough", "amount", "basis_points", "most", "least"))
    terms |= {"size": size, "minutes": minutes, "amount": 20_00, "enough": details.pop("enough", None)}
    return make_offer(scope, terms, type_key="group_buy", **({"name": "Tea for three"} | details))


def make_flash_sale(scope: Scope, *, minutes: int | None = 30, **details: Any) -> Offer:
    """A cup for 49.00 instead of 99.00, kept for 30 minutes."""
    terms = {"product": "保温杯", "word": None, "price": 49_00, "regular": 99_00, "minutes": minutes}
    return make_offer(scope, terms, type_key="flash_sale", **({"name": "Cups"} | details))
