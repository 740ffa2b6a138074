"""Whom the counter may ask about: any member of the brand, by whole number or phone, and only what a counter needs; and what
it asks for beside a coupon's code."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.catalogue import queries as catalogue
from webapp.coupons import known, queries
from webapp.coupons.models import Coupon, Offer
from webapp.coupons.redeem import wishes
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.members import queries as members
from webapp.members.identities import mask_name

MOST = 20


@dataclass(frozen=True, slots=True)
class Usable:
    """A coupon that a member could use. lines: what it promises, None while its type is not there. why: it cannot be used
    at this moment or in this store."""

    coupon: Coupon
    offer: Offer
    lines: list[str] | None
    why: Refused | None


@dataclass(frozen=True, slots=True)
class AtCounter:
    """A member as the counter sees them. name: masked. coupons: usable today, those that end first on top."""

    member_id: int
    store_id: int | None
    name: str
    coupons: list[Usable]


def find(scope: Scope, typed: str, locale: str = "en", store_id: int | None = None) -> AtCounter | None:
    """The one member whom the whole number, phone or address names, whatever store is theirs. None: nobody.

    store_id: where the clerk stands, if that is known.
    """
    member = members.find(scope, typed)
    if member is None:
        return None
    some = known.read(
        scope,
        Coupon.person_id == member.person_id,
        queries.which("usable", scope.now, scope.today),
        Coupon.valid_from <= scope.today,
        order=(Coupon.valid_until.is_(None), Coupon.valid_until, Coupon.id),
        limit=MOST,
    )
    coupons = []
    for one, wish in zip(some, wishes(scope, some, store_id=store_id), strict=True):
        # which of the stores is asked for on the next page
        why = wish.why if wish.why is None or wish.why.code != "which_store" else None
        lines = queries.describe(scope, one.offer, one.terms, locale, staff=True)
        coupons.append(Usable(one.coupon, one.offer, lines, why))
    return AtCounter(member.id, member.store_id, mask_name(member.name), coupons)


@dataclass(frozen=True, slots=True)
class Asks:
    """What the counter asks for beside a coupon's code. basket: what is bought costs; goods: only these count, as people call
    them; goods_out: these do not."""

    basket: bool = True
    goods: tuple[str, ...] = ()
    goods_out: tuple[str, ...] = ()

    @property
    def picks(self) -> bool:
        """It is good for some goods only."""
        return bool(self.goods or self.goods_out)


def asks(scope: Scope, code: str | None) -> Asks:
    """Of a code as stored; for one that nobody has, what most coupons ask for."""
    one = known.by_code(scope, code) if code else None
    if one is None:
        return Asks()
    said, bound = one.conditions, one.bound
    free = bound is not None and bound.impl.needs == "nothing" and not said.least_minor
    return Asks(
        basket=not free,
        goods=_called(scope, said.products, said.categories),
        goods_out=_called(scope, said.products_out, said.categories_out),
    )


def _called(scope: Scope, products: tuple[str, ...], categories: tuple[str, ...]) -> tuple[str, ...]:
    """The till's words as people read them."""
    by_product = catalogue.names(scope, products) if products else {}
    by_category = catalogue.category_names(scope, categories) if categories else {}
    return (
        *(by_product.get(word, word) for word in products),
        *(by_category.get(word, word) for word in categories),
    )
