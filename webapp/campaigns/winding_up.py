"""The end of a campaign: coupons whose message never went out return to the stock, then it is done."""

from __future__ import annotations

from sqlalchemy import and_, select

from webapp.campaigns import queries, states
from webapp.coupons.give_back import give_back
from webapp.coupons.models import Coupon
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.outbox import queries as outbox
from webapp.outbox.models import Delivery

CHUNK = 200  # coupons a unit
UNSENT = ("left_out", "cancelled")


def wind_up(db: Database, brand: BrandRef, campaign_id: int) -> int:
    """Give back in chunks; end what has nothing left. Safe at any time, by anyone. Returns how many coupons returned."""
    returned = 0

    def unit(scope: Scope) -> tuple[int, bool]:
        some = unsent_coupons(scope, campaign_id, CHUNK)
        count = give_back(scope, some, "unsent")
        if len(some) < CHUNK:
            _end(scope, campaign_id)
        return count, len(some) == CHUNK and count > 0

    more = True
    while more:
        count, more = db.write(unit, brand=brand)
        returned += count
    return returned


def _end(scope: Scope, campaign_id: int) -> None:
    state = queries.get(scope, campaign_id, hold=True).state
    if state in ("sending", "cancelled") and not outbox.left(scope, campaign_id):
        states.finish(scope, campaign_id)


def unsent_coupons(scope: Scope, campaign_id: int, limit: int) -> list[int]:
    """Coupons that nobody has taken, of a campaign's deliveries that were left out or cancelled."""
    campaign = queries.get(scope, campaign_id)
    if not campaign.gives:
        return []
    return list(
        scope.session.scalars(
            select(Coupon.id)
            .join(
                Delivery,
                and_(
                    Delivery.brand_id == Coupon.brand_id,
                    Delivery.campaign_id == Coupon.campaign_id,
                    Delivery.recipient_kind == "member",
                    Delivery.recipient_id == Coupon.member_id,
                    Delivery.occurrence == 0,
                ),
            )
            .where(
                Coupon.brand_id == scope.brand.id,
                Coupon.campaign_id == campaign_id,
                Coupon.state == "issued",
                Delivery.state.in_(UNSENT),
            )
            .order_by(Coupon.id)
            .limit(limit)
        )
    )
