"""A coupon's way: taken by the member, quoted and used at the counter, given back, taken away.

Every unit locks the coupon's row first, so two clerks with one coupon wait for one another and the second is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, select, update

from webapp.coupons import join, queries, redemptions
from webapp.coupons.issue import CODE_LENGTH, return_to_stock
from webapp.coupons.models import Coupon, CouponChange, Offer, Redemption
from webapp.kernel import secrets
from webapp.kernel.errors import Forbidden, NotFound, Refused
from webapp.kernel.idempotency import once
from webapp.kernel.reach import reaches
from webapp.kernel.scope import Scope
from webapp.plugin_api import Basket, NotApplicable
from webapp.plugin_runtime import calls

TILL_NUMBER = 80  # characters

# What higher rooms ask before a coupon is used: (scope, coupon, using) -> a refusal or None. using False: it is only
# looked at, and nothing is written.
GUARDS: list[Callable[[Scope, Coupon, bool], Refused | None]] = []


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a coupon saves on a basket, before it is used."""

    coupon: Coupon
    offer: Offer
    basket_minor: int
    saving_minor: int


# ------------------------------------------------------------------------------------------------- the member takes it


def claim(scope: Scope, coupon_id: int) -> Coupon | Refused:
    """The member takes the coupon: its days begin. Taken again it is the same coupon. Refused: void, expired."""
    coupon = _locked(scope, coupon_id)
    refusal = _ended(scope, coupon)
    if refusal is not None and refusal.code in ("void", "expired"):
        return refusal
    if coupon.state == "issued":
        _claim(scope, coupon)
    return coupon


def _claim(scope: Scope, coupon: Coupon) -> None:
    terms = queries.terms(scope, coupon.offer_id, coupon.terms_version)
    ends = coupon.valid_until
    if terms.valid_days is not None:
        # The day of the claim is the first; before the window opens, its first day is.
        counted = max(scope.today, coupon.valid_from) + timedelta(days=terms.valid_days - 1)
        ends = min(counted, ends) if ends is not None else counted
    _move(scope, coupon, ("issued",), "claimed", claimed_at=scope.now, valid_until=ends)


# ------------------------------------------------------------------------------------------------------- what it saves


def look(scope: Scope, typed: str) -> Coupon | Refused:
    """The coupon of a typed code, if it can be used today. Refused: as `quote`, apart from the basket."""
    code = read(typed)
    if code is None:
        return Refused("mistyped")
    coupon = queries.by_code(scope, code)
    if coupon is None:
        return Refused("unknown")
    return _ended(scope, coupon) or _guarded(scope, coupon, using=False) or coupon


def quote(scope: Scope, typed: str, basket_minor: int) -> Quoted | Refused:
    """What a typed code saves on a basket (minor units).

    Refused: mistyped (no code can be this), unknown, void, expired, used, not_yet, parked, basket, not_applicable.
    """
    coupon = look(scope, typed)
    return coupon if isinstance(coupon, Refused) else _quote(scope, coupon, basket_minor)


def read(typed: str) -> str | None:
    """The code that was meant by what was typed or scanned (the address in a QR code too); None if it cannot be one."""
    word = typed.rsplit("code=", 1)[-1] if "code=" in typed else typed
    code = secrets.read_code(word)
    return code if code is not None and len(code) == CODE_LENGTH else None


def _quote(scope: Scope, coupon: Coupon, basket_minor: int) -> Quoted | Refused:
    offer = queries.offer(scope, coupon.offer_id)
    terms = queries.terms(scope, coupon.offer_id, coupon.terms_version)
    bound = calls.coupon_type(scope, offer.type_key)
    if bound is None:
        return Refused("parked", {"type": offer.type_key})
    if basket_minor <= 0:
        return Refused("basket")
    answer = calls.decide(bound.plugin, lambda: bound.impl.quote(terms.terms, Basket(basket_minor)))
    if isinstance(answer, Refused):
        return answer
    if isinstance(answer, NotApplicable):
        return Refused(
            "not_applicable",
            {"type": offer.type_key, "reason": answer.code, "needs_minor": answer.needs_minor},
        )
    if not 0 < answer.saving_minor <= basket_minor:  # a type that breaks its contract gives nothing away
        return Refused("plugin_failed", {"plugin": bound.plugin, "error": f"saving {answer.saving_minor}"})
    return Quoted(coupon, offer, basket_minor, answer.saving_minor)


def _guarded(scope: Scope, coupon: Coupon, *, using: bool) -> Refused | None:
    return next((why for guard in GUARDS if (why := guard(scope, coupon, using)) is not None), None)


def _ended(scope: Scope, coupon: Coupon) -> Refused | None:
    """Why a coupon cannot be used today, whatever the basket."""
    state = queries.shown_state(coupon, scope.today)
    if state == "redeemed":
        used = redemptions.standing_of(scope, coupon.id)
        facts = (
            {"id": used.redemption.id, "at": used.redemption.redeemed_at.isoformat(), "store": used.store}
            if used
            else {}
        )
        return Refused("used", facts)
    if state == "void":
        return Refused("void")
    if state == queries.EXPIRED:
        assert coupon.valid_until is not None
        return Refused("expired", {"until": coupon.valid_until.isoformat()})
    if coupon.valid_from > scope.today:
        return Refused("not_yet", {"from": coupon.valid_from.isoformat()})
    return None


# ------------------------------------------------------------------------------------------------------------ using it


def redeem(
    scope: Scope,
    *,
    typed: str,
    basket_minor: int,
    key: str,
    store_id: int | None = None,
    till_number: str = "",
) -> Redemption | Refused:
    """Use a coupon. The same key gives the same answer, however often and from wherever it is asked.

    Refused: as `quote`, and till_number (too long). A coupon that was not claimed yet is claimed by being used.
    """
    code, till = read(typed), printable(till_number)
    if code is None:
        return Refused("mistyped")

    def work() -> dict[str, Any]:
        answer = _redeem(scope, code, basket_minor, store_id, till)
        if isinstance(answer, Refused):
            return {"refused": answer.code, "facts": answer.facts}
        return {"redemption": answer.id}

    answer = once(scope, key, f"redeem:{code}", work)
    if "refused" in answer:
        return Refused(answer["refused"], answer["facts"])
    return scope.session.get_one(Redemption, (scope.brand.id, answer["redemption"]))


def printable(text: str) -> str:
    """Without what no till prints and no database takes (a NUL), trimmed."""
    return "".join(c for c in text if c.isprintable()).strip()


def _redeem(
    scope: Scope, code: str, basket_minor: int, store_id: int | None, till: str
) -> Redemption | Refused:
    if len(till) > TILL_NUMBER:
        return Refused("till_number", {"most": TILL_NUMBER})
    known = queries.by_code(scope, code)
    if known is None:
        return Refused("unknown")
    coupon = _locked(scope, known.id)
    quoted = _ended(scope, coupon) or _quote(scope, coupon, basket_minor)
    if isinstance(quoted, Refused):
        return quoted
    if (refusal := _guarded(scope, coupon, using=True)) is not None:
        return refusal
    if coupon.state == "issued":
        _claim(scope, coupon)
    used = Redemption(
        brand_id=scope.brand.id,
        id=scope.new_id(),
        coupon_id=coupon.id,
        open_coupon_id=coupon.id,
        store_id=store_id,
        staff_id=scope.actor.id,
        basket_minor=basket_minor,
        saving_minor=quoted.saving_minor,
        till_number=till or None,
        order_id=None,
        redeemed_at=scope.now,
        redeemed_on=scope.today,
        reversed_at=None,
        reversed_by=None,
    )
    scope.session.add(used)
    scope.session.flush()
    _move(scope, coupon, ("claimed", "reversed"), "redeemed", {"redemption": used.id}, redeemed_at=scope.now)
    scope.audit(
        "coupon.redeem",
        "coupon",
        coupon.id,
        redemption=used.id,
        basket=basket_minor,
        saving=used.saving_minor,
    )
    if till and not join.join_redemption(scope, used, coupon):
        scope.emit(
            "coupon.used", redemption_id=used.id
        )  # the order may be about to be committed, or come later
    return used


def reverse(scope: Scope, redemption_id: int) -> Redemption:
    """Undo a redemption: the coupon is usable again, if its days allow. Undone twice is undone once.

    Raises NotFound; Forbidden for one of a store that the actor does not reach.
    """
    used = scope.session.get(Redemption, (scope.brand.id, redemption_id))
    if used is None:
        raise NotFound(f"redemption {redemption_id}")
    if not reaches(scope, used.store_id):
        raise Forbidden("a redemption of another store")
    coupon = _locked(scope, used.coupon_id)
    scope.session.refresh(used)  # as it stands now that nobody else can move it
    if used.reversed_at is not None:
        return used
    done = scope.session.execute(
        update(Redemption)
        .where(
            Redemption.brand_id == scope.brand.id,
            Redemption.id == redemption_id,
            Redemption.open_coupon_id == coupon.id,
        )
        .values(open_coupon_id=None, reversed_at=scope.now, reversed_by=scope.actor.id)
        .execution_options(synchronize_session=False)
    )
    _once_only(done, f"redemption {redemption_id}")
    scope.session.refresh(used)
    _move(scope, coupon, ("redeemed",), "reversed", {"redemption": used.id}, redeemed_at=None)
    scope.audit("coupon.reverse", "coupon", coupon.id, redemption=used.id)
    return used


def void(scope: Scope, coupon_id: int, reason: str = "") -> Coupon | Refused:
    """Take a coupon away for good; it returns to the offer's stock and its person's allowance. Refused: used (undo the
    redemption first)."""
    coupon, reason = _locked(scope, coupon_id), printable(reason)
    if coupon.state == "redeemed":
        return _ended(scope, coupon) or Refused("used")
    if coupon.state != "void":
        _move(scope, coupon, queries.USABLE, "void", {"reason": reason[:200]} if reason else {})
        return_to_stock(scope, [coupon])
        scope.audit("coupon.void", "coupon", coupon.id)
    return coupon


def _locked(scope: Scope, coupon_id: int) -> Coupon:
    """The coupon as it stands, held until the unit ends (SQLite's unit holds everything already). Raises NotFound."""
    coupon = scope.session.scalars(
        select(Coupon)
        .where(Coupon.brand_id == scope.brand.id, Coupon.id == coupon_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if coupon is None:
        raise NotFound(f"coupon {coupon_id}")
    return coupon


def _move(
    scope: Scope,
    coupon: Coupon,
    before: Sequence[str],
    state: str,
    detail: dict[str, Any] | None = None,
    **values: Any,
) -> None:
    """One transition: a conditional update whose row count is checked, and its row in the history."""
    was = coupon.state
    done = scope.session.execute(
        update(Coupon)
        .where(Coupon.brand_id == scope.brand.id, Coupon.id == coupon.id, Coupon.state.in_(before))
        .values(state=state, **values)
        .execution_options(synchronize_session=False)
    )
    _once_only(done, f"coupon {coupon.id}: {was} -> {state}")
    scope.session.refresh(coupon)
    scope.session.add(
        CouponChange(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            coupon_id=coupon.id,
            from_state=was,
            state=state,
            at=scope.now,
            actor_kind=scope.actor.kind,
            actor_id=scope.actor.id,
            detail=detail or {},
        )
    )
    scope.session.flush()


def _once_only(done: Any, what: str) -> None:
    assert isinstance(done, CursorResult)
    if done.rowcount != 1:
        raise RuntimeError(f"{what} was moved by somebody else")
