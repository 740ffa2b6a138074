"""The sale's own page, by the server's clock, and what the shop's people see of all sales."""

from __future__ import annotations

from datetime import datetime
from math import ceil

from webapp.plugin_api import (
    NotFound,
    OfferView,
    Page,
    PageRequest,
    PluginContext,
    Redirect,
)

from . import reminding

COUNTED = 48 * 3600  # seconds; a sale that is further away says its day alone
TAKING = ("open", "few")


def seconds_to(moment: datetime | None, now: datetime) -> int | None:
    """Until then, rounded up; None where there is no such moment or it has passed."""
    if moment is None or moment <= now:
        return None
    return ceil((moment - now).total_seconds())


def sale(ctx: PluginContext, request: PageRequest) -> Page | NotFound:
    """One look at the offer: nothing is written however many look, and a browser may show it again for a second."""
    offer = ctx.coupons.offer(request.word)
    if offer is None:
        return NotFound()
    towards = offer.claim_from if offer.stage == "soon" else offer.claim_until
    left = seconds_to(towards, request.moment) if offer.stage in ("soon", *TAKING) else None
    return Page(
        "coupon_flash_sale/sale.html",
        {
            "offer": offer,
            "towards": towards if left is not None else None,
            "seconds": left if left is not None and left <= COUNTED else None,
            "clock": clock(left) if left is not None and left <= COUNTED else "",
            "saving": offer.terms["regular"] - offer.terms["price"],
            "taking": offer.stage in TAKING,
        },
        seconds=1,
    )


def clock(seconds: int) -> str:
    """HH:MM:SS, as the script in the page goes on to write it."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def sales(ctx: PluginContext, request: PageRequest) -> Page:
    """All of them, those that are on and coming first."""
    rank = {"open": 0, "few": 0, "soon": 1, "today_gone": 2, "sold_out": 2, "resting": 3, "over": 4}
    offers = sorted(ctx.coupons.offers(), key=lambda one: (rank[one.stage], -one.id))
    return Page(
        "coupon_flash_sale/sales.html",
        {
            "rows": [
                {
                    "offer": one,
                    "page": f"/x/coupon_flash_sale/{one.word}" if one.word and one.state != "draft" else "",
                    "leads": leads(one, request.moment),
                }
                for one in offers
            ]
        },
    )


def leads(offer: OfferView, now: datetime) -> list[int]:
    """How many minutes before it begins one can still be reminded."""
    left = seconds_to(offer.claim_from, now)
    if left is None or offer.state == "closed":
        return []
    return [minutes for minutes in reminding.LEADS if minutes * 60 < left]


def remind(ctx: PluginContext, request: PageRequest) -> Redirect | NotFound:
    """A task for whoever asks, so many minutes before the sale begins."""
    offer = next((one for one in ctx.coupons.offers() if str(one.id) == request.form.get("offer")), None)
    minutes = request.form.get("minutes", "")
    if not request.posted:
        return Redirect(request.address())
    if offer is None or not minutes.isascii() or not minutes.isdigit():
        return NotFound()
    if int(minutes) not in leads(offer, request.moment) or offer.claim_from is None:
        return Redirect(request.address(), "It begins too soon for that.", tone="warn")
    fresh = reminding.plan(ctx, offer.id, offer.claim_from, int(minutes), request.staff)
    if not fresh:
        return Redirect(request.address(), "You are reminded of it already.")
    return Redirect(
        request.address(),
        "You get a task %(minutes)s min before it begins.",
        facts={"minutes": int(minutes)},
    )
