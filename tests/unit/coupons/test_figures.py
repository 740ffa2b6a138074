"""The order joins its redemption, whichever is known first; and each figure is the number of rows that it opens to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests import factories as make
from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from tests.support.web import Worker
from webapp.coupons import figures, queries, redemptions, service
from webapp.coupons.conditions import Conditions
from webapp.coupons.figures import CouponFigures
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.members.models import Member

pytestmark = OTHER_IN_DRILL

NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)
TODAY = date(2026, 5, 10)
DAY = timedelta(days=1)


class Shop:
    """A brand with an offer, two stores and members; each step in a unit of its own."""

    def __init__(self, db: Database, brand: BrandRef) -> None:
        self.db, self.brand, self.clerk = db, brand, seed.actor(db, "clerk")
        self.keys = 0

        def fill(scope: Scope) -> None:
            self.offer_id = make.make_offer(scope, valid_days=30, conditions=Conditions(joins=True)).id
            self.here, self.there = (make.make_store(scope, code).id for code in ("nanjing-road", "xujiahui"))
            self.members = make.make_members(scope, 5)

        db.write(fill, brand=brand, now=NOON - DAY)

    def give(self, member: Member, campaign_id: int = 7) -> Coupon:
        people = [(member.id, member.person_id)]
        answers = self.db.write(
            lambda s: service.issue_for_campaign(s, self.offer_id, people, campaign_id),
            brand=self.brand,
            now=NOON,
        )
        coupon = answers[member.id]
        assert isinstance(coupon, Coupon)
        return coupon

    def use(self, coupon: Coupon, till: str, store_id: int | None = None) -> Redemption:
        self.keys += 1
        used = self.db.write(
            lambda s: service.redeem(
                s,
                typed=coupon.code,
                basket_minor=150_00,
                key=f"key-{self.keys:05}",
                store_id=store_id or self.here,
                till_number=till,
            ),
            brand=self.brand,
            actor=self.clerk,
            now=NOON,
        )
        assert isinstance(used, Redemption), used
        return used

    def order(
        self,
        number: str,
        member: Member | None,
        on: date = TODAY,
        store_id: int | None = None,
        paid: int = 130_00,
    ) -> int:
        return self.db.write(
            lambda s: (
                make.make_order(
                    s, member, on, paid, number=number, source=f"till{number}", store_id=store_id
                ).id
            ),
            brand=self.brand,
            now=NOON + DAY,
        )

    def joined(self, used: Redemption) -> int | None:
        with self.db.read(brand=self.brand) as scope:
            return redemptions.get(scope, used.id).redemption.order_id


@pytest.fixture
def shop(db: Database, brand: BrandRef, worker: Worker) -> Shop:
    return Shop(db, brand)


def test_the_order_joins_whichever_is_known_first(shop: Shop, worker: Worker) -> None:
    before = shop.order("100", shop.members[0])
    assert shop.joined(shop.use(shop.give(shop.members[0]), " 100 ")) == before
    used = shop.use(shop.give(shop.members[1]), "200")
    assert shop.joined(used) is None
    after = shop.order("200", shop.members[1])
    worker.run()
    assert shop.joined(used) == after


@pytest.mark.parametrize(
    ("on", "member", "store", "joins"),
    [
        (TODAY, 0, None, True),
        (TODAY + DAY, 0, None, True),
        (TODAY - 2 * DAY, 0, None, False),
        (TODAY, 1, "there", False),
        (TODAY, 1, "here", True),  # the basket was another member's, the till and the day are the same
        (TODAY, None, "here", True),
        (TODAY + DAY, None, "here", False),
        (TODAY, None, None, False),
    ],
)
def test_the_number_alone_joins_nobody(
    shop: Shop, worker: Worker, on: date, member: int | None, store: str | None, joins: bool
) -> None:
    used = shop.use(shop.give(shop.members[0]), "300")
    order_id = shop.order(
        "300", None if member is None else shop.members[member], on, getattr(shop, store) if store else None
    )
    worker.run()
    assert shop.joined(used) == (order_id if joins else None)


def test_an_undone_redemption_joins_nothing(shop: Shop, worker: Worker) -> None:
    used = shop.use(shop.give(shop.members[0]), "400")
    shop.db.write(lambda s: service.reverse(s, used.id), brand=shop.brand, now=NOON)
    shop.order("400", shop.members[0])
    worker.run()
    assert shop.joined(used) is None


def test_each_figure_is_the_number_of_its_rows(shop: Shop, worker: Worker) -> None:
    coupons = [shop.give(member) for member in shop.members]
    shop.db.write(lambda s: service.claim(s, coupons[0].id), brand=shop.brand, now=NOON)
    one, two, undone = (shop.use(coupons[n], f"5{n}") for n in (1, 2, 3))
    shop.db.write(lambda s: service.reverse(s, undone.id), brand=shop.brand, now=NOON)
    shop.db.write(lambda s: service.void(s, coupons[4].id), brand=shop.brand, now=NOON)
    shop.order("51", shop.members[1], paid=130_00)
    worker.run()
    with shop.db.read(brand=shop.brand, now=NOON) as scope:
        brought = figures.coupon_figures(scope, 7)
        assert brought == CouponFigures(
            issued=4,
            claimed=4,
            redeemed=2,
            saved_minor=40_00,
            orders=1,
            revenue_minor=130_00,
            people=2,
            reversed=1,
            median_seconds=0,
        )
        assert figures.offer_figures(scope, [shop.offer_id, 1]) == {
            shop.offer_id: brought,
            1: CouponFigures(),
        }
        assert figures.offer_figures(scope, [shop.offer_id]) == {shop.offer_id: brought}
        assert figures.coupon_figures(scope, 99) == CouponFigures()

        def rows(show: str) -> int:
            return len(queries.coupons(scope, campaign_id=7, show=show).rows)

        assert [rows(show) for show in queries.WHICH] == [5, 4, 4, 2, 2, 0, 1]
        assert redemptions.day_total(scope, TODAY) == (2, 40_00)
        assert redemptions.day_total(scope, TODAY, store_id=shop.there) == (0, 0)
        assert [row.redemption.id for row in redemptions.of_day(scope, TODAY, store_id=shop.here)] == [
            undone.id,
            two.id,
            one.id,
        ]
        assert queries.coupons_by_state(scope) == {"claimed": 1, "redeemed": 2, "reversed": 1, "void": 1}
    with shop.db.read(brand=shop.brand, now=NOON + 40 * DAY) as scope:
        assert len(queries.coupons(scope, campaign_id=7, show="expired").rows) == 2


def test_two_coupons_of_one_basket_count_its_order_once(shop: Shop, worker: Worker) -> None:
    coupons = [shop.give(member) for member in shop.members[:2]]
    for coupon in coupons:
        shop.use(coupon, "600")
    shop.order("600", None, store_id=shop.here, paid=110_00)
    worker.run()
    with shop.db.read(brand=shop.brand) as scope:
        brought = figures.coupon_figures(scope, 7)
        assert (brought.redeemed, brought.orders, brought.revenue_minor) == (2, 1, 110_00)


def test_pages_of_rows_hold_each_row_once(shop: Shop) -> None:
    given = {shop.give(member).id for member in shop.members}
    with shop.db.read(brand=shop.brand) as scope:
        seen: list[int] = []
        after = None
        while True:
            page = queries.coupons(scope, offer_id=shop.offer_id, after=after, limit=2)
            seen += [row.coupon.id for row in page.rows]
            if page.next is None:
                break
            after = page.next
    assert seen == sorted(given, reverse=True)
