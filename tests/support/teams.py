"""Group buys for tests: teams opened and joined as the plugin's pages do it, and a storm of many people on few teams."""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import func, select

from plugins.coupon_group_buy import teams
from plugins.coupon_group_buy.models import PLACE, TEAM
from tests import factories as make
from tests.factories.offers import make_group_buy
from tests.support.together import together
from webapp.coupons import auditing, holds, public_page
from webapp.coupons.models import Coupon, Offer
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.outbox.models import Delivery
from webapp.plugin_api import PluginContext
from webapp.plugin_runtime import context
from webapp.telling.models import Told

PLUGIN = "coupon_group_buy"
TRIES = 3  # teams that somebody asks before giving up
V = TypeVar("V")


class _Undone(Exception):
    def __init__(self, answer: teams.No) -> None:
        self.answer = answer


class Teams:
    """What the pages of a brand's group buys do: each in a unit of its own, a refusal is rolled back."""

    def __init__(self, db: Database, brand: BrandRef) -> None:
        self.db, self.brand = db, brand
        self.tells = False

    def can_tell(self) -> None:
        """The shop's mail is set up, so that whoever was in a team is told; `right` then counts."""
        mail = {"host": "127.0.0.1", "from_address": "shop@acme.example"}
        assert (
            self.db.write(lambda s: context.save_settings(s, "channel_email", mail), brand=self.brand) == {}
        )
        self.tells = True

    def ask(self, question: Callable[[PluginContext], V], **unit: Any) -> V:
        def run(scope: Scope) -> V:
            answer = question(context.inside(scope, PLUGIN))
            if isinstance(answer, teams.No):
                raise _Undone(answer)
            return answer

        try:
            return self.db.write(run, brand=self.brand, **unit)
        except _Undone as undone:
            return undone.answer  # type: ignore[return-value]

    def open(self, offer_id: int, member: int, **unit: Any) -> Any:
        def question(ctx: PluginContext) -> Any:
            offer = ctx.coupons.offer_by_id(offer_id)
            assert offer is not None
            return teams.open_team(ctx, offer, f"member:{member}")

        return self.ask(question, **unit)

    def join(self, team: Any, member: int, **unit: Any) -> Any:
        actor = Actor("member", member)
        return self.ask(lambda ctx: teams.join(ctx, _now(ctx, team), f"member:{member}"), actor=actor, **unit)

    def leave(self, team: Any, member: int, **unit: Any) -> Any:
        return self.ask(lambda ctx: teams.leave(ctx, _now(ctx, team), f"member:{member}"), **unit)

    def settle(self, team: Any, **unit: Any) -> None:
        self.ask(lambda ctx: teams.settle(ctx, team["id"]), **unit)

    def now(self, team: Any) -> Any:
        return self.ask(lambda ctx: _now(ctx, team))

    def people(self, team: Any) -> list[int]:
        return [one["member_id"] for one in self.ask(lambda ctx: teams.places(ctx, team["id"]))]

    def states(self, team: Any) -> list[str]:
        """Of the coupons of those who are in."""

        def question(ctx: PluginContext) -> list[str]:
            found = [ctx.coupons.state(one["coupon_id"]) for one in teams.places(ctx, team["id"])]
            return [one.state for one in found if one is not None]

        return self.ask(question)

    def shop(self, people: int, **offer: Any) -> tuple[int, list[int]]:
        """An offer with its page, and members, a hundred a unit."""

        def begin(scope: Scope) -> int:
            made = make_group_buy(scope, **offer)
            return public_page.publish(scope, made.id).id

        offer_id = self.db.write(begin, brand=self.brand)
        members: list[int] = []
        for first in range(1, people + 1, 100):
            members += self.db.write(
                lambda scope, a=first: [  # type: ignore[misc]
                    one.id for one in make.make_members(scope, min(100, people + 1 - a), first=a)
                ],
                brand=self.brand,
            )
        return offer_id, members

    def right(self, offer_id: int) -> None:
        """No team has too many, nothing is alive in a failed one, and every promise of the coupons holds."""
        assert {
            one.promise.key: one.examples for one in auditing.check(self.db, self.brand) if one.broken
        } == {}
        with self.db.read(brand=self.brand) as scope:
            out = scope.session.scalar(
                select(func.count())
                .select_from(Coupon)
                .where(Coupon.state != "void", Coupon.offer_id == offer_id)
            )
            assert scope.session.get_one(Offer, (self.brand.id, offer_id)).issued == out
            rows = scope.session.execute(select(TEAM).where(TEAM.c.offer_id == offer_id)).mappings().all()
            sat = scope.session.execute(
                select(PLACE.c.team_id, Coupon.state, func.count())
                .join(Coupon, (Coupon.brand_id == PLACE.c.brand_id) & (Coupon.id == PLACE.c.coupon_id))
                .where(PLACE.c.offer_id == offer_id)
                .group_by(PLACE.c.team_id, Coupon.state)
            ).all()
            in_teams = select(PLACE.c.coupon_id).where(PLACE.c.offer_id == offer_id)
            strays = scope.session.scalars(
                select(Coupon.id).where(
                    Coupon.offer_id == offer_id, Coupon.state != "void", Coupon.id.not_in(in_teams)
                )
            ).all()
        assert not strays, "a coupon without a place"
        by_team: dict[int, dict[str, int]] = {}
        for team_id, state, count in sat:
            by_team.setdefault(team_id, {})[state] = count
        for team in rows:
            states = by_team.get(team["id"], {})
            assert sum(states.values()) == team["members"] <= team["size"], (dict(team), states)
            alive = {"complete": {"claimed"}, "failed": {"void"}, "open": {"held"}}[team["state"]]
            assert set(states) <= alive, (dict(team), states)
            if team["state"] == "complete":
                assert team["members"] >= (team["enough"] or team["size"]), dict(team)
        if self.tells:
            self._told({one["id"] for one in rows if one["state"] != "open"}, offer_id)

    def _told(self, ended: set[int], offer_id: int) -> None:
        """Whoever has a place in a team that ended has one message of it, promised once; nobody else has any."""
        with self.db.read(brand=self.brand) as scope:
            places = scope.session.execute(
                select(PLACE.c.team_id, PLACE.c.member_id).where(PLACE.c.offer_id == offer_id)
            )
            wanted = Counter((f"team:{one.team_id}", one.member_id) for one in places if one.team_id in ended)
            promised = scope.session.execute(
                select(Told.key, Told.member_id)
                .join(
                    Delivery,
                    (Delivery.brand_id == Told.brand_id)
                    & (Delivery.campaign_id == Told.telling_id)
                    & (Delivery.recipient_id == Told.member_id)
                    & (Delivery.occurrence == Told.occurrence),
                )
                .where(Told.plugin == PLUGIN)
            )
            assert Counter((one.key, one.member_id) for one in promised) == wanted
            counts = [scope.session.scalar(select(func.count()).select_from(one)) for one in (Told, Delivery)]
            assert counts == [wanted.total()] * 2, "neither without the other"


def _now(ctx: PluginContext, team: Any) -> Any:
    return ctx.tables.rows(TEAM, TEAM.c.id == team["id"])[0]


def storm(shop: Teams, people: int, count: int, processes: int, **offer: Any) -> dict[str, int]:
    """People storm teams of five in many processes, some of them leave again, and the teams' time ends one by one meanwhile;
    what the worker does at a team's end is done beside them. Returns state -> how many teams.

    The clock goes on with each try, so that a slow machine sees as many deadlines pass as a fast one.
    """
    offer_id, members = shop.shop(people, size=5, minutes=100, **offer)
    begins = clock.now()
    opened = [
        shop.open(
            offer_id, member, now=begins - timedelta(minutes=100) + timedelta(minutes=(at + 1) * 100 / count)
        )
        for at, member in enumerate(members[:count])
    ]
    rest = members[count:]
    tries = multiprocessing.get_context("fork").Value("q", 0)
    most = len(rest) * TRIES

    def moment() -> datetime:
        with tries.get_lock():
            tries.value += 1
            return begins + timedelta(minutes=100 * min(tries.value, most) / most)

    def work_of(db: Database, n: int) -> int:
        mine, dice, inside = Teams(db, shop.brand), random.Random(n), 0
        settled: set[int] = set()
        if n == 0:
            for _ in range(len(rest) // 8):
                now = moment()
                for team in (one for one in opened if one["ends_at"] <= now and one["id"] not in settled):
                    mine.settle(team, now=now)
                    settled.add(team["id"])
                db.write(holds.end, brand=shop.brand, now=now)
            return 0
        for member in rest[n - 1 :: processes - 1]:
            for team in dice.sample(opened, TRIES):
                answer = mine.join(team, member, now=moment())
                if isinstance(answer, teams.No):
                    assert answer.code in ("full", "late", "again", "sold_out"), answer
                    continue
                inside += 1
                if dice.random() < 0.15:
                    mine.leave(team, member, now=moment())
                break
        return inside

    assert sum(together(shop.db.url, processes, work_of)) > count
    for team in opened:
        shop.settle(team, now=begins + timedelta(hours=2))
    shop.right(offer_id)
    return Counter(shop.now(team)["state"] for team in opened)
