"""Offers, coupons, redemptions: every promise and every transition is a row."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk, clustered
from webapp.kernel.types import JsonValue, UtcDateTime


class Offer(BrandRow, Base):
    """A promotion of one coupon type. The limits are kept by conditional updates of `issued`, `saved_minor` and OfferDay.

    draft -> open <-> closed. stock, per_day (coupons given on one local day), budget_minor (what all its redemptions that
    stand may save together) None: unlimited. claim_from, claim_until: coupons are given from the first moment on and
    before the second. who: the segment rule that a member must fit, None: anybody. by_code: only holders of one of its
    codes (OfferCode). token: the word of its public page, None: it has none. place: where several coupons join on one
    basket, the lower one is reckoned first. remind_days: so many days before a coupon's last day its member is reminded of
    it (webapp.reminders), None: not.
    terms_version: the version that new coupons get.
    """

    __tablename__ = "offer"
    __table_args__ = (
        UniqueConstraint("brand_id", "code"),
        Index("ix_offer_token", "brand_id", "token", unique=True),
        Index(
            "ix_offer_remind",
            "brand_id",
            sqlite_where=text("remind_days IS NOT NULL"),
            postgresql_where=text("remind_days IS NOT NULL"),
        ),
        CheckConstraint("stock IS NULL OR issued <= stock", name="stock"),
    )

    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    type_key: Mapped[str] = mapped_column(String(60))
    terms_version: Mapped[int] = mapped_column(Integer, default=1)
    state: Mapped[str] = mapped_column(String(10))  # draft, open, closed
    stock: Mapped[int | None] = mapped_column(BigInteger)
    issued: Mapped[int] = mapped_column(BigInteger, default=0)
    per_person: Mapped[int] = mapped_column(Integer, default=1)
    per_day: Mapped[int | None] = mapped_column(Integer)
    budget_minor: Mapped[int | None] = mapped_column(BigInteger)
    saved_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    claim_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claim_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    who: Mapped[dict[str, Any] | None] = mapped_column(JsonValue)
    by_code: Mapped[bool | None]  # None: no
    token: Mapped[str | None] = mapped_column(String(40))
    place: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    remind_days: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OfferTerms(BrandRow, Base):
    """A version of what an offer promises: its typed terms, as its coupon type reads them, its window, and when, where and
    with what it can be used (`conditions`, read by webapp.coupons.conditions).

    A coupon keeps the version it was issued under. valid_from: the first local day (None: from its issue on). valid_until:
    the last local day; valid_days: days from the claim, the day of the claim counted; whichever ends first counts, and at
    least one of the two is set.
    """

    __tablename__ = "offer_terms"
    __table_args__ = (
        UniqueConstraint("brand_id", "offer_id", "version"),
        brand_fk("offer_id", "offer"),
        CheckConstraint("valid_days IS NOT NULL OR valid_until IS NOT NULL", name="ends"),
    )

    offer_id: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer)
    type_version: Mapped[int] = mapped_column(Integer, default=1)
    terms: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    conditions: Mapped[dict[str, Any]] = mapped_column(JsonValue, default=dict, server_default="{}")
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_days: Mapped[int | None] = mapped_column(Integer)
    valid_until: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OfferAllowance(Base):
    """How many coupons of an offer a person has had: the limit per person is a conditional update of `used`."""

    __tablename__ = "offer_allowance"
    __table_args__ = clustered(brand_fk("offer_id", "offer"))

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    used: Mapped[int] = mapped_column(Integer, default=0)


class OfferDay(Base):
    """How many coupons of an offer were given on a local day: the limit per day is a conditional update of `used`."""

    __tablename__ = "offer_day"
    __table_args__ = clustered(brand_fk("offer_id", "offer"))

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    used: Mapped[int] = mapped_column(Integer, default=0)


class OfferCode(BrandRow, Base):
    """A word that brings a coupon of an offer to whoever holds it: shared (a word of the shop's, `most` times in all) or one
    of a printed batch (once). `used` is kept by conditional updates. batch: the form that made it, blank for a shared one.
    """

    __tablename__ = "offer_code"
    __table_args__ = (
        UniqueConstraint("brand_id", "code"),
        Index(None, "brand_id", "offer_id", "batch", "id"),
        brand_fk("offer_id", "offer"),
        CheckConstraint("most IS NULL OR used <= most", name="most"),
    )

    offer_id: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str] = mapped_column(String(40))
    batch: Mapped[str] = mapped_column(String(40), default="")
    most: Mapped[int | None] = mapped_column(Integer)
    used: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OfferEvent(BrandRow, Base):
    """A public page with several offers under one title. token: the word of its page (secrets.brand_of); offers: ids in the
    page's order; shown: False while it is taken down, its address stays."""

    __tablename__ = "offer_event"
    __table_args__ = (UniqueConstraint("brand_id", "token"),)

    token: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(String(2000), default="")
    offers: Mapped[list[int]] = mapped_column(JsonValue)
    shown: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Coupon(BrandRow, Base):
    """One member's right under an offer. token: the unguessable word of its page, which names the brand (secrets.brand_of);
    code: what a clerk types.

    issued (a message carries it) -> claimed (the member took it, or a clerk typed its code) -> redeemed -> reversed (given
    back, usable again) -> redeemed ...; void is an end. Expired is no stored state: it is what a usable coupon is once its
    last day has passed in the brand's zone (queries.state_on), so that no sweep can be late.

    held: kept aside for one basket, or for a member who has yet to use it, until `held_until`; then it goes back to what it
    was, or to the stock where claimed_at is None (holds.py).

    valid_until: the last local day; None while it is issued and its end is counted from the claim.
    """

    __tablename__ = "coupon"
    __table_args__ = (
        UniqueConstraint("brand_id", "code"),
        UniqueConstraint("brand_id", "offer_id", "member_id", "occurrence"),
        UniqueConstraint("brand_id", "token"),
        Index(None, "brand_id", "offer_id", "state"),
        Index(None, "brand_id", "member_id"),
        Index(None, "brand_id", "person_id", "id"),  # with the id: a page of the newest is read as it stands
        Index(None, "brand_id", "campaign_id", "state"),
        Index(
            "ix_coupon_held",
            "brand_id",
            "held_until",
            sqlite_where=text("held_until IS NOT NULL"),
            postgresql_where=text("held_until IS NOT NULL"),
        ),
        brand_fk("offer_id", "offer"),
        brand_fk("member_id", "member"),
    )

    offer_id: Mapped[int] = mapped_column(BigInteger)
    member_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(BigInteger)
    occurrence: Mapped[str] = mapped_column(String(40))  # what it was given for: campaign:<id>, staff:<key>
    campaign_id: Mapped[int | None] = mapped_column(BigInteger)
    terms_version: Mapped[int] = mapped_column(Integer)
    token: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(10))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    redeemed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CouponChange(BrandRow, Base):
    """Every transition of a coupon. Append-only."""

    __tablename__ = "coupon_change"
    __table_args__ = (Index(None, "brand_id", "coupon_id", "id"), brand_fk("coupon_id", "coupon"))

    coupon_id: Mapped[int] = mapped_column(BigInteger)
    from_state: Mapped[str | None] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[int] = mapped_column(BigInteger)
    detail: Mapped[dict[str, Any]] = mapped_column(JsonValue)


class Redemption(BrandRow, Base):
    """A coupon used at a store by staff. Never an order: the order with that till number joins it, and is revenue.

    open_coupon_id repeats coupon_id while the redemption stands and is None once reversed: a coupon has at most one
    standing redemption, kept by the unique key. redeemed_on: the brand-local day. basket_id: the id of the first of those
    that were used together on one basket, its own where it stands alone (None: from before there were several).
    lines: what each line of the basket was saved, in its order, where the basket had lines. gift: what was handed over.
    bought_minor, first_saving_minor: the basket and the saving as they were when it was used, where a part of the basket came
    back since (models_counter.BasketReturn); basket_minor, saving_minor and lines are of what stays.
    """

    __tablename__ = "redemption"
    __table_args__ = (
        UniqueConstraint("brand_id", "open_coupon_id"),
        Index(None, "brand_id", "coupon_id"),
        Index(None, "brand_id", "till_number"),
        Index(None, "brand_id", "redeemed_on"),
        Index(None, "brand_id", "order_id"),
        Index(None, "brand_id", "basket_id"),
        brand_fk("coupon_id", "coupon"),
        brand_fk("store_id", "store"),
        brand_fk("order_id", "orders"),
    )

    coupon_id: Mapped[int] = mapped_column(BigInteger)
    open_coupon_id: Mapped[int | None] = mapped_column(BigInteger)
    store_id: Mapped[int | None] = mapped_column(BigInteger)
    staff_id: Mapped[int] = mapped_column(BigInteger)
    basket_minor: Mapped[int] = mapped_column(BigInteger)
    saving_minor: Mapped[int] = mapped_column(BigInteger)
    till_number: Mapped[str | None] = mapped_column(String(80))
    order_id: Mapped[int | None] = mapped_column(BigInteger)
    basket_id: Mapped[int | None] = mapped_column(BigInteger)
    lines: Mapped[list[dict[str, Any]] | None] = mapped_column(JsonValue)
    gift: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    bought_minor: Mapped[int | None] = mapped_column(BigInteger)
    first_saving_minor: Mapped[int | None] = mapped_column(BigInteger)
    redeemed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    redeemed_on: Mapped[date] = mapped_column(Date)
    reversed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reversed_by: Mapped[int | None] = mapped_column(BigInteger)
