"""A member takes a coupon of an open offer: given and taken in one unit, the whole way in a handful of statements.

One look at everything that is asked first; then the answer is written down under its key, so that whoever asks again hears
the same, a refusal too; then the rows, in the order of giving (issue.py): the coupon, its history, the person, the day, the
code, the offer last. What was read first only spares work: the counters decide, and what they refuse leaves no row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import class_mapper

from webapp.coupons import codes, counters, holds, prepared
from webapp.coupons.issue import BY_CODE, CODE_LENGTH, refusal_of
from webapp.coupons.models import Coupon, CouponChange, Offer, OfferCode
from webapp.coupons.who import fitting
from webapp.kernel import idempotency, secrets
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope
from webapp.plugin_api import CouponType
from webapp.plugin_runtime import calls

LONGEST = timedelta(days=31)  # that a coupon is kept until a moment
SOLD_OUT = Refused("sold_out")
DRAWS = 5  # a code that another coupon has is drawn anew; among a million coupons that is one in 300,000

Row = dict[str, Any]


@dataclass(slots=True)
class Plan:
    """What is going to be given, or why not. facts: what was read, of the offer above all. row: the coupon's, and coupon the
    same as an object, for reading: it is in no session. by: the code that brings it."""

    facts: Any
    refusal: Refused | None = None
    row: Row = field(default_factory=dict)
    coupon: Coupon | None = None
    by: OfferCode | None = None
    step: dict[str, Any] = field(default_factory=dict)  # what its history says of its being taken


Tell = Callable[[Plan], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what. through: the plugin on whose page it is; until: it is kept, and waits for what that plugin says."""

    offer_id: int
    member_id: int
    key: str
    code: str
    through: str
    until: datetime | None


def take(
    scope: Scope,
    offer_id: int,
    member_id: int,
    key: str,
    *,
    code: str = "",
    through: str = "",
    until: datetime | None = None,
    tell: Tell | None = None,
) -> Coupon | Refused:
    """A coupon of an open offer for a member who asks for it; a type that keeps it for minutes only gives it `held`. What is
    returned is for reading: it is not in the session.

    `key`: of the form that was posted; the same key gives the same answer. `code`: the word that was typed, if one was.
    `through`: the plugin that asks, blank for the core's own page. `until`: it is held for what that plugin says (waiting.py)
    until then, at most 31 days ahead and never beyond its last day. `tell`: of a caller that keeps the answer under a key of
    its own in this unit: it is told before any row is written, and again where the counters say otherwise; without it the
    answer is kept here.
    Refused: not_open, over, parked, own_page, too_early, too_late, who_unknown, not_for_you, code_needed, code_unknown,
    code_used_up, per_person, per_day, sold_out, until, plugin_failed. Raises NotFound for an offer or a member that is not
    there.
    """
    asked = Asked(offer_id, member_id, key, code, through, until)
    plan = _plan(scope, asked)
    if tell is not None:
        tell(plan)
    else:
        first, stored = idempotency.keep(scope, key, f"take:{offer_id}:{member_id}", _told(plan))
        if not first:
            return _answered(scope, stored)
        tell = partial(_amend, scope, key)
    if plan.refusal == SOLD_OUT and plan.facts.ending:
        _end_holds(scope, offer_id)
        plan = _plan(scope, asked, hoping=True)
        tell(plan)
    return plan.refusal or _give(scope, plan, tell)


def _told(plan: Plan) -> dict[str, Any]:
    if plan.refusal is not None:
        return {"refused": plan.refusal.code, "facts": plan.refusal.facts}
    assert plan.coupon is not None
    return {"coupon": plan.coupon.id}


def _amend(scope: Scope, key: str, plan: Plan) -> None:
    idempotency.amend(scope, key, _told(plan))


def _answered(scope: Scope, stored: dict[str, Any]) -> Coupon | Refused:
    if "refused" in stored:
        return Refused(stored["refused"], stored["facts"])
    return scope.session.get_one(Coupon, (scope.brand.id, stored["coupon"]), populate_existing=True)


def _end_holds(scope: Scope, offer_id: int) -> None:
    """Coupons that nobody used within their minutes return to the stock. Those that another unit is just returning are not
    waited for here: the offer's own row, at the end, waits for it."""
    holds.end(scope, offer_id)


# ------------------------------------------------------------------------------------------------------ looking at it all


def _look(scope: Scope, offer_id: int, member_id: int) -> Any:
    """What prepared.everything reads."""
    scope.flush()  # what follows goes past the session
    facts = scope.send(
        prepared.everything(calls.coupon_plugins()),
        {
            "brand": scope.brand.id,
            "offer": offer_id,
            "member": member_id,
            "day": scope.today,
            "now": scope.now,
        },
    ).one_or_none()
    if facts is None:
        raise NotFound(f"offer {offer_id}")
    if facts.person_id is None:
        raise NotFound(f"member {member_id}")
    return facts


def _plan(scope: Scope, asked: Asked, *, hoping: bool = False) -> Plan:
    """hoping: stock may be coming back this moment, so that only the counter can say that there is none."""
    plan = Plan(_look(scope, asked.offer_id, asked.member_id))
    typed = asked.code.strip()
    if typed:
        found = codes.find(scope, typed)
        plan.by = found if found is not None and found.offer_id == asked.offer_id else None
    bound = calls.coupon_type_read(scope, plan.facts.type_key, plan.facts.switched)
    plan.refusal = refusal_of(scope, plan.facts, plan.facts.valid_until, bound, asked.through) or _refusal(
        scope, plan.facts, plan.by, typed
    )
    if hoping and plan.refusal == SOLD_OUT:
        plan.refusal = None
    if plan.refusal is None:
        assert bound is not None
        row = _row(scope, plan, bound, asked)
        if isinstance(row, Refused):
            plan.refusal = row
        else:
            plan.row, plan.coupon = row, _object(row)
            if asked.until is not None:
                plan.step = {"until": row["held_until"].isoformat(), "key": f"{holds.WAITS}{asked.through}"}
    return plan


def _refusal(scope: Scope, facts: Any, by: OfferCode | None, typed: str) -> Refused | None:
    """Why this member gets none now, as far as can be read without a lock."""
    if facts.who is not None:
        fit = fitting(scope, facts.who, [facts.person_id])
        if isinstance(fit, Refused):
            return fit
        if not fit:
            return Refused("not_for_you")
    if facts.by_code and not typed:
        return Refused("code_needed")
    if typed and by is None:
        return Refused("code_unknown")
    if (facts.had or 0) >= facts.per_person:
        return Refused("per_person", {"limit": facts.per_person})
    if by is not None and by.most is not None and by.used >= by.most:
        return Refused("code_used_up")
    if facts.per_day is not None and (facts.today or 0) >= facts.per_day:
        return Refused("per_day", {"limit": facts.per_day})
    if facts.stock is not None and facts.issued >= facts.stock:
        return SOLD_OUT
    return None


# ------------------------------------------------------------------------------------------------------------- the rows


def _kept_until(
    scope: Scope, facts: Any, bound: calls.Bound[CouponType], asked: Asked
) -> datetime | Refused | None:
    """The moment until which it is only kept, None: it is claimed."""
    if asked.until is not None:
        if not scope.now < asked.until <= scope.now + LONGEST:
            return Refused("until", {"hours": LONGEST.days * 24})
        return holds.in_its_days(scope, facts.valid_until, asked.until).astimezone(UTC)
    minutes = calls.decide(bound.plugin, lambda: bound.impl.keeps(facts.terms))
    if minutes is None or isinstance(minutes, Refused):
        return minutes
    return scope.now + timedelta(minutes=minutes)


def _row(scope: Scope, plan: Plan, bound: calls.Bound[CouponType], asked: Asked) -> Row | Refused:
    """The coupon's row: claimed, or kept for as long as its type or whoever asks says."""
    facts = plan.facts
    kept = _kept_until(scope, facts, bound, asked)
    if isinstance(kept, Refused):
        return kept
    word = hashlib.sha256(asked.key.encode()).hexdigest()
    first = max(scope.today, facts.valid_from or scope.today)
    ends = facts.valid_until
    if kept is None and facts.valid_days is not None:  # the first day that counts is the first of them
        counted = first + timedelta(days=facts.valid_days - 1)
        ends = min(counted, ends) if ends is not None else counted
    return {
        "brand_id": scope.brand.id,
        "id": scope.new_id(),
        "offer_id": asked.offer_id,
        "member_id": asked.member_id,
        "person_id": facts.person_id,
        "occurrence": f"{BY_CODE}{plan.by.id:019}:{word[:14]}" if plan.by else f"claim:{word[:24]}",
        "campaign_id": None,
        "terms_version": facts.terms_version,
        "token": secrets.brand_token(scope.brand.id),
        "code": secrets.typed_code(CODE_LENGTH),
        "state": "claimed" if kept is None else "held",
        "valid_from": first,
        "valid_until": ends,
        "issued_at": scope.now,
        "claimed_at": scope.now if kept is None else None,
        "redeemed_at": None,
        "held_until": kept,
    }


def _object(row: Row) -> Coupon:
    """What loading the row would make, past the constructor: it is written as it stands, and nobody listens to it."""
    coupon: Coupon = class_mapper(Coupon).class_manager.new_instance()
    vars(coupon).update(row)
    return coupon


def _give(scope: Scope, plan: Plan, tell: Tell) -> Coupon | Refused:
    row, coupon = plan.row, plan.coupon
    assert coupon is not None
    had = _insert(scope, row)
    if had is not None:  # the key is older than what is remembered of keys
        plan.coupon = had
        tell(plan)
        return had
    if row["code"] != coupon.code:
        vars(coupon)["code"] = row["code"]
        tell(plan)
    _record(scope, plan, row)
    plan.refusal = _count(scope, plan, row)
    if plan.refusal is not None:
        for model, column in ((CouponChange, CouponChange.coupon_id), (Coupon, Coupon.id)):
            scope.session.execute(
                delete(model)
                .where(model.brand_id == scope.brand.id, column == row["id"])
                .execution_options(synchronize_session=False)
            )
        tell(plan)
        return plan.refusal
    return coupon


def _insert(scope: Scope, row: Row) -> Coupon | None:
    """The coupon's row; or the coupon that its member has for the same key."""
    for _ in range(DRAWS):
        if scope.send(prepared.new_coupon(scope.dialect), row).rowcount == 1:
            return None
        had = scope.session.scalars(
            select(Coupon).where(
                Coupon.brand_id == scope.brand.id,
                Coupon.offer_id == row["offer_id"],
                Coupon.member_id == row["member_id"],
                Coupon.occurrence == row["occurrence"],
            )
        ).one_or_none()
        if had is not None:
            return had
        row["code"] = secrets.typed_code(CODE_LENGTH)
    raise RuntimeError(f"{DRAWS} codes in a row are taken")


def _record(scope: Scope, plan: Plan, row: Row) -> None:
    """Its history: given, and taken (or kept) at the same moment."""
    given, taken = scope.new_ids(2)
    scope.send(
        prepared.new_steps(),
        {
            "brand_id": scope.brand.id,
            "coupon_id": row["id"],
            "at": scope.now,
            "actor_kind": scope.actor.kind,
            "actor_id": scope.actor.id,
            "given": given,
            "taken": taken,
            "state": row["state"],
            "day": {"day": scope.today.isoformat()} if plan.facts.per_day is not None else {},
            "step": plan.step,
        },
    )


def _count(scope: Scope, plan: Plan, row: Row) -> Refused | None:
    """The counters, in their order; what one of them refuses is taken from those before it."""
    facts, brand_id, offer_id, person = plan.facts, scope.brand.id, row["offer_id"], [row["person_id"]]
    dialect, here = scope.dialect, {"brand_id": brand_id, "offer_id": offer_id}
    day = {scope.today: 1} if facts.per_day is not None else {}
    by = [plan.by.id] if plan.by else []

    def counted(statement: Any, **values: Any) -> bool:
        return bool(scope.send(statement, values).rowcount == 1)

    if not counted(prepared.count_person(dialect), **here, person_id=person[0], most_each=facts.per_person):
        return Refused("per_person", {"limit": facts.per_person})
    if day and not counted(prepared.count_day(dialect), **here, day=scope.today, most_each=facts.per_day):
        counters.persons_back(scope, offer_id, person)
        return Refused("per_day", {"limit": facts.per_day})
    if by and not counted(prepared.count_code(), of_brand=brand_id, code_id=by[0]):
        counters.persons_back(scope, offer_id, person)
        counters.days_back(scope, offer_id, day)
        return Refused("code_used_up")
    if counted(prepared.count_stock(), of_brand=brand_id, offer_id=offer_id):
        counters.forget(scope, offer_id)
        return None
    counters.persons_back(scope, offer_id, person)
    counters.days_back(scope, offer_id, day)
    counters.codes_back(scope, by)
    state = scope.session.scalar(
        select(Offer.state).where(Offer.brand_id == scope.brand.id, Offer.id == offer_id)
    )
    return SOLD_OUT if state == "open" else Refused("not_open", {"state": state})
