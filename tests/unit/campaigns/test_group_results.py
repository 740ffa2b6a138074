"""What a group's link brought, counted alike on both databases."""

from __future__ import annotations

from datetime import timedelta

from tests.factories.members import make_member
from tests.factories.orders import make_orders
from tests.support import seed
from webapp.campaigns import group_results, groups, landing, service
from webapp.groups import service as group_service
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import queries as members
from webapp.plugin_runtime import context


def test_figures_and_rows(db: Database, brand: BrandRef) -> None:
    owner = seed.actor(db)

    def start(scope: Scope) -> tuple[int, int, int]:
        context.switch(scope, "channel_task", on=True)
        group = group_service.add(scope, group_service.Details("Fans", owner_id=owner.id))
        made = service.create(scope, name="Weekend", channel="task", kind="groups")
        assert not isinstance(group, Refused) and not isinstance(made, Refused)
        assert not isinstance(groups.set_groups(scope, made.id, [group.id, 5]), Refused)
        assert isinstance(service.set_audience(scope, made.id, {"all": []}), Refused)
        assert not isinstance(service.set_content(scope, made.id, {"text": "Come!"}), Refused)
        assert service.send(scope, made.id) is None
        return made.id, group.id, make_member(scope, number="A1", phone="13800138000").id

    campaign_id, group_id, member_id = db.write(start, brand=brand, actor=owner)
    service.lay(db, brand, campaign_id)

    def come(scope: Scope) -> None:
        [(link, _group)] = groups.chosen(scope, campaign_id)
        place = landing.find(scope, link.token)
        assert place is not None and place.live
        for visitor, typed in ((11, "13800138000"), (12, ""), (13, "0138")):
            landing.visit(scope, place, visitor)
            landing.visit(scope, place, visitor)
            landing.answer(scope, place, visitor, typed)
        mei = members.get(scope, member_id)
        make_orders(scope, mei, [scope.today + timedelta(days=n) for n in (-1, 0, 6, 7)])

    db.write(come, brand=brand)
    with db.read(brand=brand) as scope:
        [found] = group_results.results(scope, campaign_id)
        assert (found.visits, found.identified, found.unidentified, found.orders) == (3, 1, 2, 2)
        [row] = group_results.rows(scope, found.link)
        assert (row.member.id, row.orders, row.paid_minor) == (member_id, 2, found.paid_minor)
        assert group_results.unidentified_by_day(scope, found.link) == [(scope.today, 2)]
        [(campaign, again)] = group_results.of_group(scope, group_id)
        assert (campaign.id, again.visits) == (campaign_id, 3)
