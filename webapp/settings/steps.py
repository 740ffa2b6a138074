"""The first steps of a shop, each done or not: read from what is there, never from what was clicked."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from webapp.brands.models import Brand, Store
from webapp.campaigns.models import Campaign
from webapp.imports.models import Import
from webapp.kernel import links
from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.plugin_runtime import calls
from webapp.staff.models import StaffInvite, StaffRole

STEPS = ("shop", "stores", "staff", "mail", "address", "import", "campaign")
SENT = ("laying", "sending", "paused", "done")


def done(scope: Scope) -> dict[str, bool]:
    """Step -> is it done?, in their order."""
    brand = scope.brand
    colleagues = scope.session.scalars(
        select(StaffRole.id).where(StaffRole.brand_id == brand.id, StaffRole.off_at.is_(None)).limit(2)
    ).all()
    address = links.state()
    found = {
        "shop": bool(brand.colour or brand.logo),
        "stores": _any(scope, Store),
        "staff": len(colleagues) > 1 or _any(scope, StaffInvite, StaffInvite.withdrawn_at.is_(None)),
        "mail": mail_ready(scope),
        "address": address is not None and address.checked,
        "import": _any(scope, Import) or _any(scope, Member),
        "campaign": _any(scope, Campaign, Campaign.state.in_(SENT)),
    }
    return {step: found[step] for step in STEPS}


def mail_ready(scope: Scope) -> bool:
    """Can the e-mail channel speak?"""
    bound = calls.channel(scope, "email")
    return bound is not None and calls.decide(bound.plugin, lambda: bound.impl.ready(bound.ctx)) is None


def put_away(scope: Scope, *, away: bool) -> None:
    """The list leaves Today, or comes back."""
    brand = scope.session.get_one(Brand, scope.brand.id)
    brand.setup_closed_at = scope.now if away else None
    scope.audit("setup.away" if away else "setup.back", "brand", brand.id)


def is_away(scope: Scope) -> bool:
    """Did the owner put the list away?"""
    return scope.session.get_one(Brand, scope.brand.id).setup_closed_at is not None


def in_stone(scope: Scope) -> bool:
    """Are there rows whose days and amounts were written in the brand's zone and currency?"""
    from webapp.coupons.models import Coupon, Offer
    from webapp.orders.models import Order
    from webapp.outbox.models import Delivery

    return any(_any(scope, model) for model in (Order, Offer, Coupon, Delivery))


def _any(scope: Scope, model: Any, *where: Any) -> bool:
    found = scope.session.scalar(select(model.id).where(model.brand_id == scope.brand.id, *where).limit(1))
    return found is not None
