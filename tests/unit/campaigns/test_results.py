"""Figures: each is counted from rows, and opens to exactly as many rows as it says."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from tests.factories import make_offer, make_order
from tests.support.databases import OTHER_IN_DRILL
from tests.unit.campaigns.shop import Shop
from webapp.campaigns import jobs, laying, results
from webapp.coupons import service as coupons
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel.scope import Ring, Scope
from webapp.outbox import service as outbox
from webapp.outbox.models import Delivery
from webapp.plugin_api import Message, Outcome

pytestmark = OTHER_IN_DRILL


def test_each_figure_opens_to_its_rows(shop: Shop) -> None:
    """Sent, failed by reason, left out by reason, opened: as many rows as the figure says, page by page."""
    shop.members(9)
    shop.members(2, first=50, consents={})

    def answer(message: Message) -> Outcome:
        return Outcome("failed", "bad_address") if message.to.value < "m00003" else Outcome("sent")

    shop.channel.answer = answer
    campaign = shop.draft()
    found = shop.run(campaign)
    sent = shop.read(
        lambda scope: scope.session.scalars(select(Delivery.id).where(Delivery.state == "sent")).all()
    )
    shop.write(
        lambda scope: [outbox.receipt(scope, one, "opened", once=True) for one in (*sent[:3], sent[0])]
    )
    found = shop.results(campaign)
    assert (found.audience, found.promised, found.sent, found.opened) == (11, 9, 7, 3)
    assert (found.failed, found.left_out) == ({"bad_address": 2}, {"no_consent": 2})

    def count(show: str, reason: str | None = None) -> int:
        seen, after = 0, 0
        while True:
            page = shop.read(
                lambda scope: results.rows(scope, campaign, show, reason=reason, after=after, limit=2)  # noqa: B023
            )
            seen += len(page[:2])
            if len(page) <= 2:
                return seen
            after = page[1].delivery.id

    assert [count(show) for show in ("promised", "sent", "failed", "left_out", "opened", "unknown")] == [
        9,
        7,
        2,
        2,
        3,
        0,
    ]
    assert (count("failed", "bad_address"), count("left_out", "no_address")) == (2, 0)


def test_revenue_comes_from_orders_and_the_counters_baskets_stand_apart(shop: Shop) -> None:
    """Two coupons are redeemed; the till's order of one comes, and moves its basket into the revenue."""
    first, _second = shop.members(2)
    offer = shop.write(lambda scope: make_offer(scope))
    campaign = shop.draft(offer=offer)
    shop.run(campaign)
    codes = shop.read(
        lambda scope: scope.session.scalars(select(Coupon.code).order_by(Coupon.member_id)).all()
    )

    def use(scope: Scope) -> None:
        for n, code in enumerate(codes):
            done = coupons.redeem(
                scope, typed=code, basket_minor=150_00, key=f"a-key-of-{n}-x", till_number=f"till-{n}"
            )
            assert isinstance(done, Redemption), done

    shop.write(use)
    before = shop.results(campaign)
    assert (before.coupons.claimed, before.coupons.redeemed, before.coupons.saved_minor) == (2, 2, 40_00)
    assert (before.coupons.revenue_minor, before.counter, before.counter_minor) == (0, 2, 300_00)

    def come(scope: Scope) -> None:
        order = make_order(scope, first, scope.today, 130_00, number="till-0")
        coupons.join_orders(scope, order.id, order.id)

    shop.write(come)
    after = shop.results(campaign)
    assert (after.coupons.revenue_minor, after.coupons.orders) == (130_00, 1)
    assert (after.counter, after.counter_minor) == (1, 150_00)


def test_laying_that_nobody_moves_on_is_rung_for_again(shop: Shop) -> None:
    shop.members(4)
    campaign = shop.draft()
    shop.send(campaign)
    assert jobs.stale(shop.db) == []
    from webapp.kernel import clock

    later = clock.now() + timedelta(seconds=20)
    with clock.fixed(later):
        ring = Ring("campaigns.lay", {"brand_id": shop.brand.id, "campaign_id": campaign})
        assert jobs.stale(shop.db) == [ring]
        shop.write(lambda scope: laying.step(scope, campaign, {"after": 0, "laid": 0}, 2))
        jobs.lay(shop.db, **ring.ids)
        assert jobs.stale(shop.db) == []
    assert len(shop.deliveries(campaign)) == 4
