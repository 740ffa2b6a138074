"""A campaign from the draft to its end: who gets it, who is left out and why, what stands in the rows."""

from __future__ import annotations

from collections import Counter

from tests.factories import make_member, make_offer, make_order
from tests.support.databases import OTHER_IN_DRILL
from tests.unit.campaigns.shop import DORMANT, EVERYBODY, Shop
from webapp.campaigns import service, states
from webapp.members import service as members

pytestmark = OTHER_IN_DRILL


def test_everyone_of_the_audience_gets_one_message_or_a_reason(shop: Shop) -> None:
    """Audience = sent + left out by reason, and the review said so before."""
    shop.members(7)
    shop.members(2, first=100, consents={})
    shop.write(lambda scope: make_member(scope, name="No address", consents={"scripted": True}))
    campaign = shop.draft()
    seen = shop.read(lambda scope: service.review(scope, campaign))
    assert (seen.counted.total, seen.counted.reached) == (10, 7)
    assert seen.counted.left_out == {"no_address": 1, "no_consent": 2}
    done = shop.run(campaign)
    assert (done.audience, done.promised, done.sent) == (10, 7, 7)
    assert done.left_out == seen.counted.left_out
    assert shop.channel.addresses() == Counter({f"m{n:05}@example.com": 1 for n in range(1, 8)})
    first = next(one for one in shop.channel.said if one.to.value == "m00001@example.com")
    assert first.content["subject"] == "Hello Member 1"
    assert first.content["html"].startswith("<p>We miss you, <b>Member 1</b>.</p>")
    assert shop.state(campaign) == "done"


def test_coupons_are_given_with_the_rows_and_stock_is_kept_to(shop: Shop) -> None:
    """The exact number the review told; those without a coupon have the reason, and each message its own coupon."""
    shop.members(8)
    offer = shop.write(lambda scope: make_offer(scope, stock=6))
    other = shop.draft(offer=offer)
    seen = shop.read(lambda scope: service.review(scope, other))
    assert (seen.counted.reached, seen.counted.left_out) == (6, {"no_coupon": 2})
    assert (seen.most_coupons, seen.most_minor, seen.unmentioned) == (6, 20_00, False)
    done = shop.run(other)
    assert (done.sent, done.left_out, done.coupons.issued) == (6, {"no_coupon": 2}, 6)
    assert shop.issued(offer) == (6, 6)
    texts = [one.content["text"] for one in shop.channel.said]
    assert len(set(texts)) == 6
    assert all("https://shop.example/c/" in text and "100.00" in text for text in texts), texts[0]
    again = shop.draft(offer=offer)
    blocked = shop.read(lambda scope: service.review(scope, again))
    assert blocked.counted.left_out == {"coupon_limit": 6, "no_coupon": 2}
    assert [one.code for one in blocked.blocked] == ["nobody"]


def test_who_has_ordered_since_is_left_out_of_a_campaign_to_the_dormant(shop: Shop) -> None:
    """Before it goes, on the way out, and never in a campaign to everybody; their coupon returns to the stock."""
    early, late, _stays = shop.members(3, stage="dormancy")
    shop.write(lambda scope: make_order(scope, early, shop.today))
    offer = shop.write(lambda scope: make_offer(scope, stock=3))
    campaign = shop.draft(DORMANT, offer=offer)
    seen = shop.read(lambda scope: service.review(scope, campaign))
    assert (seen.counted.reached, seen.counted.left_out) == (2, {"ordered_since": 1})
    assert shop.send(campaign) is None
    shop.lay(campaign)
    assert shop.issued(offer) == (2, 2)
    shop.write(lambda scope: make_order(scope, late, shop.today))
    shop.drain(campaign)
    assert shop.by_outcome(campaign) == Counter({("sent", None): 1, ("left_out", "ordered_since"): 2})
    assert shop.coupons(offer) == Counter({"issued": 1, "void": 1})
    assert shop.issued(offer) == (1, 1)
    assert shop.run(shop.draft(EVERYBODY)).sent == 3


def test_an_order_of_before_does_not_leave_anyone_out(shop: Shop) -> None:
    """What the audience knew of when it was made is no news."""
    (member,) = shop.members(1, stage="churn")
    shop.write(lambda scope: make_order(scope, member, shop.yesterday))
    campaign = shop.draft({"all": [{"field": "stage", "in": ["dormancy", "churn"]}]})
    assert shop.run(campaign).sent == 1


def test_consent_withdrawn_after_laying_is_heeded(shop: Shop) -> None:
    stays, leaves = shop.members(2)
    campaign = shop.draft()
    assert shop.send(campaign) is None
    shop.lay(campaign)
    shop.write(
        lambda scope: members.set_consent(scope, leaves.id, "scripted", "marketing", False, "unsubscribe")
    )
    shop.drain(campaign)
    assert shop.deliveries(campaign) == {stays.id: ("sent", None), leaves.id: ("left_out", "no_consent")}


def test_cancelling_returns_the_coupons_of_what_was_not_sent(shop: Shop) -> None:
    shop.members(5)
    offer = shop.write(lambda scope: make_offer(scope, stock=5))
    campaign = shop.draft(offer=offer)
    assert shop.send(campaign) is None
    shop.lay(campaign)
    assert shop.issued(offer) == (5, 5)
    assert shop.write(lambda scope: states.cancel(scope, campaign)) is None
    shop.drain(campaign)
    assert shop.by_outcome(campaign) == Counter({("cancelled", None): 5})
    assert shop.issued(offer) == (0, 0)
    assert shop.coupons(offer) == Counter({"void": 5})
    assert shop.read(lambda scope: states.queries.get(scope, campaign).finished_at) is not None
    assert not shop.channel.said
