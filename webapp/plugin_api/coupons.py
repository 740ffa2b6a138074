"""What a plugin may ask and do about offers of its own coupon types, and their coupons: `ctx.coupons`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

CouponState = Literal["issued", "claimed", "held", "redeemed", "reversed", "expired", "void"]
Stage = Literal["soon", "open", "few", "today_gone", "sold_out", "over", "resting"]


@dataclass(frozen=True, slots=True)
class OfferView:
    """An offer of one of the plugin's own coupon types, as it is now.

    state: draft, open or closed. stage: whether its coupons can be taken at this moment, and if not, why: soon (not yet), open,
    few (few left), today_gone (this day's are given), sold_out, over, resting (switched off); a draft's is soon. word: of its
    public page, None: it has none. page: the address of the page where it is claimed, blank without a word. stock, left: how many
    there are, and can still be given; None: as many as are asked for. claim_from, claim_until: given from the first moment
    on and before the second. terms: those that new coupons get, as its type reads them.
    """

    id: int
    name: str
    type_key: str
    state: str
    stage: Stage
    word: str | None
    page: str
    stock: int | None
    left: int | None
    claim_from: datetime | None
    claim_until: datetime | None
    terms: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CouponView:
    """A coupon of such an offer. page: the address of its member's page."""

    id: int
    offer_id: int
    state: CouponState
    held_until: datetime | None
    page: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The core said no. code: a stable word, such as sold_out, too_early, too_late, per_person, not_open. facts: JSON."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Coupons(Protocol):
    """Offers and coupons. Only those of the plugin's own coupon types; another one's are as if they were not there
    (None, or Refusal("unknown")). Each verb is safe to repeat."""

    def offers(self) -> list[OfferView]:
        """All of them, newest first."""
        ...

    def offer(self, word: str) -> OfferView | None:
        """The one with this public page; a draft is not shown to anybody: None. It costs a look at two rows by their keys."""
        ...

    def offer_by_id(self, offer_id: int) -> OfferView | None:
        """The one of an id, drafts and those without a page included."""
        ...

    def left(self, offer_id: int) -> int | None:
        """How many can still be given, None: as many as are asked for. 0 for an offer that is not there."""
        ...

    def state(self, coupon_id: int) -> CouponView | None:
        """A coupon as it is now."""
        ...

    def take(
        self, offer_id: int, member: str, key: str, *, code: str = "", until: datetime | None = None
    ) -> CouponView | Refusal:
        """A coupon for `member` (`member:17`), taken at once; held where its type keeps it for minutes only. key: at most 40
        characters; the same key, offer and member give the same answer. code: where the offer asks for one.

        until: it is kept for the member and counts against stock and limits, but nobody can use it before `grant`. At that
        moment (at most 31 days ahead; the end of the coupon's last day where that is sooner: `held_until` says) it goes back
        to the stock by itself.
        """
        ...

    def grant(self, coupon_ids: Sequence[int]) -> list[CouponView] | Refusal:
        """What was kept until a moment is its members' now and its days begin: all of these, or none. Refused where one of
        them cannot be (void, expired; facts: coupon). In a unit that also takes coupons, grant first."""
        ...

    def let_go(self, coupon_ids: Sequence[int]) -> list[CouponView] | Refusal:
        """What is kept until a moment goes back to the stock now, as it would then. One that is not held stays as it is."""
        ...

    def hold(self, coupon_id: int, until: datetime) -> CouponView | Refusal:
        """Keep it aside until then; it goes back to what it was by itself."""
        ...

    def release(self, coupon_id: int) -> CouponView | Refusal:
        """Hold it no longer."""
        ...

    def void(self, coupon_id: int, reason: str = "") -> CouponView | Refusal:
        """Take it away for good: back to the stock and the person's allowance. One that was used is refused (used)."""
        ...
