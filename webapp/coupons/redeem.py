"""A coupon's way at the counter: looked at, quoted, used, taken away.

Every unit locks the coupon's row first, so two clerks with one coupon wait for one another and the second is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from webapp.brands import queries as brands
from webapp.brands.models import Store
from webapp.coupons import conditions, holds, known, queries, quoting, redemptions, steps
from webapp.coupons.issue import CODE_LENGTH, return_to_stock
from webapp.coupons.known import Known
from webapp.coupons.models import Coupon, Offer, Redemption
from webapp.coupons.using import GUARDS as GUARDS
from webapp.coupons.using import guarded, over_budget, write_down
from webapp.kernel import secrets
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import once
from webapp.kernel.scope import Scope
from webapp.plugin_api import Basket, BasketLine

TILL_NUMBER = 80  # characters


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a coupon saves on a basket, before it is used. lines: the saving of each line; gift: what is handed over."""

    coupon: Coupon
    offer: Offer
    basket_minor: int
    saving_minor: int
    lines: tuple[int, ...] = ()
    gift: str = ""


# ------------------------------------------------------------------------------------------------- the member takes it


def claim(scope: Scope, coupon_id: int) -> Coupon | Refused:
    """The member takes the coupon: its days begin. Taken again it is the same coupon. Refused: void, expired."""
    coupon = holds.settle(scope, steps.locked(scope, coupon_id))
    refusal = ended(scope, coupon)
    if refusal is not None and refusal.code in ("void", "expired"):
        return refusal
    if coupon.state == "issued":
        steps.claimed(scope, coupon)
    return coupon


# ------------------------------------------------------------------------------------------------------- what it saves


def read(typed: str) -> str | None:
    """The code that was meant by what was typed or scanned (the address in a QR code too); None if it cannot be one."""
    word = typed.rsplit("code=", 1)[-1] if "code=" in typed else typed
    code = secrets.read_code(word)
    return code if code is not None and len(code) == CODE_LENGTH else None


def look(scope: Scope, typed: str, *, store_id: int | None = None, hold: str = "") -> Coupon | Refused:
    """The coupon of a typed code, if it can be used here and now. Refused: as `quote`, apart from the basket."""
    one = _find(scope, typed)
    return (
        one if isinstance(one, Refused) else why_not(scope, one, store_id=store_id, hold=hold) or one.coupon
    )


def quote(
    scope: Scope,
    typed: str,
    basket_minor: int,
    *,
    lines: Sequence[BasketLine] = (),
    store_id: int | None = None,
    hold: str = "",
) -> Quoted | Refused:
    """What a typed code saves on a basket (minor units; lines: where they are known, they sum to it).

    Refused: mistyped (no code can be this), unknown, void, expired, used, not_yet, held (for another key), parked, weekday,
    hours, store, which_store, budget_spent; of the basket: basket, lines, goods, least, not_applicable, plugin_failed.
    """
    one = _find(scope, typed)
    if isinstance(one, Refused):
        return one
    [asked] = wishes(scope, [one], store_id=store_id, hold=hold)
    answer = _reckon(Basket(basket_minor, tuple(lines)), asked).of(asked.key)
    if isinstance(answer, Refused):
        return answer
    if (spent := over_budget(one.offer, answer.saving_minor)) is not None:
        return spent
    return Quoted(one.coupon, one.offer, basket_minor, answer.saving_minor, answer.lines, answer.gift)


def why_not(scope: Scope, one: Known, *, store_id: int | None = None, hold: str = "") -> Refused | None:
    """Why a coupon cannot be used here and now, the basket aside."""
    [asked] = wishes(scope, [one], store_id=store_id, hold=hold)
    return asked.why


def wishes(
    scope: Scope, some: Sequence[Known], *, store_id: int | None = None, hold: str = ""
) -> list[quoting.Wish]:
    """What quoting.reckon needs to know of coupons, by their codes, with the reason where one cannot be used here and now."""
    stores = brands.stores(scope) if any(one.conditions.stores for one in some) else []
    whys = {
        one.coupon.id: ended(scope, one.coupon)
        or holds.others(scope, one.coupon, hold)
        or one.parked
        or _here(scope, one.conditions, stores, store_id)
        or _nothing_left(one)
        for one in some
    }
    free = [one.coupon for one in some if whys[one.coupon.id] is None]
    whys |= guarded(scope, free, using=False)
    return [one.wish(one.coupon.id, whys[one.coupon.id]) for one in some]


def _find(scope: Scope, typed: str) -> Known | Refused:
    code = read(typed)
    return Refused("mistyped") if code is None else known.by_code(scope, code) or Refused("unknown")


def _reckon(basket: Basket, one: quoting.Wish) -> quoting.Bill:
    if basket.total_minor < 0:
        return quoting.Bill(basket, (), (quoting.NotUsed(one, one.why or Refused("basket")),))
    return quoting.reckon(basket, [one])


def ended(scope: Scope, coupon: Coupon) -> Refused | None:
    """Why a coupon cannot be used today, whatever the basket and the store."""
    state = queries.shown_state(coupon, scope.now, scope.today)
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


def _here(
    scope: Scope, said: conditions.Conditions, stores: Sequence[Store], store_id: int | None
) -> Refused | None:
    """Why it cannot be used at this moment or in this store. stores: the brand's, where somebody names some."""
    shops = [store.id for store in stores if store.open]
    if store_id is None and len(shops) == 1:
        store_id = shops[0]
    why = conditions.refuse(said, scope.now.astimezone(ZoneInfo(scope.brand.timezone)), store_id)
    if why is None or why.code != "store":
        return why
    names = [store.name for store in stores if store.id in said.stores]
    return Refused("store" if store_id is not None else "which_store", {"names": names})


def _nothing_left(one: Known) -> Refused | None:
    """All that its offer may save in all has been saved; a gift saves nothing."""
    spent = one.offer.budget_minor is not None and one.offer.saved_minor >= one.offer.budget_minor
    gift_only = one.bound is not None and one.bound.impl.needs == "nothing"
    return Refused("budget_spent") if spent and not gift_only else None


# ------------------------------------------------------------------------------------------------------------ using it


def redeem(
    scope: Scope,
    *,
    typed: str,
    basket_minor: int,
    key: str,
    store_id: int | None = None,
    till_number: str = "",
    lines: Sequence[BasketLine] = (),
    hold: str = "",
) -> Redemption | Refused:
    """Use a coupon. The same key gives the same answer, however often and from wherever it is asked.

    hold: the key under which it is held, if it is. Refused: as `quote`, and till_number (too long). A coupon that was not
    claimed yet is claimed by being used.
    """
    code, till = read(typed), printable(till_number)
    if code is None:
        return Refused("mistyped")

    def work() -> dict[str, Any]:
        answer = _redeem(scope, code, Basket(basket_minor, tuple(lines)), store_id, till, hold)
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
    scope: Scope, code: str, basket: Basket, store_id: int | None, till: str, hold: str
) -> Redemption | Refused:
    if len(till) > TILL_NUMBER:
        return Refused("till_number", {"most": TILL_NUMBER})
    one = known.by_code(scope, code)
    if one is None:
        return Refused("unknown")
    coupon = holds.settle(scope, steps.locked(scope, one.coupon.id))
    [asked] = wishes(scope, [one], store_id=store_id, hold=hold)
    bill = _reckon(basket, asked)
    if isinstance(answer := bill.of(asked.key), Refused):
        return answer
    done = write_down(scope, bill, {asked.key: coupon}, store_id=store_id, till=till)
    return done.why if isinstance(done, quoting.NotUsed) else done[0]


# -------------------------------------------------------------------------------------------------------- taken away


def void(scope: Scope, coupon_id: int, reason: str = "") -> Coupon | Refused:
    """Take a coupon away for good; it returns to the offer's stock and its person's allowance. Refused: used (undo the
    redemption first)."""
    coupon, reason = holds.settle(scope, steps.locked(scope, coupon_id)), printable(reason)
    if coupon.state == "redeemed":
        return ended(scope, coupon) or Refused("used")
    if coupon.state != "void":
        steps.move(scope, coupon, queries.USABLE, "void", {"reason": reason[:200]} if reason else {})
        return_to_stock(scope, [coupon])
        scope.audit("coupon.void", "coupon", coupon.id)
    return coupon
