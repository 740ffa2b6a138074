"""A coupon as whoever uses it needs to know it: with its offer, the terms that it was given with, and its type. Read in one
statement, however many there are, by quote, counter and API alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Result, Select, bindparam, select

from webapp.coupons import conditions, quoting
from webapp.coupons.conditions import Conditions
from webapp.coupons.models import Coupon, Offer, OfferTerms
from webapp.coupons.queries import ITS_OFFER, ITS_TERMS
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.plugin_api import CouponType
from webapp.plugin_runtime import calls
from webapp.plugin_runtime.models import PluginState, switch_of

_Rows = Select[Coupon, Offer, OfferTerms, bool | None]


@dataclass(frozen=True, slots=True)
class Known:
    """A coupon and what it stands on. conditions: of its terms. bound: its type, None while that is not there (it is parked)."""

    coupon: Coupon
    offer: Offer
    terms: OfferTerms
    conditions: Conditions
    bound: calls.Bound[CouponType] | None

    @property
    def parked(self) -> Refused | None:
        """Why nothing can be reckoned with it."""
        return Refused("parked", {"type": self.offer.type_key}) if self.bound is None else None

    def wish(self, id_: int, why: Refused | None) -> quoting.Wish:
        """What quoting.reckon needs to know of it. id_: its own, or of its redemption; why: it cannot be used."""
        return quoting.Wish(
            key=self.coupon.code,
            offer=self.offer.name,
            type=self.bound.impl if self.bound else None,
            plugin=self.bound.plugin if self.bound else "",
            terms=self.terms.terms,
            conditions=self.conditions,
            place=self.offer.place,
            offer_id=self.offer.id,
            id=id_,
            why=why,
            offer_code=self.offer.code,
        )


def by_codes(scope: Scope, codes: Sequence[str]) -> dict[str, Known]:
    """Those of codes as stored (secrets.read_code), by them."""
    if not codes:
        return {}
    values = {"brand": scope.brand.id, "codes": codes}
    rows = scope.session.execute(_by_codes(calls.coupon_plugins()), values)
    return {one.coupon.code: one for one in _known(scope, rows)}


def by_code(scope: Scope, code: str) -> Known | None:
    """The one of a code as stored."""
    return by_codes(scope, [code]).get(code)


def read(
    scope: Scope, *where: ColumnElement[bool], order: Sequence[Any] = (), limit: int | None = None
) -> list[Known]:
    """Those of the brand that fit."""
    query = _all(calls.coupon_plugins()).where(Coupon.brand_id == scope.brand.id, *where)
    return _known(scope, scope.session.execute(query.order_by(*order).limit(limit)))


def _known(scope: Scope, rows: Result[*tuple[Any, ...]]) -> list[Known]:
    found = rows.all()
    switches = {offer.type_key: switched for _, offer, _, switched in found}
    types = {key: calls.coupon_type_read(scope, key, on) for key, on in switches.items()}
    return [
        Known(coupon, offer, terms, conditions.load(terms.conditions), types[offer.type_key])
        for coupon, offer, terms, _ in found
    ]


@cache
def _all(plugins: tuple[tuple[str, str], ...]) -> _Rows:
    """plugins: each coupon type's, whose switch is read beside (None: nobody has touched it)."""
    return (
        select(Coupon, Offer, OfferTerms, PluginState.enabled)
        .join(Offer, ITS_OFFER)
        .join(OfferTerms, ITS_TERMS)
        .outerjoin(PluginState, switch_of(plugins, Coupon.brand_id, Offer.type_key))
    )


@cache
def _by_codes(plugins: tuple[tuple[str, str], ...]) -> _Rows:
    """Built once a process, since it is what tills ask. Binds brand, codes."""
    codes: BindParameter[Sequence[str]] = bindparam("codes", expanding=True)
    return _all(plugins).where(Coupon.brand_id == bindparam("brand"), Coupon.code.in_(codes))
