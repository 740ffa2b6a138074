"""A campaign that gives coupons by a matrix: what the review tells is what is laid, and each message tells of its own coupon."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from tests.factories import make_offer, make_order
from tests.support.databases import OTHER_IN_DRILL
from tests.unit.campaigns.shop import WITH_COUPON, Shop
from webapp.campaigns import service, wording
from webapp.coupons import auditing, offers
from webapp.coupons.models import Coupon
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.matrix import service as matrices
from webapp.segments.rules import Condition, Rule


def test_each_gets_the_coupon_of_the_first_row_that_fits(shop: Shop) -> None:
    members = shop.members(9)
    loyal, once, never = members[:4], members[4:7], members[7:]

    def fill(scope: Scope) -> tuple[int, dict[str, int]]:
        for n, member in enumerate([*loyal, *once]):
            for day in range(3 if n < 4 else 1):
                make_order(scope, member, scope.today - timedelta(days=day + 1))
        steps = {
            name: {"mode": "steps", "steps": [{"spend": 100_00, "save": save}]}
            for name, save in (("Gold", 30_00), ("Thanks", 10_00))
        }
        ids = {
            "Gold": make_offer(scope, steps["Gold"], name="Gold", stock=3).id,
            "Thanks": make_offer(scope, steps["Thanks"], name="Thanks").id,
            "Later": make_offer(scope, name="Later", state="draft").id,
        }
        made = matrices.new(scope, "By orders")
        assert not isinstance(made, Refused)
        matrices.add_row(scope, made.id, Rule((Condition("orders", least=2),)), ids["Later"])  # passed over
        matrices.add_row(scope, made.id, Rule((Condition("orders", least=3),)), ids["Gold"])
        matrices.add_row(scope, made.id, Rule((Condition("orders", least=1),)), ids["Thanks"])
        return made.id, ids

    matrix_id, ids = shop.write(fill)

    def draft(scope: Scope) -> int:
        made = service.create(scope, name="Spring", channel="scripted", matrix_id=matrix_id)
        assert not isinstance(made, Refused)
        said = WITH_COUPON | {"text": "{{ coupon.name }}: {{ coupon.terms }} {{ coupon.url }}"}
        assert not isinstance(service.set_content(scope, made.id, said), Refused)
        return made.id

    campaign = shop.write(draft)
    left_out = {"no_row": len(never), "no_coupon": 1}
    seen = shop.read(lambda scope: service.review(scope, campaign))
    assert (seen.counted.reached, seen.counted.left_out, seen.blocked) == (6, left_out, ())
    assert [(one.name, one.members, one.most_minor) for one in seen.gifts] == [
        ("Gold", 3, 30_00),
        ("Thanks", 3, 10_00),
    ]
    done = shop.run(campaign)
    assert (done.sent, done.left_out, done.coupons.issued) == (6, left_out, 6)
    assert set(left_out) <= set(wording.REASONS)

    def given(scope: Scope) -> dict[int, int]:
        return dict(scope.session.execute(select(Coupon.member_id, Coupon.offer_id)).all())

    coupons = shop.read(given)
    assert coupons == {one.id: ids["Gold"] for one in loyal[:3]} | {one.id: ids["Thanks"] for one in once}
    texts = {one.to.name: one.content["text"] for one in shop.channel.said}
    assert all(texts[one.name].startswith("Gold: ") and "30" in texts[one.name] for one in loyal[:3])
    assert all(texts[one.name].startswith("Thanks: ") and "10" in texts[one.name] for one in once)
    assert [one.promise.key for one in auditing.check(shop.db, shop.brand) if one.broken] == []
    refused = shop.write(lambda scope: matrices.remove(scope, matrix_id))
    assert refused == Refused("in_use", {"places": 1, "name": "Spring"})


@OTHER_IN_DRILL
def test_it_does_not_go_while_no_row_gives_anything(shop: Shop) -> None:
    shop.members(2)

    def fill(scope: Scope) -> tuple[int, int]:
        offer = make_offer(scope)
        made = matrices.new(scope, "One row")
        assert not isinstance(made, Refused)
        matrices.add_row(scope, made.id, Rule(), offer.id)
        draft = service.create(scope, name="Spring", channel="scripted", matrix_id=made.id)
        assert not isinstance(draft, Refused)
        service.set_content(scope, draft.id, WITH_COUPON)
        offers.close_offer(scope, offer.id)
        again = service.create(scope, name="Spring", channel="scripted", matrix_id=made.id)
        assert isinstance(again, Refused) and again.code == "no_matrix"
        return draft.id, offer.id

    campaign, offer_id = shop.write(fill)
    refused = shop.send(campaign)
    assert refused is not None and refused.code == "no_matrix" and refused.code in wording.REFUSALS
    shop.write(lambda scope: offers.open_offer(scope, offer_id))
    assert shop.run(campaign).sent == 2
