"""What is asked and answered, as types: bodies are checked against them, answers are made of them, and the OpenAPI document
(openapi.py) is written from them. Ids are strings; money is an integer of minor units beside its currency.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

MOST_MINOR = 10**12
MOST_CODES = 20
MOST_LINES = 100
PLAIN = "^[^\\u0000]*$"  # no database takes a NUL

Id = Annotated[str, Meta(pattern="^[0-9]{1,19}$", description="A number, as a string.", examples=["4711"])]
Minor = Annotated[int, Meta(ge=0, le=MOST_MINOR, description="In minor units: 12850 is 128.50.")]
Currency = Annotated[
    str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217; the shop's own.", examples=["CNY"])
]
Typed = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=300,
        pattern=PLAIN,
        description="A coupon's code as typed or scanned; the address in its QR code will do.",
        examples=["T7KQM4XWM"],
    ),
]
Word = Annotated[str, Meta(max_length=120, pattern=PLAIN)]
Till = Annotated[
    str,
    Meta(
        max_length=80,
        pattern=PLAIN,
        description="The receipt's number. The order with this number joins the redemption.",
        examples=["R-20317"],
    ),
]
Codes = Annotated[list[Typed], Meta(min_length=1, max_length=MOST_CODES)]


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent to us: a field that we do not know is a mistake, and told."""


class Answer(Struct, frozen=True):
    """What we send."""


# ----------------------------------------------------------------------------------------------------------- asked for


class Line(Asked, frozen=True, kw_only=True):
    """One line of the basket. `product` and `category` are the till's own words."""

    amount_minor: Annotated[Minor, Meta(description="Of all its pieces, before any coupon.")]
    quantity: Annotated[int, Meta(ge=1, le=9999)] = 1
    product: Word = ""
    category: Word = ""


Lines = Annotated[
    list[Line],
    Meta(min_length=1, max_length=MOST_LINES, description="Where both are given, they sum to `total_minor`."),
]


class Basket(Asked, frozen=True, kw_only=True):
    """What the member buys: its total, or its lines, or both."""

    currency: Currency
    total_minor: Minor | UnsetType = UNSET
    lines: Lines | UnsetType = UNSET
    store: Id | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.total_minor is UNSET and self.lines is UNSET:
            raise ValueError("Give `total_minor`, `lines` or both")


class QuoteAsked(Basket, frozen=True, kw_only=True):
    """Coupons, and a basket to try them on. Nothing is changed."""

    codes: Codes


class RedeemAsked(Basket, frozen=True, kw_only=True):
    """Coupons to use together on a basket: all of them, or none.

    With `quote` (of an answer to POST /quote) exactly what it applied is used, and what it left out stays unused. Without it
    every code has to apply.
    """

    codes: Codes
    quote: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")] | UnsetType = UNSET
    till_number: Till = ""


class Who(Asked, frozen=True, kw_only=True):
    """A member by their number, or by a phone as people write it; one of the two."""

    number: (
        Annotated[str, Meta(min_length=1, max_length=60, pattern=PLAIN, examples=["m00017"])] | UnsetType
    ) = UNSET
    phone: (
        Annotated[str, Meta(min_length=3, max_length=40, pattern=PLAIN, examples=["13800138000"])] | UnsetType
    ) = UNSET

    def __post_init__(self) -> None:
        if (self.number is UNSET) == (self.phone is UNSET):
            raise ValueError("Give either `number` or `phone`")


class ClaimAsked(Asked, frozen=True, kw_only=True):
    """A member takes a coupon of an offer."""

    member: Who
    code: Annotated[str, Meta(max_length=40, pattern=PLAIN, description="Where the offer asks for one.")] = ""


class OffersAsked(Asked, frozen=True, kw_only=True):
    """Which offers: by default those that are open. Newest first; `after` is the `next` of the page before."""

    state: Literal["open", "closed", "all"] = "open"
    after: Id | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class CouponAsked(Asked, frozen=True, kw_only=True):
    """Where the coupon would be used; without it, the key's own store or the only one."""

    store: Id | UnsetType = UNSET


# ------------------------------------------------------------------------------------------------------------ answered


class Reason(Answer, frozen=True, kw_only=True):
    """Why not: a stable word, a sentence in the reader's language (Accept-Language), and what it is filled with."""

    code: str
    message: str
    facts: dict[str, Any] | UnsetType = UNSET


class ErrorBody(Reason, frozen=True, kw_only=True):
    """`field`: where in the request it is."""

    field: str | UnsetType = UNSET


class Error(Answer, frozen=True, kw_only=True):
    """The one shape of everything that is not an answer."""

    error: ErrorBody


class StoreRef(Answer, frozen=True, kw_only=True):
    """A store. `code` is what tills and files call it."""

    id: str
    code: str
    name: str


class OfferRef(Answer, frozen=True, kw_only=True):
    """An offer, in short."""

    id: str
    code: str
    name: str


class Offer(OfferRef, frozen=True, kw_only=True):
    """An offer as it is now.

    `stage`: whether its coupons can be taken at this moment, and if not, why. `says`: what it promises and under which
    conditions, in the reader's language. `left`: how many can still be given; null: as many as are asked for. `stores`: it
    can be used in these only; none named: in all.
    """

    type: str
    state: Literal["open", "closed"]
    stage: Literal["soon", "open", "few", "today_gone", "sold_out", "over", "resting"]
    says: list[str]
    currency: str
    least_minor: int
    left: int | None
    per_person: int
    needs_code: bool
    joins: bool
    stores: list[str]
    claim_from: datetime | None
    claim_until: datetime | None
    valid_from: date | None
    valid_until: date | None
    valid_days: int | None


class Offers(Answer, frozen=True, kw_only=True):
    """A page of offers. `next`: what `after` is for the page that follows; null at the end."""

    offers: list[Offer]
    next: str | None


State = Literal["issued", "claimed", "held", "redeemed", "reversed", "expired", "void"]


class Coupon(Answer, frozen=True, kw_only=True):
    """One member's right under an offer. `valid_until`: its last day, null while it is counted from the claim."""

    id: str
    code: str
    state: State
    offer: OfferRef
    valid_from: date
    valid_until: date | None
    held_until: datetime | None


class CouponSeen(Coupon, frozen=True, kw_only=True):
    """A coupon, looked at. `member`: the name, masked. `why`: it cannot be used here and now; null: it can, the basket aside."""

    member: str
    says: list[str]
    usable: bool
    why: Reason | None


class Applied(Answer, frozen=True, kw_only=True):
    """A coupon that counts. `before_minor`: what was to pay before it. `lines_minor`: what each line is saved by it, in the
    basket's order; none where the basket had none. `gift`: what is handed over."""

    code: str
    offer: OfferRef
    before_minor: int
    saving_minor: int
    lines_minor: list[int]
    gift: str


class Unused(Answer, frozen=True, kw_only=True):
    """A coupon that does not count, and why."""

    code: str
    why: Reason


class Quote(Answer, frozen=True, kw_only=True):
    """The allowed combination that saves most. Send `quote` with POST /redemptions to use exactly this."""

    currency: str
    total_minor: int
    saving_minor: int
    to_pay_minor: int
    applied: list[Applied]
    unused: list[Unused]
    quote: str


class Redemption(Answer, frozen=True, kw_only=True):
    """A coupon that was used. `reversed_at`: it was undone."""

    id: str
    code: str
    offer: OfferRef
    saving_minor: int
    lines_minor: list[int]
    gift: str
    redeemed_at: datetime
    reversed_at: datetime | None


class Redeemed(Answer, frozen=True, kw_only=True):
    """What was used together on one basket. Each redemption is reversed by itself."""

    currency: str
    total_minor: int
    saving_minor: int
    to_pay_minor: int
    store: str | None
    till_number: str
    redemptions: list[Redemption]


class Reversed(Answer, frozen=True, kw_only=True):
    """A redemption that was undone. `coupon`: as it stands now, usable again or back in the stock (void)."""

    currency: str
    redemption: Redemption
    coupon: Coupon


class Key(Answer, frozen=True, kw_only=True):
    """The key that asks."""

    name: str
    scopes: list[Literal["offers", "claim", "coupons", "redeem", "reverse"]]
    store: StoreRef | None


class Status(Answer, frozen=True, kw_only=True):
    """It works, and where it stands. `stores`: the open ones that the key reaches."""

    shop: str
    currency: str
    timezone: str
    now: datetime
    today: date
    key: Key
    stores: list[StoreRef]
