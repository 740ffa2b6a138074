"""What tills and shops do: a member takes a coupon, coupons are used, a redemption is undone. Each once, by its
Idempotency-Key: the door keeps the answer in the very unit that does the work.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from webapp.api import problems, shapes
from webapp.api import schemas as shape
from webapp.api.asking import BASKET, TOTAL, basket_of, shown_offer, store_of
from webapp.api.door import Ask, Operation, guessed, may_guess, operation
from webapp.api.problems import Problem
from webapp.coupons import service, together
from webapp.coupons.models import Coupon, Redemption
from webapp.coupons.quoting import Bill
from webapp.coupons.redeem import read
from webapp.coupons.take import Plan
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope
from webapp.touchpoints import claiming


@operation(
    Operation(
        "claim",
        "POST",
        "/offers/<int:offer_id>/claims",
        "claim",
        "A member takes a coupon",
        "Within all that the offer says: its stock, its window, so many a person and a day, to whom it is given. A coupon that its "
        "type keeps for minutes only comes `held`.",
        shape.Coupon,
        status=201,
        body=shape.ClaimAsked,
        once=True,
        foreseen=True,
        examples={
            "number": {"member": {"number": "m00017"}},
            "phone": {"member": {"phone": "138 0013 8000"}, "code": "SPRING"},
        },
        refuses=(
            "member_unknown",
            "not_open",
            "over",
            "parked",
            "too_early",
            "too_late",
            "who_unknown",
            "not_for_you",
            "code_needed",
            "code_unknown",
            "code_used_up",
            "per_person",
            "per_day",
            "sold_out",
            "own_page",
            "plugin_failed",
        ),
    )
)
def claim(scope: Scope, ask: Ask, offer_id: int) -> shape.Coupon | Problem:
    """As on the offer's public page, for a member whom the till knows."""
    may_guess(ask)
    body: shape.ClaimAsked = ask.body
    member = _member(scope, body.member)
    if member is None:
        shown_offer(scope, offer_id)
        nobody = Problem("member_unknown", 409, field="member")
        ask.tell(nobody)
        guessed(ask)
        return nobody
    said: shape.Coupon | Problem | None = None

    def tell(plan: Plan) -> None:
        nonlocal said
        if plan.facts.state == "draft":
            raise NotFound(f"offer {offer_id}")
        said = _claimed(scope, plan)
        ask.tell(said)

    answer = claiming.claim_known(
        scope, offer_id, member.id, _inner(ask), body.code, sure=member.sure, tell=tell
    )
    assert said is not None
    if not isinstance(answer, Refused):
        scope.audit("api.claim", "coupon", answer.id, offer=offer_id)
    elif answer.code == "code_unknown":
        guessed(ask)
    return said


def _claimed(scope: Scope, plan: Plan) -> shape.Coupon | Problem:
    if plan.refusal is not None:
        return problems.of(plan.refusal, "code" if plan.refusal.code.startswith("code_") else "")
    assert plan.coupon is not None
    return shape.Coupon(**shapes.coupon(scope, plan.coupon, plan.facts))


@operation(
    Operation(
        "redeem",
        "POST",
        "/redemptions",
        "redeem",
        "Use coupons on a basket",
        "All of them in one unit, or none. A refusal says of which code (`field`) and why; nothing was changed then. The till's "
        "number joins the redemption to the order that has it.",
        shape.Redeemed,
        status=201,
        body=shape.RedeemAsked,
        once=True,
        examples={"total": TOTAL | {"till_number": "R-20317"}, "lines": BASKET},
        refuses=(
            "currency",
            "lines_do_not_sum",
            "store_unknown",
            "mistyped",
            "unknown",
            "void",
            "expired",
            "used",
            "not_yet",
            "held",
            "waiting",
            "parked",
            "weekday",
            "hours",
            "store",
            "which_store",
            "basket",
            "goods",
            "least",
            "not_applicable",
            "plugin_failed",
            "stands_alone",
            "too_many",
            "better_without",
            "budget_spent",
            "claim_used",
            "welcome_used",
            "till_has_coupon",
            "quote_changed",
            "none_applies",
        ),
    )
)
def redeem(scope: Scope, ask: Ask) -> shape.Redeemed | Problem:
    """What was quoted, or every code."""
    may_guess(ask)
    body: shape.RedeemAsked = ask.body
    basket, store_id = basket_of(scope, body), store_of(scope, ask, body.store)

    def look() -> Bill:
        return together.quote_together(scope, body.codes, basket, store_id)

    shown = body.quote
    if shown is UNSET:
        bill = look()
        if (problem := _left_out(ask, body.codes, bill)) is not None:
            return problem
        shown = together.seen(bill)
    answer = together.redeem_together(
        scope,
        body.codes,
        basket,
        store_id,
        key=_inner(ask),
        seen=str(shown),
        till_number=body.till_number,
    )
    if isinstance(answer, Refused):
        if (
            answer.code == "quote_changed" and body.quote is UNSET
        ):  # somebody was there first: say what it was
            return _left_out(ask, body.codes, look()) or problems.of(answer)
        return problems.of(answer, "till_number" if answer.code.startswith("till_") else "")
    saved = sum(one.saving_minor for one in answer)
    return shape.Redeemed(
        currency=scope.brand.currency,
        total_minor=basket.total_minor,
        saving_minor=saved,
        to_pay_minor=basket.total_minor - saved,
        store=None if store_id is None else str(store_id),
        till_number=answer[0].till_number or "",
        redemptions=[shapes.redemption(scope, one, _coupon(scope, one)) for one in answer],
    )


@operation(
    Operation(
        "reverse",
        "POST",
        "/redemptions/<int:redemption_id>/reverse",
        "reverse",
        "Undo a redemption",
        "The coupon is usable again, or back in the stock, as its offer says; what it saved can be saved again. Undone twice is "
        "undone once. It takes no body.",
        shape.Reversed,
        once=True,
        refuses=("undo_late",),
    )
)
def reverse(scope: Scope, ask: Ask, redemption_id: int) -> shape.Reversed | Problem:
    """One that the key's store reaches, within the time that the shop gives for it."""
    answer = service.reverse(scope, redemption_id)
    if isinstance(answer, Refused):
        return problems.of(answer)
    used = _coupon(scope, answer)
    return shape.Reversed(
        currency=scope.brand.currency,
        redemption=shapes.redemption(scope, answer, used),
        coupon=shape.Coupon(**shapes.coupon(scope, used)),
    )


def _inner(ask: Ask) -> str:
    """The core's own key beneath the door's."""
    return "api-" + ask.once.removeprefix("api:")


def _member(scope: Scope, who: shape.Who) -> claiming.Named | None:
    if who.number is not UNSET:
        return claiming.of_number(scope, str(who.number))
    return claiming.of_phone(scope, str(who.phone))


def _coupon(scope: Scope, used: Redemption) -> Coupon:
    return scope.session.get_one(Coupon, (scope.brand.id, used.coupon_id))


def _left_out(ask: Ask, typed: Sequence[str], bill: Bill) -> Problem | None:
    """The first code, as they were sent, that does not count."""
    unused = {one.wish.key: one.why for one in bill.unused}
    if any(why.code == "unknown" for why in unused.values()):
        guessed(ask)
    for at, word in enumerate(typed):
        if (why := unused.get(read(word) or word)) is not None:
            return problems.of(why, f"codes[{at}]")
    return None
