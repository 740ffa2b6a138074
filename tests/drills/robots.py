"""Links that a robot may have found."""

from __future__ import annotations

from sqlalchemy import select

from tests import factories as make
from tests.factories.outbox import make_campaign
from tests.support import seed
from webapp.coupons import service
from webapp.coupons.models import Coupon
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.outbox import tokens
from webapp.outbox.models import Delivery


def coupon_and_leaving(db: Database, brand: BrandRef) -> tuple[str, str]:
    """The words of a coupon's page and of an unsubscribe link. PlainSource must be the outbox's source."""

    def unit(scope: Scope) -> tuple[str, int]:
        [member] = make.make_members(scope, 1)
        one = service.give(scope, make.make_offer(scope).id, member.id, "robots-key")
        assert isinstance(one, Coupon)
        campaign = make_campaign(scope, [member])
        delivery = scope.session.scalar(select(Delivery.id).where(Delivery.campaign_id == campaign.id))
        assert delivery is not None
        return one.token, delivery

    token, delivery = db.write(unit, brand=brand, actor=seed.actor(db))
    return token, tokens.token("unsubscribe", brand.id, delivery)
