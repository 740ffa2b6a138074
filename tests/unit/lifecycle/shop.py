"""A small shop whose days pass as a test says, and the check that the engine's stages are those of the definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select

from tests.factories import make_brand, make_member, make_order
from tests.unit.lifecycle import naive
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.lifecycle import service
from webapp.lifecycle.models import MemberStage
from webapp.members import queries as members
from webapp.members.models import Member
from webapp.orders.models import Order
from webapp.plugin_runtime import context

PLUGIN = "lifecycle_five_stage"
START = date(2025, 3, 1)
_codes = count(1)
Act = tuple[Any, ...]  # a method of Shop and its values


@dataclass
class Shop:
    """Days are counted from START: day 0 is START."""

    db: Database
    brand: BrandRef
    settings: dict[str, int]
    day: int = 0
    members: list[int] = field(default_factory=list)
    orders: list[tuple[str, int]] = field(default_factory=list)  # number, member id

    @property
    def today(self) -> date:
        return START + timedelta(days=self.day)

    @contextmanager
    def now(self) -> Iterator[None]:
        """Noon of the shop's day, in its zone."""
        with clock.fixed(datetime.combine(self.today, time(12), ZoneInfo(self.brand.timezone))):
            yield

    # -- what happens in a shop: each of these is done in a unit of work ---------------------------------------------

    def join(self, scope: Scope, back: int = 0) -> None:
        """Somebody joins; the file may say that it was `back` days ago."""
        self.members.append(make_member(scope, joined_on=self.today - timedelta(days=back)).id)

    def buy(self, scope: Scope, who: int, ahead: int = 0, paid: int = 100) -> None:
        """An order of today + `ahead` days arrives: late when negative, early when positive."""
        if self.members:
            self.orders.append((f"n{next(_codes)}", self.members[who % len(self.members)]))
            self.move(scope, len(self.orders) - 1, ahead, paid)

    def move(self, scope: Scope, which: int, ahead: int, paid: int) -> None:
        """The till tells an order (again): another day, another amount."""
        if self.orders:
            number, member_id = self.orders[which % len(self.orders)]
            member = members.get(scope, member_id)
            make_order(scope, member, self.today + timedelta(days=ahead), paid, number=number)

    def remove(self, scope: Scope, which: int) -> None:
        """An order turns out never to have been."""
        if self.orders:
            number, member_id = self.orders.pop(which % len(self.orders))
            where = (Order.brand_id == scope.brand.id, Order.number == number)
            day = scope.session.scalars(select(Order.ordered_on).where(*where)).one()
            scope.session.execute(delete(Order).where(*where))
            members.touch(scope, [member_id], day)

    def rejoin(self, scope: Scope, who: int, back: int) -> None:
        """The joining day is corrected."""
        if self.members:
            member = members.get(scope, self.members[who % len(self.members)])
            on = self.today - timedelta(days=back)
            members.touch(scope, [member.id], min(on, member.joined_on))
            member.joined_on = on

    def set(self, scope: Scope, values: Mapping[str, int]) -> None:
        """The brand's settings are changed."""
        self.settings |= values
        assert context.save_settings(scope, PLUGIN, self.settings) == {}

    def live(self, history: Sequence[Act]) -> None:
        """Let it happen; what is not parted by a run or by days passing is one unit of work."""
        together: list[Act] = []
        for act in (*history, ("advance", 0)):
            name, *values = act
            if name not in ("run", "advance"):
                together.append(act)
                continue
            if together:
                with self.now():
                    self.db.write(self._all_of(together), brand=self.brand)
                together = []
            getattr(self, name)(*values)

    def _all_of(self, acts: Sequence[Act]) -> Callable[[Scope], None]:
        def work(scope: Scope) -> None:
            for name, *values in acts:
                getattr(self, name)(scope, *values)
                scope.session.flush()

        return work

    def advance(self, days: int) -> None:
        self.day += days

    # -- the engine, and what it must have done ----------------------------------------------------------------------

    def run(self) -> service.RunResult:
        """Run the engine and hold every stage against the definition."""
        with self.now():
            result = service.run(self.db, self.brand)
        assert result.finished, result
        self.check()
        return result

    def stages(self) -> dict[int, tuple[str, str]]:
        """member id -> (stage, reason) as stored."""
        with self.db.read(brand=self.brand) as scope:
            rows = scope.session.execute(
                select(MemberStage.member_id, MemberStage.stage, MemberStage.reason).where(
                    MemberStage.brand_id == self.brand.id
                )
            )
            return {member_id: (stage, reason) for member_id, stage, reason in rows}

    def people(self) -> dict[int, naive.Person]:
        """member id -> what the tables say of them."""
        with self.db.read(brand=self.brand) as scope:
            joined = scope.session.execute(
                select(Member.id, Member.joined_on).where(Member.brand_id == self.brand.id)
            )
            people = {member_id: naive.Person(on) for member_id, on in joined}
            for member_id, day, paid in scope.session.execute(
                select(Order.person_id, Order.ordered_on, Order.paid_minor).where(
                    Order.brand_id == self.brand.id
                )
            ):
                people[member_id].orders.append((day, paid))
        return people

    def check(self) -> None:
        expected = {
            member_id: naive.stage(person, self.today, self.settings)
            for member_id, person in self.people().items()
        }
        assert self.stages() == expected, f"day {self.day}"


def new_shop(db: Database, **settings: int) -> Shop:
    """A brand of its own, with the definition's defaults and these settings on top."""
    code = f"shop{next(_codes)}"
    with clock.fixed(datetime.combine(START, time(12), ZoneInfo("Asia/Shanghai"))):
        brand = db.write(lambda scope: make_brand(scope, code))
    shop = Shop(db, brand, dict(naive.DEFAULTS))
    if settings:
        shop.live([("set", settings)])
    return shop


def member_row(scope: Scope, member_id: int, joined: date) -> Member:
    """A member without a service's work, where hundreds are wanted."""
    return Member(
        brand_id=scope.brand.id,
        id=member_id,
        person_id=member_id,
        number=f"m{member_id}",
        name="",
        gender="",
        joined_on=joined,
        joined_given=True,
        draw=1,
        dirty_on=scope.today,
        facts_seq=1,
        created_at=scope.now,
        updated_at=scope.now,
    )


def order_row(scope: Scope, order_id: int, member_id: int, day: date, paid: int) -> Order:
    """An order, likewise."""
    return Order(
        brand_id=scope.brand.id,
        id=order_id,
        source="till",
        number=f"r{order_id}",
        member_id=member_id,
        person_id=member_id,
        ordered_at=datetime.combine(day, time(12), ZoneInfo(scope.brand.timezone)),
        ordered_on=day,
        gross_minor=paid,
        discount_minor=0,
        paid_minor=paid,
        digest=order_id,
    )
