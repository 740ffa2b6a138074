"""Teams of a group buy: full in time, late, left, enough at the end; never one too many, nothing alive in a failed one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import ForeignKeyConstraint, UniqueConstraint

from plugins.coupon_group_buy import models, teams
from tests.support.databases import OTHER_IN_DRILL
from tests.support.teams import Teams, storm
from webapp.coupons import service
from webapp.kernel import clock, migrate
from webapp.kernel.db import Database
from webapp.kernel.paths import plugins_dir
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import work

HOUR = timedelta(hours=1)


@pytest.fixture
def shop(app: Flask, db: Database, brand: BrandRef) -> Teams:
    return Teams(db, brand)


def left(shop: Teams, offer_id: int) -> int | None:
    return shop.ask(lambda ctx: ctx.coupons.left(offer_id))


def test_a_full_team_makes_everybodys_coupon_good(shop: Teams, db: Database, brand: BrandRef) -> None:
    offer_id, (ada, bob, cyd, dan) = shop.shop(4, stock=10)
    team = shop.open(offer_id, ada)
    assert shop.join(team, bob)["members"] == 2 and shop.states(team) == ["held", "held"]
    assert shop.join(team, bob) == teams.No("in_already")
    assert left(shop, offer_id) == 8, "a place counts from the beginning"
    assert shop.join(team, cyd)["state"] == "complete"
    assert shop.states(team) == ["claimed"] * 3 and shop.people(team) == [ada, bob, cyd]
    assert shop.join(team, dan) == teams.No("full")
    assert shop.leave(team, ada) == teams.No("late")
    with clock.fixed(clock.now() + 2 * HOUR):
        assert work.do_due(db, brand.id) == 1, "its end is done, and changes nothing"
        shop.settle(team)
    assert shop.states(team) == ["claimed"] * 3
    shop.right(offer_id)


@OTHER_IN_DRILL
def test_a_team_that_is_late_gives_everything_back(shop: Teams, db: Database, brand: BrandRef) -> None:
    offer_id, (ada, bob, cyd) = shop.shop(3, stock=3)
    team = shop.open(offer_id, ada)
    shop.join(team, bob)
    other = shop.open(offer_id, cyd, now=clock.now() + timedelta(minutes=30))
    assert left(shop, offer_id) == 0
    with clock.fixed(clock.now() + HOUR):
        assert shop.join(team, cyd) == teams.No("late")
        assert work.do_due(db, brand.id) == 1
        assert (shop.now(team)["state"], shop.states(team)) == ("failed", ["void", "void"])
        assert (shop.now(other)["state"], left(shop, offer_id)) == ("open", 2)
        assert shop.open(offer_id, ada)["members"] == 1, "nobody has used up anything"
        shop.right(offer_id)


@OTHER_IN_DRILL
def test_whoever_leaves_frees_a_place_and_the_next_in_line_leads(shop: Teams) -> None:
    offer_id, (ada, bob, cyd) = shop.shop(3, stock=2)
    team = shop.open(offer_id, ada)
    shop.join(team, bob)
    assert shop.join(team, cyd) == teams.No("sold_out")
    assert shop.leave(team, ada)["members"] == 1 and shop.people(team) == [bob]
    shop.join(team, cyd)
    assert shop.leave(team, ada) == teams.No("not_in") and shop.people(team) == [bob, cyd]
    shop.leave(team, cyd)
    shop.join(team, ada)
    assert shop.people(team) == [bob, ada], "who comes back comes last"
    shop.leave(team, bob)
    assert shop.leave(team, ada)["state"] == "failed", "everybody has left"
    assert shop.join(team, cyd) == teams.No("late") and left(shop, offer_id) == 2
    shop.right(offer_id)


@OTHER_IN_DRILL
def test_with_enough_it_succeeds_at_its_end(shop: Teams, db: Database, brand: BrandRef) -> None:
    offer_id, people = shop.shop(5, size=4, enough=2, stock=5)
    team, lonely = shop.open(offer_id, people[0]), shop.open(offer_id, people[1])
    shop.join(team, people[2])
    shop.join(team, people[3])
    coupon = shop.ask(lambda ctx: teams.places(ctx, team["id"])[2]["coupon_id"])
    db.write(lambda scope: service.void(scope, coupon, "by staff"), brand=brand)
    with clock.fixed(clock.now() + 5 * HOUR):  # the machine was off meanwhile
        assert work.do_due(db, brand.id) == 2
        assert (shop.now(team)["state"], shop.states(team)) == ("complete", ["claimed", "claimed"])
        assert (shop.now(lonely)["state"], shop.states(lonely)) == ("failed", ["void"])
        assert left(shop, offer_id) == 3
        shop.right(offer_id)


@OTHER_IN_DRILL
def test_a_coupon_that_staff_took_away_leaves_its_place(shop: Teams, db: Database, brand: BrandRef) -> None:
    offer_id, (ada, bob, cyd, dan) = shop.shop(4, stock=10)
    team = shop.open(offer_id, ada)
    shop.join(team, bob)
    coupon = shop.ask(lambda ctx: teams.places(ctx, team["id"])[0]["coupon_id"])
    db.write(lambda scope: service.void(scope, coupon), brand=brand)
    assert shop.join(team, cyd)["state"] == "open" and shop.people(team) == [bob, cyd]
    assert shop.join(team, dan)["state"] == "complete"
    shop.right(offer_id)


@OTHER_IN_DRILL
def test_two_taps_of_one_person_at_once_are_one_place(shop: Teams, monkeypatch: pytest.MonkeyPatch) -> None:
    offer_id, (ada, bob) = shop.shop(2, per_person=2)
    team = shop.open(offer_id, ada)
    shop.join(team, bob)
    looks, look = iter([lambda *_: None]), teams.place_of  # the second tap looked before the first was there
    monkeypatch.setattr(teams, "place_of", lambda *asked: next(looks, look)(*asked))
    assert shop.join(team, bob) == teams.No("in_already")
    assert shop.people(team) == [ada, bob]


@OTHER_IN_DRILL
def test_sixty_people_storm_twelve_teams(shop: Teams) -> None:
    counts = storm(shop, 60, 12, 5, stock=50)
    assert sum(counts.values()) == 12 and counts.get("open", 0) == 0, counts


@OTHER_IN_DRILL
def test_its_tables_are_those_of_its_models(db_url: str) -> None:
    branch = migrate.Branch("coupon_group_buy", plugins_dir() / "coupon_group_buy" / "migrations")
    assert migrate.differences(db_url, branch, models.METADATA) == []
    for table in models.METADATA.sorted_tables:
        keys = [one for one in table.constraints if isinstance(one, UniqueConstraint | ForeignKeyConstraint)]
        assert keys and {next(iter(key.columns)).name for key in keys} == {"brand_id"}, table.name
