"""A campaign whose offer is for some members, so many a day, or not at this time: said before it goes, kept when it goes."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from tests.factories import make_offer, make_order
from tests.unit.campaigns.shop import Shop
from webapp.campaigns import service, wording
from webapp.coupons import service as coupons
from webapp.coupons.models import Offer
from webapp.segments.rules import Condition, Rule


def test_what_the_review_tells_is_what_is_laid(shop: Shop) -> None:
    bought = shop.members(8)[:5]
    offer = shop.write(lambda scope: make_offer(scope, per_day=3))

    def narrow(scope) -> None:  # type: ignore[no-untyped-def]
        for member in bought:
            make_order(scope, member, shop.yesterday)
        coupons.set_who(scope, offer.id, Rule((Condition("orders", least=1),)))

    shop.write(narrow)
    campaign = shop.draft(offer=offer)
    left_out = {"not_for_them": 3, "day_limit": 2}
    seen = shop.read(lambda scope: service.review(scope, campaign))
    assert (seen.counted.reached, seen.counted.left_out, seen.blocked) == (3, left_out, ())
    done = shop.run(campaign)
    assert (done.sent, done.left_out, done.coupons.issued) == (3, left_out, 3)
    assert shop.issued(offer) == (3, 3)
    assert set(left_out) <= set(wording.REASONS)


def test_it_does_not_go_while_its_offer_gives_nothing(shop: Shop) -> None:
    shop.members(2)
    now = shop.read(lambda scope: scope.now)
    offer = shop.write(lambda scope: make_offer(scope, claim_from=now + timedelta(hours=1)))
    campaign = shop.draft(offer=offer)
    refused = shop.send(campaign)
    assert refused is not None and refused.code == "offer_window" and refused.code in wording.REFUSALS
    shop.write(lambda scope: scope.session.execute(update(Offer).values(claim_from=now, claim_until=None)))
    assert shop.run(campaign).sent == 2
