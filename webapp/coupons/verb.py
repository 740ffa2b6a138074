"""What a plugin's `ctx.coupons` does here: its own types' offers and coupons, by the same services as everybody's.

Whatever belongs to another plugin's type is as if it were not there. Refusals go out as they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import func, select

from webapp.coupons import holds, public_page, queries, service, waiting
from webapp.coupons.models import Coupon, Offer, OfferTerms
from webapp.coupons.take import take as take_one
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope
from webapp.plugin_api.coupons import CouponState, CouponView, OfferView, Refusal
from webapp.plugin_runtime.runtime import registry

_MEMBER = re.compile(r"member:([0-9]{1,18})", re.ASCII)
UNKNOWN = Refusal("unknown")
SHOWN = 200  # offers

# What higher rooms note of a coupon that a member took on a plugin's page, in the same unit.
TAKEN: list[Callable[[Scope, Coupon], None]] = []


class Room:
    """webapp.plugin_runtime.verbs.CouponRoom."""

    def offers(self, scope: Scope, plugin: str) -> list[OfferView]:
        """The newest first."""
        keys = _types(plugin)
        if not keys:
            return []
        rows = scope.session.execute(
            queries.with_terms()
            .where(Offer.brand_id == scope.brand.id, Offer.type_key.in_(keys))
            .order_by(Offer.id.desc())
            .limit(SHOWN)
        ).all()
        return [_offer_view(scope, offer, terms) for offer, terms in rows]

    def offer(self, scope: Scope, plugin: str, word: str) -> OfferView | None:
        """Drafts are nobody's business yet."""
        row = scope.session.execute(
            queries.with_terms().where(
                Offer.brand_id == scope.brand.id, Offer.token == word, Offer.state != "draft"
            )
        ).one_or_none()
        if row is None or row[0].type_key not in _types(plugin):
            return None
        return _offer_view(scope, *row)

    def offer_by_id(self, scope: Scope, plugin: str, offer_id: int) -> OfferView | None:
        """Drafts too."""
        row = scope.session.execute(
            queries.with_terms().where(Offer.brand_id == scope.brand.id, Offer.id == offer_id)
        ).one_or_none()
        if row is None or row[0].type_key not in _types(plugin):
            return None
        return _offer_view(scope, *row)

    def left(self, scope: Scope, plugin: str, offer_id: int) -> int | None:
        """Counted from the offer's own row."""
        row = scope.session.execute(
            select(Offer.type_key, Offer.stock, Offer.issued).where(
                Offer.brand_id == scope.brand.id, Offer.id == offer_id
            )
        ).one_or_none()
        if row is None or row.type_key not in _types(plugin):
            return 0
        return None if row.stock is None else max(0, row.stock - row.issued)

    def state(self, scope: Scope, plugin: str, coupon_id: int) -> CouponView | None:
        """As people see it today."""
        coupon = _own(scope, plugin, coupon_id)
        return _coupon_view(scope, coupon) if coupon is not None else None

    def take(
        self,
        scope: Scope,
        plugin: str,
        offer_id: int,
        member: str,
        key: str,
        code: str,
        until: datetime | None,
    ) -> CouponView | Refusal:
        """The member's taking it. A member that is not there is refused (nobody)."""
        whose = _MEMBER.fullmatch(member)
        if whose is None:
            return Refusal("nobody")
        if not 0 < len(key) <= 40:
            raise ValueError("a key has 1 to 40 characters")
        found = scope.session.get(Offer, (scope.brand.id, offer_id))
        if found is None or found.type_key not in _types(plugin):
            return UNKNOWN
        whole = hashlib.sha256(f"{plugin}:{offer_id}:{whose[1]}:{key}".encode()).hexdigest()[:40]
        try:
            answer = take_one(
                scope,
                offer_id,
                int(whose[1]),
                f"plugin:{whole}",
                code=code,
                through=plugin,
                until=until,
            )
        except NotFound:
            return Refusal("nobody")
        if isinstance(answer, Coupon):
            for note in TAKEN:
                note(scope, answer)
        return _told(scope, answer)

    def grant(self, scope: Scope, plugin: str, coupon_ids: Sequence[int]) -> list[CouponView] | Refusal:
        """All of them, or none."""
        if not _all_own(scope, plugin, coupon_ids):
            return UNKNOWN
        answer = waiting.grant(scope, coupon_ids)
        if isinstance(answer, Refused):
            return Refusal(answer.code, dict(answer.facts))
        return [_coupon_view(scope, coupon) for coupon in answer]

    def let_go(self, scope: Scope, plugin: str, coupon_ids: Sequence[int]) -> list[CouponView] | Refusal:
        """Back to the stock."""
        if not _all_own(scope, plugin, coupon_ids):
            return UNKNOWN
        return [_coupon_view(scope, coupon) for coupon in waiting.let_go(scope, coupon_ids)]

    def hold(self, scope: Scope, plugin: str, coupon_id: int, until: datetime) -> CouponView | Refusal:
        """For at most a day."""
        if _own(scope, plugin, coupon_id) is None:
            return UNKNOWN
        return _told(scope, holds.hold(scope, coupon_id, until))

    def release(self, scope: Scope, plugin: str, coupon_id: int) -> CouponView | Refusal:
        """One that is not held stays as it is."""
        if _own(scope, plugin, coupon_id) is None:
            return UNKNOWN
        return _told(scope, holds.release(scope, coupon_id))

    def void(self, scope: Scope, plugin: str, coupon_id: int, reason: str) -> CouponView | Refusal:
        """One that is void already stays so."""
        if _own(scope, plugin, coupon_id) is None:
            return UNKNOWN
        return _told(scope, service.void(scope, coupon_id, reason))


def _types(plugin: str) -> set[str]:
    return {key for key, (owner, _type) in registry().coupon_types.items() if owner == plugin}


def _own(scope: Scope, plugin: str, coupon_id: int) -> Coupon | None:
    return scope.session.scalars(
        select(Coupon)
        .join(Offer, queries.ITS_OFFER)
        .where(Coupon.brand_id == scope.brand.id, Coupon.id == coupon_id, Offer.type_key.in_(_types(plugin)))
    ).one_or_none()


def _all_own(scope: Scope, plugin: str, coupon_ids: Sequence[int]) -> bool:
    wanted = set(coupon_ids)
    found = scope.session.scalar(
        select(func.count())
        .select_from(Coupon)
        .join(Offer, queries.ITS_OFFER)
        .where(Coupon.brand_id == scope.brand.id, Coupon.id.in_(wanted), Offer.type_key.in_(_types(plugin)))
    )
    return found == len(wanted)


def _told(scope: Scope, answer: Coupon | Refused) -> CouponView | Refusal:
    if isinstance(answer, Refused):
        return Refusal(answer.code, dict(answer.facts))
    return _coupon_view(scope, answer)


def _offer_view(scope: Scope, offer: Offer, terms: OfferTerms) -> OfferView:
    return OfferView(
        offer.id,
        offer.name,
        offer.type_key,
        offer.state,
        "soon" if offer.state == "draft" else public_page.stage(scope, offer, terms),
        offer.token,
        public_page.elsewhere(offer) or (public_page.path(offer.token) if offer.token else ""),
        offer.stock,
        None if offer.stock is None else max(0, offer.stock - offer.issued),
        offer.claim_from,
        offer.claim_until,
        dict(terms.terms),
    )


def _coupon_view(scope: Scope, coupon: Coupon) -> CouponView:
    state = queries.shown_state(coupon, scope.now, scope.today)
    return CouponView(
        coupon.id,
        coupon.offer_id,
        cast(CouponState, state),
        coupon.held_until,
        queries.coupon_path(coupon.token),
    )
