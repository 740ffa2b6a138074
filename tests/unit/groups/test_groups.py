"""Groups: who gets in and out, what is counted, and who sees them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.factories.members import make_member, make_members
from tests.factories.orders import make_orders
from tests.support import seed
from tests.support.databases import ONE_DATABASE, OTHER_IN_DRILL
from webapp.brands import queries as brands
from webapp.groups import fields, queries, service, words  # noqa: F401  fields registers itself
from webapp.groups.models import Group, GroupStay
from webapp.groups.service import Details
from webapp.kernel.db import Database
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.members import queries as members
from webapp.segments import compile as segments
from webapp.segments import rules
from webapp.segments.fields import FIELDS

pytestmark = OTHER_IN_DRILL


def make_group(scope: Scope, name: str = "Fans of Nanjing Road", **more: Any) -> Group:
    made = service.add(scope, Details(name, **more))
    assert not isinstance(made, Refused), made
    return made


def test_in_and_out_are_rows(db: Database, brand: BrandRef) -> None:
    def unit(scope: Scope) -> None:
        group, [member] = make_group(scope), make_members(scope, 1)
        assert service.join(scope, group.id, member.id, "staff") == "joined"
        assert service.join(scope, group.id, member.id, "touchpoint:7") == "already"
        assert service.leave(scope, group.id, member.id, "staff")
        assert not service.leave(scope, group.id, member.id, "staff")
        assert service.join(scope, group.id, member.id, "touchpoint:7") == "joined"
        stays = scope.session.scalars(select(GroupStay).order_by(GroupStay.id)).all()
        assert [(one.source, one.left_source, one.current) for one in stays] == [
            ("staff", "staff", None),
            ("touchpoint:7", "", True),
        ]
        assert scope.session.get_one(Group, (scope.brand.id, group.id)).members == 1

    db.write(unit, brand=brand)


def test_a_full_or_closed_group_takes_nobody(db: Database, brand: BrandRef) -> None:
    def unit(scope: Scope) -> None:
        group, [one, two] = make_group(scope, capacity=1), make_members(scope, 2)
        assert service.join(scope, group.id, one.id, "staff") == "joined"
        assert service.join(scope, group.id, two.id, "staff") == Refused("group_full", {"capacity": 1})
        found = service.invitation(scope, group.id)
        assert found is not None and not found.open
        assert service.leave(scope, group.id, one.id, "staff")
        service.close(scope, group.id)
        assert service.join(scope, group.id, two.id, "staff") == Refused("group_closed")
        service.close(scope, group.id, closed=False)
        assert service.join(scope, group.id, two.id, "staff") == "joined"
        low = service.change(scope, group.id, Details("Fans", capacity=None))
        assert not isinstance(low, Refused)
        with pytest.raises(NotFound):
            service.join(scope, 1, two.id, "staff")

    db.write(unit, brand=brand)


def test_a_last_place_is_given_once(db: Database, brand: BrandRef) -> None:
    """Twelve at once for five places, each member twice: on both databases."""
    group_id, ids = db.write(
        lambda scope: (make_group(scope, capacity=5).id, [one.id for one in make_members(scope, 12)]),
        brand=brand,
    )

    def go(member_id: int) -> Any:
        return db.write(lambda scope: service.join(scope, group_id, member_id, "touchpoint:1"), brand=brand)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(go, [*ids, *ids]))
    assert sum(one == "joined" for one in answers) == 5
    with db.read(brand=brand) as scope:
        stays = scope.session.scalar(select(func.count()).select_from(GroupStay))
        assert (stays, scope.session.get_one(Group, (brand.id, group_id)).members) == (5, 5)


def test_a_list_is_told_line_by_line(db: Database, brand: BrandRef) -> None:
    def unit(scope: Scope) -> None:
        group = make_group(scope)
        make_member(scope, number="A1", phone="13800138000")
        make_member(scope, number="A2", email="same@example.com")
        make_member(scope, number="A3", email="same@example.com")
        text = "A1, Li Lei\n\n 138 0013 8000 \n8000\nsame@example.com\nA2;x\n<b>\n"
        told = service.join_list(scope, group.id, text)
        assert not isinstance(told, Refused)
        assert [(one.number, one.found) for one in told] == [
            (1, "joined"),
            (3, "already"),
            (4, "nobody"),
            (5, "several"),
            (6, "joined"),
            (7, "nobody"),
        ]
        assert isinstance(service.join_list(scope, group.id, " \n,\n"), Refused)
        assert isinstance(service.join_list(scope, group.id, "x\n" * 501), Refused)

    db.write(unit, brand=brand)


def test_figures_are_their_rows(db: Database, brand: BrandRef) -> None:
    with db.read(brand=brand) as scope:
        now = scope.now

    def people(scope: Scope) -> tuple[int, list[int]]:
        return make_group(scope).id, [one.id for one in make_members(scope, 6)]

    group_id, ids = db.write(people, brand=brand)

    def move(days: float, member: int, left: bool = False) -> None:
        act = service.leave if left else service.join
        db.write(
            lambda scope: act(scope, group_id, ids[member], "staff"),
            brand=brand,
            now=now - timedelta(days=days),
        )

    move(20, 0)  # stays
    move(20, 1)
    move(14, 1, left=True)  # after six days
    move(29, 2)
    move(22, 2, left=True)  # after seven days to the second
    move(60, 3)  # long ago
    move(1, 4)  # not due yet

    def buy(scope: Scope) -> None:
        one, three = (members.get(scope, ids[n]) for n in (0, 3))
        make_orders(
            scope, one, [scope.today - timedelta(days=n) for n in (0, 5, 25)]
        )  # the last is before the stay
        make_orders(scope, three, [scope.today - timedelta(days=n) for n in (40,)])

    db.write(buy, brand=brand)
    with db.read(brand=brand) as scope:
        found = queries.figures(scope, group_id)
        assert (found.now, found.joined, found.left) == (3, 4, 2)
        assert (found.due, found.stayed) == (3, 2)
        assert (found.bought, found.orders) == (1, 2)
        for show, count in {"now": 3, "joined": 4, "left": 2, "stayed": 2, "gone": 1, "bought": 1}.items():
            assert len(queries.rows(scope, group_id, show)) == count, show


@ONE_DATABASE
def test_types_begin_with_the_defaults_and_are_the_brands_own(db: Database, brand: BrandRef) -> None:
    def unit(scope: Scope) -> None:
        assert service.add_type(scope, "Mothers") is None
        names = [one.name for one in queries.types(scope)]
        assert names == [*map(str, words.DEFAULT_TYPES), "Mothers"]
        assert service.add_type(scope, "mothers ") == Refused("type_taken", {"field": "name"})
        make_group(scope, kind="Mothers")
        assert service.drop_type(scope, "Mothers") == Refused("type_used")
        assert service.drop_type(scope, "Other") is None
        wrong = service.add(scope, Details("B", kind="Nothing"))
        assert isinstance(wrong, Refused) and wrong.code == "type_unknown"

    db.write(unit, brand=brand)


@ONE_DATABASE
@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"link": "javascript:alert(1)"}, "link_bad"),
        ({"link": "https://a b"}, "link_bad"),
        ({"link": "https://" + "a" * 600}, "link_bad"),
        ({"link": "//evil.example"}, "link_bad"),
        ({"owner_id": 5}, "owner_unknown"),
        ({"store_id": 5}, "store_unknown"),
        ({"capacity": 0}, "capacity_bad"),
    ],
)
def test_what_cannot_stand_is_refused(db: Database, brand: BrandRef, more: dict[str, Any], code: str) -> None:
    answer = db.write(lambda scope: service.add(scope, Details("A group", **more)), brand=brand)
    assert isinstance(answer, Refused) and answer.code == code


@ONE_DATABASE
def test_the_fence(db: Database, brand: BrandRef) -> None:
    """A store's people see its groups and those that they own themselves."""
    owner = seed.actor(db, "clerk")

    def unit(scope: Scope) -> tuple[int, int, int, int]:
        here, there = (one.id for one in brands.stores(scope))
        return (
            here,
            make_group(scope, "Here", store_id=here).id,
            make_group(scope, "There", store_id=there).id,
            make_group(scope, "Mine", owner_id=owner.id).id,
        )

    store, here, there, mine = db.write(unit, brand=brand)
    actor = Actor("staff", owner.id, stores=frozenset({store}))
    with db.read(brand=brand, actor=actor) as scope:
        assert [one.name for one in queries.groups(scope)] == ["Here", "Mine"]
        assert queries.get(scope, here).name == "Here"
        assert queries.get(scope, mine).name == "Mine"
        with pytest.raises(NotFound):
            queries.get(scope, there)
    answer = db.write(lambda scope: service.add(scope, Details("Everywhere")), brand=brand, actor=actor)
    assert isinstance(answer, Refused) and answer.code == "store_unknown"


def test_being_in_a_group_is_a_condition_of_rules(db: Database, brand: BrandRef) -> None:
    def unit(scope: Scope) -> None:
        group, other = make_group(scope), make_group(scope, "Others")
        inside, gone, elsewhere, _nowhere = make_members(scope, 4)
        service.join(scope, group.id, inside.id, "staff")
        service.join(scope, group.id, gone.id, "staff")
        service.leave(scope, group.id, gone.id, "staff")
        service.join(scope, other.id, elsewhere.id, "staff")

        def fitting(*groups: Group) -> set[int]:
            rule = rules.Rule((rules.Condition("group", tuple(str(one.id) for one in groups)),))
            return set(scope.session.scalars(segments.members(scope, rule)))

        assert fitting(group) == {inside.id}
        assert fitting(group, other) == {inside.id, elsewhere.id}
        assert [label for _, label in FIELDS["group"].choices(scope)] == [group.name, "Others"]  # type: ignore[misc]

    db.write(unit, brand=brand)
