"""Until when a use can be undone: the moment itself, the day's end in the brand's zone, the night on which clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests import factories as make
from tests.support import seed
from webapp.coupons import service, undo_limit, undoing
from webapp.coupons.models import Coupon, Redemption
from webapp.coupons.undo_limit import Limit
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope

BERLIN = "Europe/Berlin"
TICK = timedelta(microseconds=1)
# In the night to 25 October 2026 the clocks of Berlin are put back: that day has 25 hours.
EVENING = datetime(2026, 10, 24, 20, tzinfo=UTC)  # 22:00
NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)  # in Shanghai


@pytest.mark.parametrize(
    ("limit", "used_at", "on", "until"),
    [
        (Limit(), EVENING, date(2026, 10, 24), datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (Limit(), EVENING + timedelta(hours=3), date(2026, 10, 25), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        (Limit("hours", 10), EVENING, date(2026, 10, 24), datetime(2026, 10, 25, 6, tzinfo=UTC)),
        (Limit("never"), EVENING, date(2026, 10, 24), EVENING),
    ],
)
def test_a_clerks_last_moment(limit: Limit, used_at: datetime, on: date, until: datetime) -> None:
    assert limit.clerk_until(used_at, on, BERLIN) == until


def test_a_managers_last_moment() -> None:
    assert Limit().manager_until(date(2026, 10, 24), BERLIN) is None
    ends = (0, datetime(2026, 10, 24, 22, tzinfo=UTC)), (1, datetime(2026, 10, 25, 23, tzinfo=UTC))
    for days, until in ends:
        assert Limit(manager_days=days).manager_until(date(2026, 10, 24), BERLIN) == until


def test_what_the_brand_says_holds_for_what_was_used_before(db: Database, brand: BrandRef) -> None:
    def unit(scope: Scope) -> Redemption:
        coupon = service.give(scope, make.make_offer(scope).id, make.make_member(scope).id, "a-key")
        assert isinstance(coupon, Coupon)
        used = service.redeem(scope, typed=coupon.code, basket_minor=150_00, key="a-key-of-it")
        assert isinstance(used, Redemption)
        return used

    clerk, manager = seed.actor(db, "clerk"), seed.actor(db, "manager")
    used = db.write(unit, brand=brand, actor=clerk, now=NOON)

    def why(actor: Any, now: datetime) -> dict[str, Any] | None:
        with db.read(brand=brand, actor=actor, now=now) as scope:
            answer = undoing.too_late(scope, used)
        assert answer is None or answer.code == "undo_late"
        return None if answer is None else {key: answer.facts[key] for key in answer.facts if key != "on"}

    def says(limit: Limit) -> None:
        db.write(lambda s: undo_limit.keep(s, limit), brand=brand)

    far = NOON + timedelta(days=400)
    assert why(clerk, NOON) is None and why(clerk, far) == {} and why(manager, far) is None
    says(Limit("hours", 2, 3))
    end = NOON + timedelta(hours=2)
    assert why(clerk, end - TICK) is None and why(clerk, end) == {"hours": 2} and why(manager, end) is None
    end = datetime(2026, 5, 13, 16, tzinfo=UTC)  # the midnight after the third day
    assert why(manager, end - TICK) is None
    assert why(manager, end) == why(clerk, end) == {"days": 3}, "nobody is sent to a manager in vain"
    says(Limit("never"))
    assert why(clerk, NOON) == {"never": True} and why(manager, far) is None
    says(Limit("hours", 48, 0))
    assert why(manager, NOON + timedelta(hours=47)) is None, "a manager can what a clerk can"
    late = db.write(
        lambda s: service.reverse(s, used.id), brand=brand, actor=clerk, now=NOON + timedelta(hours=48)
    )
    assert late == Refused("undo_late", {"on": "2026-05-10", "days": 0})
    for wrong in (Limit("hours"), Limit("day", 3), replace(Limit(), manager_days=-1)):
        with pytest.raises(ValueError, match="no such limit"):
            says(wrong)
