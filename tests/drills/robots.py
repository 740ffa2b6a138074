"""Links that a robot may have found."""

from __future__ import annotations

from tests import factories as make
from tests.support import seed
from webapp.coupons import service
from webapp.coupons.models import Coupon
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.outbox import tokens


def coupon_and_leaving(db: Database, brand: BrandRef) -> tuple[str, str]:
    """The words of a coupon's page and of an unsubscribe link (one that leads to nobody: 404 until it is limited)."""

    def unit(scope: Scope) -> str:
        member = make.make_member(scope)
        one = service.give(scope, make.make_offer(scope).id, member.id, "robots-key")
        assert isinstance(one, Coupon)
        return one.token

    token = db.write(unit, brand=brand, actor=seed.actor(db))
    return token, tokens.token("unsubscribe", brand.id, 1)
