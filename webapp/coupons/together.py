"""Several coupons on one basket: what they save together, and using them in one unit, all of them or none.

Which of them count is quoting.py's answer; here the rows are read and locked. What was shown is named by `seen`: if it is no
longer the answer once every coupon is locked, nothing is used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from webapp.catalogue.models import Product
from webapp.coupons import known, redeem, steps
from webapp.coupons.known import Known
from webapp.coupons.models import Offer, Redemption
from webapp.coupons.quoting import Bill, NotUsed, Wish, reckon
from webapp.coupons.redeem import TILL_NUMBER, printable, read
from webapp.coupons.using import over_budget, write_down
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import once
from webapp.kernel.scope import Scope
from webapp.plugin_api import Basket, BasketLine

MOST = 20  # codes on one basket

_Found = Mapping[str, Known | Refused]  # by code, in the order typed


def quote_together(
    scope: Scope, typed: Sequence[str], basket: Basket, store_id: int | None, *, hold: str = ""
) -> Bill:
    """What the coupons of at most MOST typed codes save on a basket, here and now; nothing is changed.

    Each code has its answer (`Bill.of`, by the code as stored; what cannot be a code by what was typed): beside the reasons
    of quoting.py those of a single coupon (redeem.quote). A code typed twice is one.
    """
    found = _find(scope, typed)
    return _reckon(scope, basket, _wishes(scope, found, store_id, hold), found)


def wishes(scope: Scope, typed: Sequence[str], store_id: int | None, *, hold: str = "") -> list[Wish]:
    """What quoting.reckon needs to know of each typed code."""
    return _wishes(scope, _find(scope, typed), store_id, hold)


def redeem_together(
    scope: Scope,
    typed: Sequence[str],
    basket: Basket,
    store_id: int | None,
    *,
    key: str,
    seen: str,
    till_number: str = "",
    hold: str = "",
) -> list[Redemption] | Refused:
    """Use all coupons that a bill (`seen`) applied, in its order, or none. The same key gives the same answer.

    Refused: quote_changed (it is no longer the answer: ask again and show the new bill), none_applies, till_number,
    till_has_coupon, budget_spent, and what guards say. Each redemption is undone by itself (undoing.reverse).
    """
    till = printable(till_number)

    def work() -> dict[str, Any]:
        answer = _use(scope, typed, basket, store_id, seen, till, hold)
        if isinstance(answer, Refused):
            return {"refused": answer.code, "facts": answer.facts}
        return {"redemptions": [one.id for one in answer]}

    answer = once(scope, key, f"together:{_digest(sorted(_codes(typed)))}", work)
    if "refused" in answer:
        return Refused(answer["refused"], answer["facts"])
    ids = answer["redemptions"]
    return [scope.session.get_one(Redemption, (scope.brand.id, id_)) for id_ in ids]


def seen(bill: Bill) -> str:
    """A word for what a bill says: which coupons, in which order, what each saves on each line."""
    said = [[one.wish.key, one.saving_minor, list(one.lines), one.gift] for one in bill.applied]
    return _digest([bill.basket.total_minor, [line.amount_minor for line in bill.basket.lines], said])


def known_goods(scope: Scope, basket: Basket) -> Basket:
    """The basket with the catalogue's category wherever a line names a product and no category."""
    asked = {line.product for line in basket.lines if line.product and not line.category}
    if not asked:
        return basket
    rows = scope.session.execute(
        select(Product.code, Product.category).where(
            Product.brand_id == scope.brand.id, Product.code.in_(asked), Product.category != ""
        )
    )
    category = {row.code: row.category for row in rows}
    return Basket(
        basket.total_minor,
        tuple(
            BasketLine(
                line.amount_minor,
                line.quantity,
                line.product,
                line.category or category.get(line.product, ""),
            )
            for line in basket.lines
        ),
    )


# --------------------------------------------------------------------------------------------------------------- inside


def _use(
    scope: Scope,
    typed: Sequence[str],
    basket: Basket,
    store_id: int | None,
    shown: str,
    till: str,
    hold: str,
) -> list[Redemption] | Refused:
    if len(till) > TILL_NUMBER:
        return Refused("till_number", {"most": TILL_NUMBER})
    found = _find(scope, typed)
    # All are locked first, by id. One that was only kept, and not long enough, is refused here and left to the sweep: it
    # touches its offer, and offers come last, by id.
    locked = [
        steps.locked(scope, id_)
        for id_ in sorted(one.coupon.id for one in found.values() if isinstance(one, Known))
    ]
    coupons = {coupon.code: coupon for coupon in locked}
    bill = _reckon(scope, basket, _wishes(scope, found, store_id, hold), found)
    if seen(bill) != shown:
        return Refused("quote_changed")
    if not bill.applied:
        return Refused("none_applies")
    done = write_down(scope, bill, coupons, store_id=store_id, till=till)
    return done.why if isinstance(done, NotUsed) else done


def _codes(typed: Sequence[str]) -> dict[str, str | None]:
    """Each once, as stored; what cannot be a code as it was typed, and None."""
    if len(typed) > MOST:
        raise ValueError(f"at most {MOST} codes")
    return {code or word: code for word in typed for code in [read(word)]}


def _find(scope: Scope, typed: Sequence[str]) -> _Found:
    codes = _codes(typed)
    some = known.by_codes(scope, [code for code in codes.values() if code])
    return {
        word: some.get(word) or Refused("unknown" if code else "mistyped") for word, code in codes.items()
    }


def _wishes(scope: Scope, found: _Found, store_id: int | None, hold: str) -> list[Wish]:
    some = [one for one in found.values() if isinstance(one, Known)]
    asked = {wish.key: wish for wish in redeem.wishes(scope, some, store_id=store_id, hold=hold)}
    return [
        asked[word] if isinstance(one, Known) else Wish(word, "", None, why=one)
        for word, one in found.items()
    ]


def _reckon(scope: Scope, basket: Basket, some: Sequence[Wish], found: _Found) -> Bill:
    """The bill within what each offer may save in all: a coupon that would go beyond it is out, and the rest is reckoned
    anew."""
    basket = known_goods(scope, basket)
    offers = {one.offer.id: one.offer for one in found.values() if isinstance(one, Known)}
    while True:
        bill = reckon(basket, some)
        beyond = _beyond(offers, bill)
        if beyond is None:
            return bill
        some = [replace(one, why=beyond.why) if one.key == beyond.wish.key else one for one in some]


def _beyond(offers: Mapping[int, Offer], bill: Bill) -> NotUsed | None:
    saved: dict[int, int] = {}
    for one in bill.applied:
        offer_id = one.wish.offer_id
        saved[offer_id] = saved.get(offer_id, 0) + one.saving_minor
        if (why := over_budget(offers[offer_id], saved[offer_id])) is not None:
            return NotUsed(one.wish, why)
    return None


def _digest(said: Any) -> str:
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]
