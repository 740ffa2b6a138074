"""What coupons promise, looked at row by row: limits, states, histories, redemptions, codes. Nothing is repaired here.

Each promise is one statement that names the rows that break it, so that it sees one moment of a running shop and is the same
on both databases; a sound shop answers with no row. Whoever wants to know whether the coupons are right asks here: the
command, the nightly job, the tests.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)

from webapp.coupons import auditing_limits as limits
from webapp.coupons import auditing_using as using
from webapp.coupons import queries
from webapp.coupons.issue import CODE_LENGTH
from webapp.coupons.models import Coupon, CouponChange, Offer, OfferAllowance, OfferTerms, Redemption
from webapp.kernel import halt, secrets
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope

EXAMPLES = 5  # rows that are named of each broken promise

# Every way that a coupon can go, step by step.
STEPS: tuple[tuple[str, str], ...] = (
    ("issued", "claimed"),
    ("claimed", "redeemed"),
    ("redeemed", "reversed"),
    ("reversed", "redeemed"),
    *((state, "held") for state in queries.USABLE),  # held again: for longer
    ("held", "claimed"),
    ("held", "reversed"),
    *((state, "void") for state in queries.USABLE),
)
STATES = ("issued", "claimed", "held", "redeemed", "reversed", "void")
TAKEN = ("claimed", "redeemed", "reversed")

Broken = Select[Any]  # of the ids that break a promise, in a column named id


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that always holds. about: what the ids are of (coupon, offer). says: what is wrong where it does not."""

    key: str
    about: str
    says: Any  # lazy text
    broken: Callable[[int], tuple[Broken, ...]]  # of a brand's id


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of looking at one promise. broken: how many rows break it; examples: the ids of the first few."""

    promise: Promise
    broken: int
    examples: tuple[int, ...] = ()


def check(db: Database, brand: BrandRef) -> list[Finding]:
    """Look at every promise of a brand, each in a unit of its own that only reads. Fewer come back where the process is
    asked to stop meanwhile."""
    found = []
    for promise in PROMISES:
        if halt.asked():
            break
        with db.read(brand=brand) as scope:
            found.append(look(scope, promise))
    return found


def look(scope: Scope, promise: Promise) -> Finding:
    """Look at one promise."""
    rows = union_all(*promise.broken(scope.brand.id)).subquery()
    named = select(rows.c.id, func.count().over()).order_by(rows.c.id).limit(EXAMPLES)
    answer = scope.session.execute(named).all()
    return Finding(promise, answer[0][1] if answer else 0, tuple(dict.fromkeys(row[0] for row in answer)))


# ---------------------------------------------------------------------------------------------------------------- limits


def _counting(*where: ColumnElement[bool]) -> Any:
    """How many coupons count against the offer of the row around it."""
    return (
        select(func.count())
        .select_from(Coupon)
        .where(Coupon.brand_id == Offer.brand_id, Coupon.offer_id == Offer.id, Coupon.state != "void", *where)
        .correlate(Offer)
        .scalar_subquery()
    )


def _stock_counted(brand: int) -> tuple[Broken, ...]:
    return (select(Offer.id).where(Offer.brand_id == brand, Offer.issued != _counting()),)


def _oversold(brand: int) -> tuple[Broken, ...]:
    return (
        select(Offer.id).where(Offer.brand_id == brand, Offer.stock.is_not(None), Offer.stock < _counting()),
    )


def _allowances(brand: int) -> tuple[Broken, ...]:
    had = (
        select(func.count())
        .select_from(Coupon)
        .where(
            Coupon.brand_id == OfferAllowance.brand_id,
            Coupon.person_id == OfferAllowance.person_id,
            Coupon.offer_id == OfferAllowance.offer_id,
            Coupon.state != "void",
        )
        .correlate(OfferAllowance)
        .scalar_subquery()
    )
    counted = exists().where(
        OfferAllowance.brand_id == Coupon.brand_id,
        OfferAllowance.offer_id == Coupon.offer_id,
        OfferAllowance.person_id == Coupon.person_id,
    )
    return (
        select(OfferAllowance.offer_id.label("id")).where(
            OfferAllowance.brand_id == brand, OfferAllowance.used != had
        ),
        select(Coupon.offer_id.label("id")).where(Coupon.brand_id == brand, Coupon.state != "void", ~counted),
    )


# --------------------------------------------------------------------------------------------------- states and history


def _change(*where: ColumnElement[bool]) -> Any:
    """A step of the coupon of the row around it."""
    return and_(CouponChange.brand_id == Coupon.brand_id, CouponChange.coupon_id == Coupon.id, *where)


def _history(brand: int) -> tuple[Broken, ...]:
    """The steps are counted, not followed: clerks' clocks and blocks of ids put them in no order that could be relied on.
    A coupon comes into being once; what comes into a state leaves it again, but for the state in which it is; each step is
    an allowed one; and what was given back has been used before."""

    def times(condition: ColumnElement[bool]) -> Any:
        return func.sum(case((condition, 1), else_=0))

    came, left, is_now = CouponChange.state, CouponChange.from_state, func.max(Coupon.state)
    allowed = or_(
        and_(left.is_(None), came == "issued"),
        *(and_(left == before, came == after) for before, after in STEPS),
    )
    wrong = or_(
        times(left.is_(None)) != 1,
        times(allowed) != func.count(),
        *(
            times(came == state) - times(left == state) != case((is_now == state, 1), else_=0)
            for state in STATES
        ),
        and_(times(left == "redeemed") > 0, times(and_(left == "claimed", came == "redeemed")) != 1),
    )
    return (
        select(CouponChange.coupon_id.label("id"))
        .join(Coupon, _change())
        .where(CouponChange.brand_id == brand)
        .group_by(CouponChange.coupon_id)
        .having(wrong),
        select(Coupon.id).where(Coupon.brand_id == brand, ~exists().where(_change())),
    )


def _moments(brand: int) -> tuple[Broken, ...]:
    state, claimed, redeemed = Coupon.state, Coupon.claimed_at, Coupon.redeemed_at
    other = exists().where(
        Redemption.brand_id == Coupon.brand_id,
        Redemption.open_coupon_id == Coupon.id,
        Redemption.redeemed_at != redeemed,
    )
    wrong = or_(
        and_(state.in_(TAKEN), claimed.is_(None)),
        and_(state == "issued", claimed.is_not(None)),
        and_(state == "redeemed", redeemed.is_(None)),
        and_(state != "redeemed", redeemed.is_not(None)),
        and_(state == "held", Coupon.held_until.is_(None)),
        and_(state != "held", Coupon.held_until.is_not(None)),
        ~exists().where(_change(CouponChange.from_state.is_(None), CouponChange.at == Coupon.issued_at)),
        and_(
            claimed.is_not(None),
            ~exists().where(_change(CouponChange.state == "claimed", CouponChange.at == claimed)),
        ),
        other,
    )
    return (select(Coupon.id).where(Coupon.brand_id == brand, wrong),)


def _draft(brand: int) -> tuple[Broken, ...]:
    given = exists().where(Coupon.brand_id == Offer.brand_id, Coupon.offer_id == Offer.id)
    wrong = or_(Offer.state.not_in(("draft", "open", "closed")), and_(Offer.state == "draft", given))
    return (select(Offer.id).where(Offer.brand_id == brand, wrong),)


# ----------------------------------------------------------------------------------------------------- terms, days, codes


def _terms_of(version: Any, brand_id: Any, offer_id: Any) -> Any:
    return and_(
        OfferTerms.brand_id == brand_id, OfferTerms.offer_id == offer_id, OfferTerms.version == version
    )


def _terms(brand: int) -> tuple[Broken, ...]:
    coupons = _terms_of(Coupon.terms_version, Coupon.brand_id, Coupon.offer_id)
    offers = _terms_of(Offer.terms_version, Offer.brand_id, Offer.id)
    return (
        select(Coupon.offer_id.label("id")).where(Coupon.brand_id == brand, ~exists().where(coupons)),
        select(Offer.id).where(Offer.brand_id == brand, ~exists().where(offers)),
    )


def _days(brand: int) -> tuple[Broken, ...]:
    ends = Coupon.valid_until
    wrong = or_(
        ends < Coupon.valid_from,
        and_(Coupon.state.in_(TAKEN), ends.is_(None)),
        and_(OfferTerms.valid_until.is_not(None), ends > OfferTerms.valid_until),
        Coupon.valid_from < OfferTerms.valid_from,
    )
    held = _terms_of(Coupon.terms_version, Coupon.brand_id, Coupon.offer_id)
    return (select(Coupon.id).join(OfferTerms, held).where(Coupon.brand_id == brand, wrong),)


def _campaign(brand: int) -> tuple[Broken, ...]:
    named = literal("campaign:").concat(cast(Coupon.campaign_id, String))
    wrong = or_(
        and_(Coupon.campaign_id.is_not(None), Coupon.occurrence != named),
        and_(Coupon.campaign_id.is_(None), Coupon.occurrence.like("campaign:%")),
    )
    return (select(Coupon.id).where(Coupon.brand_id == brand, wrong),)


def _codes(brand: int) -> tuple[Broken, ...]:
    """Letters and check letter as secrets.read_code reads them, in SQL."""
    letters = secrets.CODE_LETTERS
    total: Any = 0
    for place in range(1, CODE_LENGTH + 1):
        doubled = (CODE_LENGTH - place) % 2 == 1
        worth = {
            letter: (2 * at // len(letters) + 2 * at % len(letters)) if doubled else at
            for at, letter in enumerate(letters)
        }
        total = total + case(worth, value=func.substr(Coupon.code, place, 1), else_=0)
    wrong = or_(
        func.length(Coupon.code) != CODE_LENGTH,
        func.ltrim(Coupon.code, letters) != "",
        total % len(letters) != 0,
    )
    return (select(Coupon.id).where(Coupon.brand_id == brand, wrong),)


def _tokens(brand: int) -> tuple[Broken, ...]:
    """A token begins with the brand's number (secrets.brand_token): its first letters are one of a few."""
    head = secrets.packed(brand)
    whole, bits = divmod(len(head) * 8, 6)
    length = whole + (bits > 0)
    begins = sorted(
        {base64.urlsafe_b64encode(head + bytes([first]) + b"\0\0").decode()[:length] for first in range(256)}
    )
    wrong = or_(func.substr(Coupon.token, 1, length).not_in(begins), func.length(Coupon.token) < 22)
    return (select(Coupon.id).where(Coupon.brand_id == brand, wrong),)


def _unique(brand: int) -> tuple[Broken, ...]:
    """The database's unique keys see to it; one that was lost with a broken index would be seen here."""
    return tuple(
        select(func.min(Coupon.id).label("id"))
        .where(Coupon.brand_id == brand)
        .group_by(word)
        .having(func.count() > 1)
        for word in (Coupon.code, Coupon.token)
    )


PROMISES = (
    Promise(
        "stock_counted",
        "offer",
        _l("An offer's count of coupons given is not the number of its coupons."),
        _stock_counted,
    ),
    Promise("stock_kept", "offer", _l("An offer has more coupons out than its stock."), _oversold),
    Promise(
        "allowance_counted",
        "offer",
        _l("What a person has had of an offer is not the number of their coupons."),
        _allowances,
    ),
    Promise(
        "day_counted",
        "offer",
        _l("What an offer gave on a day is not the number of its coupons counted on that day."),
        limits.day_counted,
    ),
    Promise(
        "code_counted",
        "offer",
        _l("What a code of an offer has brought is not the number of its coupons."),
        limits.code_counted,
    ),
    Promise(
        "code_kept", "offer", _l("A code of an offer has brought more coupons than it may."), limits.code_kept
    ),
    Promise("history", "coupon", _l("A coupon's history does not lead to where the coupon is."), _history),
    Promise("moments", "coupon", _l("A coupon's dates do not fit its state or its history."), _moments),
    Promise("draft", "offer", _l("A draft has given coupons, or an offer has an unknown state."), _draft),
    Promise(
        "redeemed_once", "coupon", _l("A used coupon has no redemption that stands."), using.used_without
    ),
    Promise(
        "standing_used",
        "coupon",
        _l("A redemption stands for a coupon that is not used."),
        using.standing_unused,
    ),
    Promise(
        "redemption_whole",
        "coupon",
        _l("A redemption is neither wholly standing nor wholly undone."),
        using.redemption_whole,
    ),
    Promise(
        "redemption_recorded",
        "coupon",
        _l("A coupon's redemptions are not as many as its history says."),
        using.redemption_recorded,
    ),
    Promise(
        "saving", "coupon", _l("A redemption saved nothing, or more than the basket cost."), using.saving
    ),
    Promise(
        "returned",
        "coupon",
        _l("What came back of a basket is not what its redemptions say."),
        using.returned,
    ),
    Promise(
        "budget_counted",
        "offer",
        _l("What an offer has saved in all is not the sum of its redemptions."),
        using.budget_counted,
    ),
    Promise("budget_kept", "offer", _l("An offer has saved more than its budget."), using.budget_kept),
    Promise("terms", "offer", _l("The terms under which coupons were given are missing."), _terms),
    Promise("days", "coupon", _l("A coupon's days are not within its offer's."), _days),
    Promise("campaign", "coupon", _l("A coupon's campaign is not what it was given for."), _campaign),
    Promise("code", "coupon", _l("A coupon has a code that no clerk could type."), _codes),
    Promise("token", "coupon", _l("A coupon's link names another brand."), _tokens),
    Promise("unique", "coupon", _l("Two coupons have the same code or the same link."), _unique),
)
