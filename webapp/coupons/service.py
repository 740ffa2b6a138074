"""What other rooms do with coupons: make offers, give coupons, use them, undo."""

from __future__ import annotations

from webapp.coupons.checking import OfferDetails, Wrong
from webapp.coupons.issue import give, issue, issue_for_campaign
from webapp.coupons.join import join_orders
from webapp.coupons.offers import (
    allow_each,
    change_offer,
    close_offer,
    new_offer,
    open_offer,
    remove_draft,
    set_who,
)
from webapp.coupons.queries import coupon_path
from webapp.coupons.redeem import Quoted, claim, look, quote, redeem, void
from webapp.coupons.undoing import reverse
from webapp.kernel import links

__all__ = [
    "OfferDetails",
    "Quoted",
    "Wrong",
    "allow_each",
    "change_offer",
    "claim",
    "close_offer",
    "coupon_url",
    "give",
    "issue",
    "issue_for_campaign",
    "join_orders",
    "look",
    "new_offer",
    "open_offer",
    "quote",
    "redeem",
    "remove_draft",
    "reverse",
    "set_who",
    "void",
]


def coupon_url(token: str) -> str:
    """The whole address of a coupon's page, for messages. Raises UserError in a process that was told no address."""
    return links.absolute(None, coupon_path(token))
