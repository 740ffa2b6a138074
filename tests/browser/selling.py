"""What the walk needs of the coupon types that bring pages: flash sales, and the teams of a group buy."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from tests.factories.members import make_member
from tests.factories.offers import make_flash_sale, make_group_buy
from tests.support.teams import Teams
from webapp.coupons import public_page
from webapp.coupons import service as coupons
from webapp.kernel import clock
from webapp.kernel.scope import Scope
from webapp.plugin_runtime import context
from webapp.plugin_runtime.models import PluginWork

if TYPE_CHECKING:
    from tests.browser.shop import Shop


def plan_flash_sales(shop: Shop) -> None:
    """One that is on, one that is coming, one that is gone; and a reminder that stopped."""

    def work(scope: Scope) -> dict[str, Any]:
        on = make_flash_sale(scope, stock=20, claim_until=scope.now + timedelta(hours=5))
        soon = make_flash_sale(scope, name="Tomorrow", stock=5, claim_from=scope.now + timedelta(hours=30))
        gone = make_flash_sale(scope, name="This morning", stock=1)
        coupons.give(scope, gone.id, shop.ids["member"], "walk-flash")
        ctx = context.inside(scope, "coupon_flash_sale")
        ctx.later("remind", {"offer": soon.id}, key="walk", at=scope.now + timedelta(hours=29))
        scope.session.execute(
            update(PluginWork).values(state="parked", next_at=None, tries=6, error="KeyError: 'minutes'")
        )
        ctx.later("remind", {"offer": soon.id}, key="walk on", at=scope.now + timedelta(hours=29))
        sales = {"flash_on": on, "flash_soon": soon, "flash_gone": gone}
        return {name: public_page.publish(scope, one.id).token for name, one in sales.items()}

    shop.ids |= shop.write(work, role="owner")


def gather_teams(shop: Shop) -> None:
    """A group buy with a team that waits, one that made it and one that did not."""

    def work(scope: Scope) -> tuple[int, str, list[int]]:
        made = make_group_buy(scope, stock=40, per_person=5)
        token = public_page.publish(scope, made.id).token
        assert token is not None
        names = ("王小明", "Ada Byron", "")
        people = [make_member(scope, number=f"team{n}", name=name).id for n, name in enumerate(names)]
        return made.id, token, people

    offer_id, token, people = shop.write(work, role="owner")
    teams = Teams(shop.db, shop.brand)
    waiting, full = teams.open(offer_id, people[0]), teams.open(offer_id, people[0])
    late = teams.open(offer_id, people[0], now=clock.now() - timedelta(hours=2))
    teams.join(waiting, people[1])
    for person in people[1:]:
        teams.join(full, person)
    words = {"team_waiting": waiting["word"], "team_full": full["word"], "team_late": late["word"]}
    shop.ids |= words | {"group_buy": token, "group_offer": offer_id}
