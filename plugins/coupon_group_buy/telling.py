"""What those who were in a team are told at its end: once each, in their own language, where they agreed to be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from webapp.plugin_api import CouponView, OfferView, PluginContext, Row

SETTING = "tell"
TAKING = ("open", "few")


def complete(ctx: PluginContext, team: Row, places: Iterable[Row], coupons: Iterable[CouponView]) -> None:
    """Their coupons are good: each gets the page of their own."""
    offer = ctx.coupons.offer_by_id(team["offer_id"])
    if offer is None or not ctx.settings[SETTING]:
        return
    page = {coupon.id: coupon.page for coupon in coupons}
    ctx.tell(
        {_word(place): page[place["coupon_id"]] for place in places if place["coupon_id"] in page},
        key=_key(team),
        subject="Your team is complete: %(offer)s",
        text="The team that you joined is complete (%(offer)s). Your coupon is good from now on. Show it in the shop:",
        offer=offer.name,
    )


def failed(ctx: PluginContext, team: Row, places: Sequence[Row]) -> None:
    """No team came together: nothing is owed, and where another one can be opened while there is something to open it for."""
    offer = ctx.coupons.offer_by_id(team["offer_id"])
    if offer is None or not ctx.settings[SETTING]:
        return
    facts = {"offer": offer.name, "members": len(places), "size": team["size"]}
    if again(offer):
        ctx.tell(
            dict.fromkeys(map(_word, places), offer.page),
            key=_key(team),
            subject="No team came together: %(offer)s",
            text="The team that you joined was not full in time (%(offer)s): it had %(members)s of %(size)s. You owe nothing, "
            "and nothing was used up. While the offer lasts you can open another team or join one:",
            **facts,
        )
    else:
        ctx.tell(
            dict.fromkeys(map(_word, places), ""),
            key=_key(team),
            subject="No team came together: %(offer)s",
            text="The team that you joined was not full in time (%(offer)s): it had %(members)s of %(size)s. You owe nothing, "
            "and nothing was used up. The offer itself is over.",
            **facts,
        )


def again(offer: OfferView) -> bool:
    """Can another team be opened?"""
    return bool(offer.page) and offer.stage in TAKING


def _key(team: Row) -> str:
    """A team ends once."""
    return f"team:{team['id']}"


def _word(place: Row) -> str:
    return f"member:{place['member_id']}"
