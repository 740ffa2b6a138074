"""A real year of coupons through the services: 27 campaigns, 1,197 offers, 2,102 redemptions, and every figure is what one
counts by hand.

The sample data says which households a campaign reached, which coupons it had, and who used which on what day; not which
of its coupons each household was handed (all of them to all would be 800,199). So each household of a campaign is given the
coupons that it used, and one of the campaign's, dealt round. 27 used one coupon of a campaign twice. A campaign gives one
coupon of an offer, so they have the second by hand, and an offer allows two a person.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.sample import sample_package
from webapp.cli.sample import parquet
from webapp.coupons import auditing, figures, queries, service
from webapp.coupons.figures import Ask, CouponFigures
from webapp.coupons.models import Coupon, Offer, Redemption
from webapp.kernel import bulk
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.members.models import Member

pytestmark = [pytest.mark.drill, ONE_DATABASE]

# What stands for the data's three kinds of campaign here. Money in minor units.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "Type A": ("spend_and_save", {"mode": "steps", "steps": [{"spend": 10_00, "save": 1_50}]}),
    "Type B": ("cash", {"amount": 1_00}),
    "Type C": ("percent", {"basis_points": 1000}),
}
MEMBER = (
    *(
        "brand_id",
        "id",
        "person_id",
        "number",
        "name",
        "gender",
        "joined_on",
        "joined_given",
        "draw",
        "facts_seq",
    ),
    *("created_at", "updated_at"),
)
EACH = 5  # a unit makes and gives this many offers


@dataclass(frozen=True)
class Year:
    """The tables, as plain values. used: (day, household, upc, campaign), in the order of time."""

    kind: dict[int, str]
    days: dict[int, tuple[date, date]]
    reached: dict[int, list[int]]
    coupons: dict[int, list[int]]
    used: list[tuple[date, int, int, int]]


def read(folder: Path) -> Year:
    """The four tables of the package that are about coupons."""

    def table(name: str, *columns: str) -> Iterator[tuple[Any, ...]]:
        return parquet.rows(folder / f"{name}.parquet", dict.fromkeys(columns))

    def day(nanos: int) -> date:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanos // 1000)).date()

    reached: dict[int, list[int]] = defaultdict(list)
    for campaign, household in table("campaigns", "campaign_id", "household_id"):
        reached[campaign].append(household)
    upcs: dict[int, set[int]] = defaultdict(set)
    for campaign, upc in table("coupons", "campaign_id", "coupon_upc"):
        upcs[campaign].add(upc)
    about = list(table("campaign_descriptions", "campaign_id", "campaign_type", "start_date", "end_date"))
    used = table("coupon_redemptions", "redemption_date", "household_id", "coupon_upc", "campaign_id")
    return Year(
        {campaign: kind for campaign, kind, _first, _last in about},
        {campaign: (day(first), day(last)) for campaign, _kind, first, last in about},
        {campaign: sorted(households) for campaign, households in reached.items()},
        {campaign: sorted(some) for campaign, some in upcs.items()},
        sorted((day(nanos), household, upc, campaign) for nanos, household, upc, campaign in used),
    )


def basket(household: int) -> int:
    """The data names no basket of a redemption: one that can be reckoned again."""
    return 20_00 + household % 50 * 10


def saving(kind: str, household: int) -> int:
    """By hand, what one coupon of a kind saves on it."""
    return {"Type A": 1_50, "Type B": 1_00, "Type C": basket(household) // 10}[kind]


@dataclass
class Replay:
    """The year through the services, in the order of time. codes: (campaign, upc, household) -> still to be used."""

    db: Database
    brand: BrandRef
    year: Year
    member: dict[int, int] = field(default_factory=dict)
    offer: dict[tuple[int, int], int] = field(default_factory=dict)
    codes: dict[tuple[int, int, int], list[str]] = field(default_factory=lambda: defaultdict(list))

    def run(self) -> None:
        """Members first; then each day: the campaigns that begin, then what is used."""
        everybody = sorted({household for some in self.year.reached.values() for household in some})
        self.write(lambda s: self.add(s, everybody), min(first for first, _last in self.year.days.values()))
        clerk = seed.actor(self.db, "clerk")
        used = {on: list(some) for on, some in groupby(self.year.used, key=lambda row: row[0])}
        begins: dict[date, list[int]] = defaultdict(list)
        for campaign, (first, _last) in self.year.days.items():
            begins[first].append(campaign)
        for on in sorted({*used, *begins}):
            for campaign in begins.get(on, ()):
                for upcs in batches(self.year.coupons[campaign]):
                    self.write(lambda s, c=campaign, upcs=upcs: self.give(s, c, upcs), on)
                self.write(lambda s, c=campaign: self.give_again(s, c), on, clerk)
            if on in used:
                self.write(lambda s, rows=used[on]: self.use(s, rows), on, clerk)

    def write(self, work: Any, on: date, *actor: Any) -> None:
        """A unit at four in the morning UTC, which is noon in the shop."""
        more = {"actor": actor[0]} if actor else {}
        noon = datetime(on.year, on.month, on.day, 4, tzinfo=UTC)
        self.db.write(work, brand=self.brand, now=noon, **more)

    def add(self, scope: Scope, households: Sequence[int]) -> None:
        """Members are no part of the question: in one go, past their service."""
        ids = scope.new_ids(len(households))
        rows = [
            (
                scope.brand.id,
                id_,
                id_,
                f"{household:05}",
                "",
                "",
                scope.today,
                True,
                household,
                0,
                *[scope.now] * 2,
            )
            for id_, household in zip(ids, households, strict=True)
        ]
        bulk.insert(scope, Member, MEMBER, rows)
        self.member |= dict(zip(households, ids, strict=True))

    def give(self, scope: Scope, campaign: int, upcs: Sequence[int]) -> None:
        """Offers of a campaign, open, and their coupons to its households."""
        type_key, terms = KINDS[self.year.kind[campaign]]
        first, last = self.year.days[campaign]
        wanted = self.wanted(campaign)[0]
        for upc in upcs:
            offer = service.new_offer(
                scope,
                type_key,
                service.OfferDetails(
                    name=f"{upc} of {campaign}", terms=terms, per_person=2, valid_from=first, valid_until=last
                ),
                state="open",
            )
            assert isinstance(offer, Offer), offer
            self.offer[campaign, upc] = offer.id
            people = {(self.member[household],) * 2: household for household in sorted(wanted[upc])}
            given = service.issue_for_campaign(scope, offer.id, list(people), campaign)
            for (member_id, _person), household in people.items():
                self.keep(given[member_id], campaign, upc, household)

    def give_again(self, scope: Scope, campaign: int) -> None:
        """A campaign gives a member one coupon of an offer; who used two had the other one by hand."""
        for upc, households in self.wanted(campaign)[1].items():
            for household in sorted(households):
                one = service.give(
                    scope, self.offer[campaign, upc], self.member[household], f"{campaign}-{upc}-{household}"
                )
                self.keep(one, campaign, upc, household)

    def keep(self, coupon: Coupon | Refused, campaign: int, upc: int, household: int) -> None:
        assert isinstance(coupon, Coupon), coupon
        self.codes[campaign, upc, household].append(coupon.code)

    def wanted(self, campaign: int) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
        """upc -> households that are given one, and those that are given a second one."""
        upcs = self.year.coupons[campaign]
        wanted: dict[int, set[int]] = defaultdict(set)
        for place, household in enumerate(self.year.reached[campaign]):
            wanted[upcs[place % len(upcs)]].add(household)
        times = Counter((upc, household) for _on, household, upc, of in self.year.used if of == campaign)
        twice: dict[int, set[int]] = defaultdict(set)
        for (upc, household), count in times.items():
            wanted[upc].add(household)
            if count == 2:
                twice[upc].add(household)
        return wanted, twice

    def use(self, scope: Scope, rows: Sequence[tuple[date, int, int, int]]) -> None:
        """A day at the counter."""
        for on, household, upc, campaign in rows:
            left = self.codes[campaign, upc, household]
            code = left[0] if len(left) == 1 else left[self.day_of_second(on, household, upc, campaign)]
            used = service.redeem(
                scope, typed=code, basket_minor=basket(household), key=f"{campaign}-{upc}-{household}-{on}"
            )
            assert isinstance(used, Redemption), used

    def day_of_second(self, on: date, household: int, upc: int, campaign: int) -> int:
        """0 on the first of the two days, 1 on the second. (A unit may be run anew: nothing is taken off a list.)"""
        return int(any(row[1:] == (household, upc, campaign) and row[0] < on for row in self.year.used))


def batches(items: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(items), EACH):
        yield items[start : start + EACH]


def test_the_year_of_coupons_is_what_one_counts_by_hand(db: Database, brand: BrandRef, app: Flask) -> None:
    year = read(sample_package())
    assert (len(year.kind), sum(map(len, year.coupons.values())), len(year.used)) == (27, 1197, 2102)
    twice = [one for one in Counter(row[1:] for row in year.used).values() if one > 1]
    assert twice == [2] * 27
    replay = Replay(db, brand, year)
    began = time.process_time()
    replay.run()
    print(f"replayed in {time.process_time() - began:.0f} s of processor")
    assert {one.promise.key: one.examples for one in auditing.check(db, brand) if one.broken} == {}
    end = datetime(2018, 6, 1, tzinfo=UTC)
    with db.read(brand=brand, now=end) as scope:
        whole = figures.total(scope, Ask())
        assert (whole.redeemed, whole.people) == (2102, len({row[1] for row in year.used}))
        assert whole.expired == whole.issued - whole.redeemed
        assert whole.saved_minor == sum(saving(year.kind[row[3]], row[1]) for row in year.used)

        # each campaign: what its offers brought, and what is told of its own coupons, without the second ones
        of_offer = {offer_id: of for of, offer_id in replay.offer.items()}
        standing = select(Coupon.offer_id, Coupon.person_id).where(
            Coupon.brand_id == brand.id, figures.behind(scope, Ask(), "redeemed")
        )
        stored = [(of_offer[offer_id][0], person) for offer_id, person in scope.session.execute(standing)]
        for campaign in year.kind:
            mine = [row for row in year.used if row[3] == campaign]
            redeemers = {row[1] for row in mine}
            theirs = [person for of, person in stored if of == campaign]
            assert (len(theirs), len(set(theirs))) == (len(mine), len(redeemers)), campaign
            second = sum(count - 1 for count in Counter(mine_of[1:] for mine_of in mine).values())
            brought = figures.coupon_figures(scope, campaign)
            assert (brought.redeemed, brought.people) == (len(mine) - second, len(redeemers)), campaign
            assert brought.issued >= len(year.reached[campaign])
        by_hand_given = figures.figures(scope, Ask("giver"))[seed.actor(db, "clerk").id]
        assert (by_hand_given.issued, by_hand_given.redeemed) == (27, 27)

        # each kind of campaign
        kinds = figures.figures(scope, Ask("type"))
        assert {key: (one.redeemed, one.people) for key, one in kinds.items()} == {
            KINDS[kind][0]: (
                sum(year.kind[row[3]] == kind for row in year.used),
                len({row[1] for row in year.used if year.kind[row[3]] == kind}),
            )
            for kind in KINDS
        }

        # each offer
        offers = figures.figures(scope, Ask("offer"))
        counted = Counter((row[3], row[2]) for row in year.used)
        by_hand = {offer_id: counted[of] for offer_id, of in of_offer.items()}
        none = CouponFigures()
        assert {offer_id: offers.get(offer_id, none).redeemed for offer_id in by_hand} == by_hand

        # the days of use of a month, and the coupons that the numbers open to
        may = Ask("type", "used", date(2017, 5, 1), date(2017, 5, 31))
        in_may = [row for row in year.used if (row[0].year, row[0].month) == (2017, 5)]
        assert sum(one.redeemed for one in figures.figures(scope, may).values()) == len(in_may) > 0
        for ask, key in ((Ask("type"), "cash"), (may, "spend_and_save")):
            one = figures.figures(scope, ask)[key]
            for what, number in (("redeemed", one.redeemed), ("people", one.people)):
                among = figures.behind(scope, ask, what, key)
                rows = queries.coupons(scope, among=among, limit=5000).rows
                assert len(rows) == number
                if what == "people":
                    assert len({row.coupon.person_id for row in rows}) == number
        days = select(Redemption.redeemed_on).where(Redemption.brand_id == brand.id)
        assert Counter(scope.session.scalars(days)) == Counter(row[0] for row in year.used)
