"""Part of what was bought with coupons came back: looked at first, then written down, once.

What changes is worked out in returns.py. All coupons of the basket that stand are locked by id before it is, and offers are
touched last. What was shown is named by `seen`: if it is no longer the answer once all are locked, nothing is changed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from webapp.coupons import counters, known, redemptions, returns, steps, undoing, using
from webapp.coupons.issue import return_shares
from webapp.coupons.models import Coupon, Redemption
from webapp.coupons.models_counter import BasketReturn
from webapp.kernel.errors import Forbidden, NotFound, Refused
from webapp.kernel.idempotency import once
from webapp.kernel.reach import reaches
from webapp.kernel.scope import Scope
from webapp.plugin_api import Basket


@dataclass(frozen=True, slots=True)
class Came:
    """What came back. pieces: of each line; where the basket has none, left_minor: what the goods that stay cost before the
    coupons."""

    left_minor: int | None = None
    pieces: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Whole:
    """A basket with the redemptions that stand on it. first_id: its name; lines: as kept, empty without lines; short_minor: of
    its newest return; times: how often something came back."""

    first_id: int
    standing: tuple[Redemption, ...]
    basket_minor: int
    lines: tuple[returns.Line, ...]
    short_minor: int
    times: int

    @property
    def paid_minor(self) -> int:
        """What was paid and not given back."""
        return self.basket_minor - sum(one.saving_minor for one in self.standing) - self.short_minor


@dataclass(frozen=True, slots=True)
class Answer:
    """What a return would change. lines: those that stay, empty without lines."""

    whole: Whole
    came: Came
    done: returns.Return
    lines: tuple[returns.Line, ...]

    @property
    def seen(self) -> str:
        """A word for it."""
        said = [
            self.whole.first_id,
            self.whole.times,
            self.whole.basket_minor,
            self.done.left.total_minor,
            list(self.came.pieces),
            self.done.back_minor,
            self.done.short_minor,
            [[one.used.wish.id, one.fate, one.saving_minor, list(one.lines)] for one in self.done.coupons],
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def basket(scope: Scope, redemption_id: int) -> Whole | Refused:
    """The basket of a redemption, as far as something of it can still come back. Refused: undone (none of its coupons stands),
    undo_late. Raises NotFound; Forbidden for one of a store that the actor does not reach."""
    used = scope.session.get(Redemption, (scope.brand.id, redemption_id))
    if used is None:
        raise NotFound(f"redemption {redemption_id}")
    if not reaches(scope, used.store_id):
        raise Forbidden("a redemption of another store")
    first_id = used.basket_id or used.id
    rows = [row.redemption for row in redemptions.of_basket(scope, first_id)] or [used]
    standing = tuple(one for one in rows if one.reversed_at is None)
    if not standing:
        return Refused("undone")
    if (late := undoing.too_late(scope, standing[0])) is not None:
        return late
    past = history(scope, first_id)
    return Whole(
        first_id,
        standing,
        standing[0].basket_minor,
        tuple(standing[0].lines or ()),
        past[-1].short_minor if past else 0,
        len(past),
    )


def history(scope: Scope, first_id: int) -> Sequence[BasketReturn]:
    """What came back of a basket, the oldest first."""
    return scope.session.scalars(
        select(BasketReturn)
        .where(BasketReturn.brand_id == scope.brand.id, BasketReturn.first_id == first_id)
        .order_by(BasketReturn.n)
    ).all()


def look(scope: Scope, redemption_id: int, came: Came) -> Answer | Refused:
    """What would change; nothing is. Refused: as `basket`; nothing_back (all stays), left_more (more stays than there was,
    most_minor), pieces (more than there are), parked, plugin_failed."""
    whole = basket(scope, redemption_id)
    return whole if isinstance(whole, Refused) else _reckon(scope, whole, came)


def take_back(scope: Scope, redemption_id: int, came: Came, *, key: str, seen: str) -> int | Refused:
    """Write it down; what was paid back is the answer. The same key gives the same answer. Refused: as `look`; quote_changed
    (it is no longer what was shown), budget_spent."""

    def work() -> dict[str, Any]:
        answer = _take_back(scope, redemption_id, came, seen)
        if isinstance(answer, Refused):
            return {"refused": answer.code, "facts": answer.facts}
        return {"back_minor": answer}

    answer = once(scope, key, f"return:{redemption_id}", work)
    return Refused(answer["refused"], answer["facts"]) if "refused" in answer else int(answer["back_minor"])


# --------------------------------------------------------------------------------------------------------------- inside


def _reckon(scope: Scope, whole: Whole, came: Came) -> Answer | Refused:
    lines: tuple[returns.Line, ...] = ()
    if whole.lines:
        try:
            lines = tuple(returns.stays(whole.lines, came.pieces))
        except ValueError:
            return Refused("pieces")
        left = returns.basket_of(lines)
        if not any(came.pieces):
            return Refused("nothing_back")
    else:
        if came.left_minor is None or came.left_minor == whole.basket_minor:
            return Refused("nothing_back")
        if not 0 <= came.left_minor < whole.basket_minor:
            return Refused("left_more", {"most_minor": whole.basket_minor})
        left = Basket(came.left_minor)
    done = returns.reckon(left, whole.paid_minor, _used(scope, whole.standing))
    return done if isinstance(done, Refused) else Answer(whole, came, done, lines)


def _used(scope: Scope, standing: Sequence[Redemption]) -> list[returns.Used]:
    """As they were used: where and when they can be used does not matter any more."""
    rows = known.read(scope, Coupon.id.in_([one.coupon_id for one in standing]))
    by_id = {its.coupon.id: its for its in rows}
    used = []
    for one in standing:
        its = by_id[one.coupon_id]
        first = one.saving_minor if one.first_saving_minor is None else one.first_saving_minor
        used.append(returns.Used(its.wish(one.id, its.parked), one.saving_minor, first))
    return used


class _Stop(Exception):
    """Nothing of it is kept."""


def _take_back(scope: Scope, redemption_id: int, came: Came, seen: str) -> int | Refused:
    whole = basket(scope, redemption_id)
    if isinstance(whole, Refused):
        return whole
    coupons = {
        coupon.id: coupon
        for coupon in (steps.locked(scope, id_) for id_ in sorted(one.coupon_id for one in whole.standing))
    }
    for one in whole.standing:
        scope.session.refresh(one)  # as they stand now that nobody else can move them
    answer = look(scope, redemption_id, came)
    if isinstance(answer, Refused):
        amiss = answer.code in ("nothing_back", "left_more", "pieces")
        return Refused("quote_changed") if seen and amiss else answer  # it stood when it was shown
    if answer.seen != seen or {one.coupon_id for one in answer.whole.standing} != coupons.keys():
        return Refused("quote_changed")
    try:
        with scope.session.begin_nested():  # a refusal keeps its idempotency row and leaves no other
            _write_down(scope, answer, coupons)
    except _Stop:
        return Refused("budget_spent")
    return answer.done.back_minor


def _write_down(scope: Scope, answer: Answer, coupons: dict[int, Coupon]) -> None:
    whole, done = answer.whole, answer.done
    after = {one.used.wish.id: one for one in done.coupons}
    to_stock: list[Coupon] = []
    saves: dict[int, int] = {}  # offer -> more (less) than before
    row = BasketReturn(
        brand_id=scope.brand.id,
        id=scope.new_id(),
        first_id=whole.first_id,
        n=whole.times + 1,
        was_minor=whole.basket_minor,
        left_minor=done.left.total_minor,
        saved_minor=sum(one.saving_minor for one in whole.standing),
        saves_minor=done.saving_minor,
        back_minor=done.back_minor,
        short_minor=done.short_minor,
        pieces=list(answer.came.pieces) if whole.lines else None,
        coupons=[
            [one.id, one.saving_minor, after[one.id].saving_minor, after[one.id].fate]
            for one in whole.standing
        ],
        returned_at=scope.now,
        actor_kind=scope.actor.kind,
        actor_id=scope.actor.id,
    )
    scope.session.add(row)
    for used in whole.standing:
        coupon, end, before = coupons[used.coupon_id], after[used.id], used.saving_minor
        saves[coupon.offer_id] = saves.get(coupon.offer_id, 0) + end.saving_minor - before
        if end.fate == "back":
            if undoing.put_back(scope, used, coupon, {"return": row.id}):
                to_stock.append(coupon)
            continue
        _leave(scope, used, answer, end)
        scope.audit("coupon.return", "coupon", coupon.id, redemption=used.id, before=before, after=end.saving_minor)  # fmt: skip
    return_shares(scope, to_stock)
    to_offer = Counter(coupon.offer_id for coupon in to_stock)
    for offer_id, more in sorted(saves.items()):  # the hottest rows: last, and in the order of every unit
        if offer_id in to_offer:
            counters.stock_back(scope, offer_id, to_offer[offer_id])
        if not using.correct(scope, offer_id, more):
            raise _Stop


def _leave(scope: Scope, used: Redemption, answer: Answer, end: returns.After) -> None:
    """It stands, for what stays."""
    changed = scope.session.execute(
        update(Redemption)
        .where(
            Redemption.brand_id == scope.brand.id,
            Redemption.id == used.id,
            Redemption.open_coupon_id == used.coupon_id,
        )
        .values(
            basket_minor=answer.done.left.total_minor,
            saving_minor=end.saving_minor,
            lines=returns.saved(answer.lines, end.lines) if answer.lines else None,
            bought_minor=used.basket_minor if used.bought_minor is None else used.bought_minor,
            first_saving_minor=end.used.first_minor,
        )
        .execution_options(synchronize_session=False)
    )
    steps.once_only(changed, f"redemption {used.id}")
    scope.session.refresh(used)
