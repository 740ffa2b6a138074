"""What tills and shops ask without changing anything: whether it works, offers, a coupon, a quote."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from webapp.api import problems, shapes
from webapp.api import schemas as shape
from webapp.api.door import ANY, Ask, Operation, guessed, may_guess, operation
from webapp.api.problems import Problem, Stop
from webapp.brands import queries as brands
from webapp.coupons import known, queries, together
from webapp.coupons.models import Offer
from webapp.coupons.redeem import read, why_not
from webapp.kernel.edge import BIGGEST
from webapp.kernel.errors import NotFound
from webapp.kernel.scope import Scope
from webapp.members import queries as members
from webapp.members.identities import mask_name
from webapp.plugin_api import Basket, BasketLine

BASKET = {
    "currency": "CNY",
    "codes": ["T7KQM4XWM"],
    "lines": [
        {"amount_minor": 9900, "quantity": 2, "product": "6901", "category": "Tea"},
        {"amount_minor": 5100},
    ],
}
TOTAL = {"currency": "CNY", "codes": ["T7KQM4XWM"], "total_minor": 15000}


# ----------------------------------------------------------------------------------------------------- of a request's body


def store_of(scope: Scope, ask: Ask, said: str | UnsetType) -> int | None:
    """The store where it happens: as said, the key's own, or the only one; None: nobody said, and there are several."""
    shops = [store.id for store in brands.stores_in_reach(scope) if store.open]
    if said is UNSET:
        wanted = ask.key.store_id if ask.key.store_id is not None else shops[0] if len(shops) == 1 else None
    else:
        wanted = int(str(said))
    if wanted is not None and wanted not in shops:
        raise Stop(Problem("store_unknown", 409, field="store"))
    return wanted


def basket_of(scope: Scope, body: shape.Basket) -> Basket:
    """What is bought, as the core reads it."""
    if body.currency != scope.brand.currency:
        raise Stop(Problem("currency", 409, {"currency": scope.brand.currency}, "currency"))
    lines = tuple(
        BasketLine(line.amount_minor, line.quantity, line.product.strip(), line.category.strip())
        for line in (body.lines or ())
    )
    total = sum(line.amount_minor for line in lines)
    if body.total_minor is UNSET:
        return Basket(total, lines)
    if lines and total != body.total_minor:
        raise Stop(Problem("lines_do_not_sum", 409, {"lines_minor": total}, "total_minor"))
    return Basket(int(body.total_minor), lines)


# ------------------------------------------------------------------------------------------------------------- operations


@operation(
    Operation(
        "status",
        "GET",
        "/status",
        ANY,
        "Whether it works",
        "The shop, the key that asks and what it may do, and the stores that it reaches. Any key may ask.",
        shape.Status,
    )
)
def status(scope: Scope, ask: Ask) -> shape.Status:
    """Any key may ask."""
    stores = brands.stores_in_reach(scope)
    mine = next((one for one in stores if one.id == ask.key.store_id), None)
    return shape.Status(
        shop=scope.brand.name,
        currency=scope.brand.currency,
        timezone=scope.brand.timezone,
        now=scope.now,
        today=scope.today,
        key=shape.Key(
            name=ask.key.name,
            scopes=ask.key.scopes,  # type: ignore[arg-type]  # what was stored was chosen from them
            store=shapes.store(mine) if mine is not None else None,
        ),
        stores=[shapes.store(one) for one in stores if one.open],
    )


@operation(
    Operation(
        "offers",
        "GET",
        "/offers",
        "offers",
        "Offers",
        "Newest first, a page at a time. What is still a draft is not shown.",
        shape.Offers,
        query=shape.OffersAsked,
    )
)
def offers(scope: Scope, ask: Ask) -> shape.Offers:
    """Those that are open, unless others are asked for."""
    asked: shape.OffersAsked = ask.body
    where: list[Any] = [Offer.brand_id == scope.brand.id, Offer.state != "draft"]
    if asked.state != "all":
        where.append(Offer.state == asked.state)
    if asked.after is not UNSET:
        where.append(Offer.id < min(int(str(asked.after)), BIGGEST))
    rows = scope.session.execute(
        queries.with_terms().where(*where).order_by(Offer.id.desc()).limit(asked.limit + 1)
    ).all()
    shown = rows[: asked.limit]
    return shape.Offers(
        offers=[shapes.offer(scope, found, terms) for found, terms in shown],
        next=str(shown[-1][0].id) if len(rows) > asked.limit else None,
    )


@operation(
    Operation("offer", "GET", "/offers/<int:offer_id>", "offers", "One offer", "As it is now.", shape.Offer)
)
def offer(scope: Scope, ask: Ask, offer_id: int) -> shape.Offer:
    """By its id."""
    found = shown_offer(scope, offer_id)
    return shapes.offer(scope, found, queries.terms(scope, found.id, found.terms_version))


def shown_offer(scope: Scope, offer_id: int) -> Offer:
    """A draft is nobody's business yet."""
    found = queries.offer(scope, offer_id)
    if found.state == "draft":
        raise NotFound(f"offer {offer_id}")
    return found


@operation(
    Operation(
        "coupon",
        "GET",
        "/coupons/<code>",
        "coupons",
        "One coupon",
        "What a code is, and whether it can be used here and now, the basket aside. A code that nobody has is 404 `unknown`, one "
        "that can be none 404 `mistyped`. Codes that do not exist are counted: after 30 in five minutes the key waits.",
        shape.CouponSeen,
        query=shape.CouponAsked,
        refuses=("store_unknown",),
    )
)
def coupon(scope: Scope, ask: Ask, code: str) -> shape.CouponSeen:
    """By the code that its member shows, in whatever store."""
    may_guess(ask)
    asked: shape.CouponAsked = ask.body
    store_id = store_of(scope, ask, asked.store)
    word = read(code)
    if word is None:
        raise Stop(Problem("mistyped", 404))
    found = known.by_code(scope, word)
    if found is None:
        guessed(ask)
        raise Stop(Problem("unknown", 404))
    why = why_not(scope, found, store_id=store_id)
    return shape.CouponSeen(
        **shapes.coupon(scope, found.coupon),
        member=mask_name(members.get(scope, found.coupon.member_id).name),
        says=shapes.says(scope, found.offer, found.terms),
        usable=why is None,
        why=problems.reason(why) if why else None,
    )


@operation(
    Operation(
        "quote",
        "POST",
        "/quote",
        "coupons",
        "What coupons save on a basket",
        "At most three coupons are used together, and only those whose offers join; of all that is allowed the combination that "
        "saves most. The same question has the same answer, and nothing is changed.",
        shape.Quote,
        body=shape.QuoteAsked,
        examples={"lines": BASKET, "total": TOTAL},
        refuses=("currency", "lines_do_not_sum", "store_unknown"),
    )
)
def quote(scope: Scope, ask: Ask) -> shape.Quote:
    """Each code has its answer: applied, or why not."""
    may_guess(ask)
    body: shape.QuoteAsked = ask.body
    bill = together.quote_together(
        scope, body.codes, basket_of(scope, body), store_of(scope, ask, body.store)
    )
    if any(one.why.code == "unknown" for one in bill.unused):
        guessed(ask)
    return shape.Quote(
        currency=scope.brand.currency,
        total_minor=bill.basket.total_minor,
        saving_minor=bill.saving_minor,
        to_pay_minor=bill.to_pay_minor,
        applied=[
            shape.Applied(
                code=one.wish.key,
                offer=shape.OfferRef(
                    id=str(one.wish.offer_id), code=one.wish.offer_code, name=one.wish.offer
                ),
                before_minor=one.before_minor,
                saving_minor=one.saving_minor,
                lines_minor=list(one.lines),
                gift=one.gift,
            )
            for one in bill.applied
        ],
        unused=[shape.Unused(code=one.wish.key, why=problems.reason(one.why)) for one in bill.unused],
        quote=together.seen(bill),
    )
