"""What the walk needs of groups: some with members, one campaign posted in them, one that is being written, a member's page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tests.support import seed
from tests.support.pictures import png
from webapp.brands import queries as brands
from webapp.campaigns import groups as posts
from webapp.campaigns import landing
from webapp.campaigns import service as campaigns
from webapp.campaigns.models import CampaignGroup
from webapp.groups import service as groups
from webapp.kernel import links, pictures
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.members import pages
from webapp.members import queries as members
from webapp.plugin_runtime import context
from webapp.preferences import service as preferences

if TYPE_CHECKING:
    from tests.browser.shop import Shop
    from tests.support.web import Worker


def fill(shop: Shop, worker: Worker) -> None:
    """By the services, as staff of the shop."""
    owner = seed.actor(shop.db, "owner").id

    def make(scope: Scope) -> dict[str, Any]:
        context.switch(scope, "channel_task", on=True)
        store = brands.stores(scope)[0]
        soon = scope.today + timedelta(days=1)
        fans = groups.add(
            scope,
            groups.Details(
                "Fans of Nanjing Road", "Fans", store.id, owner, "https://chat.example/g/1", soon, 200
            ),
        )
        lonely = groups.add(scope, groups.Details("Weekly picks"))
        assert not isinstance(fans, Refused) and not isinstance(lonely, Refused)
        groups.set_picture(scope, fans.id, pictures.read(png(120, 120)))
        for member_id in (shop.ids["member"], shop.ids["empty_member"]):
            assert groups.join(scope, fans.id, member_id, "staff") == "joined"
        groups.leave(scope, fans.id, shop.ids["empty_member"], "staff")
        made = []
        for name in ("Weekend in the groups", "Next weekend"):
            one = campaigns.create(
                scope, name=name, channel="task", offer_id=shop.ids["offer"], kind="groups"
            )
            assert not isinstance(one, Refused), one
            assert not isinstance(posts.set_groups(scope, one.id, [fans.id, lonely.id]), Refused)
            text = "{{ coupon.terms }}, for {{ group.name }} alone:\n{{ group.link }}"
            assert not isinstance(campaigns.set_content(scope, one.id, {"text": text}), Refused)
            assert posts.set_picture(scope, one.id, pictures.read(png(200, 120))) is None
            made.append(one.id)
        assert campaigns.send(scope, made[0]) is None
        preferences.ask(scope, shop.ids["member"], "email", "another@example.com")
        return {"group": fans.id, "lonely_group": lonely.id, "posted": made[0], "post_draft": made[1]}

    shop.ids |= shop.write(make, role="owner")
    links.use("http://127.0.0.1")  # links in the posts need an address
    worker.run()
    links.use(None)

    def come(scope: Scope) -> dict[str, Any]:
        token = scope.session.scalars(
            select(CampaignGroup.token).where(
                CampaignGroup.campaign_id == shop.ids["posted"], CampaignGroup.group_id == shop.ids["group"]
            )
        ).one()
        place = landing.find(scope, token)
        assert place is not None
        _phones, emails = members.phones_and_emails(scope, [shop.ids["member"]])
        landing.answer(scope, place, landing.new_visitor(), emails[shop.ids["member"]])
        landing.visit(scope, place, landing.new_visitor())
        return {"group_link": token, "own_page": pages.token(scope.brand.id, shop.ids["member"])}

    shop.ids |= shop.write(come)
