"""Whether the coupons are right: a shop that only our services touched is; a row that was bent by hand is named."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests import factories as make
from tests.support import seed
from tests.support.databases import OTHER_IN_DRILL
from webapp.coupons import auditing, give_back, holds, jobs, nightly, returning, service
from webapp.coupons.conditions import Conditions
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Ring, Scope

NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)  # noon in Shanghai
DAY = timedelta(days=1)


def broken(db: Database, brand: BrandRef) -> dict[str, int]:
    return {one.promise.key: one.broken for one in auditing.check(db, brand) if one.broken}


def walk(db: Database, brand: BrandRef, chance: random.Random, steps: int) -> set[str]:
    """Anything in any order: given by hand, by a campaign, taken, kept aside, used, undone, in part, taken away, never sent."""
    clerk, now = seed.actor(db, "manager"), NOON

    def begin(scope: Scope) -> tuple[list[int], list[int]]:
        plans: tuple[dict[str, Any], ...] = (
            {"stock": 9, "budget_minor": 60_00},
            {"per_person": 3, "conditions": Conditions(undone="returned")},
            {"valid_days": 2, "valid_until": (NOON + 6 * DAY).date()},
        )
        offers = [make.make_offer(scope, name=f"Offer {n}", **plan).id for n, plan in enumerate(plans)]
        return offers, [one.id for one in make.make_members(scope, 6)]

    offers, members = db.write(begin, brand=brand, now=now)
    coupons: dict[int, str] = {}
    used: list[int] = []

    def step(scope: Scope, n: int) -> None:
        what = chance.choice(
            (
                "give",
                "lay",
                "claim",
                "hold",
                "free",
                "redeem",
                "redeem",
                "reverse",
                "return",
                "void",
                "unsent",
            )
        )
        if what in ("give", "lay"):
            offer = chance.choice(offers)
            some = [(one, one) for one in chance.sample(members, 3)]
            answers = (
                [service.give(scope, offer, some[0][0], f"key-{n}")]
                if what == "give"
                else service.issue_for_campaign(scope, offer, some, chance.randint(1, 4)).values()
            )
            coupons.update({one.id: one.code for one in answers if isinstance(one, Coupon)})
        elif what == "reverse" and used:
            service.reverse(scope, chance.choice(used))
        elif what == "return" and used:
            one = chance.choice(used)
            came = returning.Came(chance.randint(0, 250_00))
            seen = returning.look(scope, one, came)
            if isinstance(seen, returning.Answer):
                returning.take_back(scope, one, came, key=f"key-{n}", seen=seen.seen)
        elif coupons:
            coupon_id = chance.choice(list(coupons))
            if what == "claim":
                service.claim(scope, coupon_id)
            elif what == "hold":
                holds.hold(scope, coupon_id, scope.now + timedelta(hours=chance.randint(1, 9)))
            elif what == "free":
                holds.release(scope, coupon_id)
                holds.end(scope)
            elif what == "void":
                service.void(scope, coupon_id, "by hand")
            elif what == "unsent":
                give_back.give_back(scope, chance.sample(list(coupons), min(2, len(coupons))), "unsent")
            else:
                done = service.redeem(
                    scope,
                    typed=coupons[coupon_id],
                    basket_minor=chance.randint(90_00, 300_00),
                    key=f"key-{n}",
                )
                used.extend([done.id] if isinstance(done, Redemption) else [])

    for n in range(steps):
        now += timedelta(hours=chance.randint(0, 5))
        db.write(partial(step, n=n), brand=brand, actor=clerk, now=now)
    with db.read(brand=brand) as scope:
        return set(scope.session.execute(text("SELECT DISTINCT state FROM coupon")).scalars())


def test_whatever_the_services_do_is_right(db: Database, brand: BrandRef) -> None:
    assert walk(db, brand, random.Random(4), 100) == set(auditing.STATES)
    assert broken(db, brand) == {}


@pytest.fixture
def shop(db: Database, brand: BrandRef) -> BrandRef:
    """One coupon of each kind: 3 issued (of a campaign), 1 claimed, 1 redeemed once before, 1 given back, 1 void."""

    def unit(scope: Scope) -> None:
        offer = make.make_offer(scope, stock=10, per_person=5)
        members = make.make_members(scope, 7)
        service.issue_for_campaign(scope, offer.id, [(one.id, one.id) for one in members[:3]], 7)
        for n, member in enumerate(members[3:]):
            coupon = service.give(scope, offer.id, member.id, f"give-{n}")
            assert isinstance(coupon, Coupon)
            service.claim(scope, coupon.id)
            if n in (1, 2):
                used = service.redeem(scope, typed=coupon.code, basket_minor=150_00, key=f"use-{n}")
                assert isinstance(used, Redemption)
                service.reverse(scope, used.id)
            if n == 1:
                service.redeem(scope, typed=coupon.code, basket_minor=150_00, key="again")
            if n == 3:
                service.void(scope, coupon.id)

    db.write(unit, brand=brand, now=NOON)
    assert broken(db, brand) == {}
    return brand


ISSUED = "(SELECT min(id) FROM coupon WHERE state = 'issued')"
CLAIMED = "(SELECT id FROM coupon WHERE state = 'claimed')"
REDEEMED = "(SELECT id FROM coupon WHERE state = 'redeemed')"
REVERSED = "(SELECT id FROM coupon WHERE state = 'reversed')"
LAST_STEP = f"coupon_id = {REDEEMED} AND from_state = 'reversed'"
STANDS = f"open_coupon_id = {REDEEMED}"

ADD_CODE = (
    "INSERT INTO offer_code (brand_id, id, offer_id, code, batch, used, created_at)"
    " SELECT brand_id, id + 1, id, 'TEA', '', {used}, created_at FROM offer"
)

# What is bent by hand -> what is named, and nothing else.
BENT: dict[str, tuple[str, set[str]]] = {
    "a coupon more is counted": ("UPDATE offer SET issued = issued + 1", {"stock_counted"}),
    "the stock was lowered in vain": (
        "UPDATE offer SET issued = 0, stock = 2",
        {"stock_counted", "stock_kept"},
    ),
    "an allowance is one too many": ("UPDATE offer_allowance SET used = used + 1", {"allowance_counted"}),
    "an allowance is gone": (
        f"DELETE FROM offer_allowance WHERE person_id = (SELECT person_id FROM coupon WHERE id = {ISSUED})",
        {"allowance_counted"},
    ),
    "a step is missing": (
        f"DELETE FROM coupon_change WHERE coupon_id = {REVERSED} AND from_state = 'issued'",
        {"history", "moments"},
    ),
    "a step that is not allowed": (
        f"UPDATE coupon_change SET state = 'redeemed' WHERE coupon_id = {CLAIMED} AND from_state IS NOT NULL",
        {"history", "moments", "redemption_recorded"},
    ),
    "no history at all": (f"DELETE FROM coupon_change WHERE coupon_id = {ISSUED}", {"history", "moments"}),
    "a state that nobody reached": (
        f"UPDATE coupon SET state = 'reversed' WHERE id = {CLAIMED}",
        {"history"},
    ),
    "a state that there is not": (f"UPDATE coupon SET state = 'expired' WHERE id = {CLAIMED}", {"history"}),
    "it was born twice": (
        f"UPDATE coupon_change SET from_state = NULL WHERE coupon_id = {CLAIMED}",
        {"history"},
    ),
    "used and given back before it was ever used": (
        f"UPDATE coupon_change SET coupon_id = {CLAIMED} WHERE coupon_id = {REDEEMED} AND"
        " ((from_state = 'redeemed') OR (from_state = 'reversed'))",
        {"history", "redemption_recorded"},
    ),
    "taken, and no moment": (f"UPDATE coupon SET claimed_at = NULL WHERE id = {CLAIMED}", {"moments"}),
    "not taken, and a moment": (f"UPDATE coupon SET claimed_at = issued_at WHERE id = {ISSUED}", {"moments"}),
    "used at another moment": (
        f"UPDATE coupon SET redeemed_at = '2026-05-11 00:00:00.000000' WHERE id = {REDEEMED}",
        {"moments"},
    ),
    "used, and no moment": (f"UPDATE coupon SET redeemed_at = NULL WHERE id = {REDEEMED}", {"moments"}),
    "a draft has given": ("UPDATE offer SET state = 'draft'", {"draft"}),
    "used without a redemption": (
        f"UPDATE redemption SET open_coupon_id = NULL WHERE {STANDS}",
        {"redeemed_once", "redemption_whole", "redemption_recorded", "budget_counted"},
    ),
    "a redemption of a coupon that is not used": (
        f"UPDATE redemption SET open_coupon_id = coupon_id, reversed_at = NULL, reversed_by = NULL"
        f" WHERE coupon_id = {REVERSED}",
        {"standing_used", "redemption_recorded", "budget_counted"},
    ),
    "half undone": (f"UPDATE redemption SET reversed_at = redeemed_at WHERE {STANDS}", {"redemption_whole"}),
    "a redemption is gone": (
        f"DELETE FROM redemption WHERE coupon_id = {REVERSED}",
        {"redemption_recorded"},
    ),
    "more saved than paid": (
        f"UPDATE redemption SET saving_minor = basket_minor + 1 WHERE {STANDS}",
        {"saving", "budget_counted"},
    ),
    "nothing saved, nothing handed over": (
        f"UPDATE redemption SET saving_minor = 0 WHERE {STANDS}",
        {"saving", "budget_counted"},
    ),
    "a part came back, and nobody wrote it down": (
        f"UPDATE redemption SET bought_minor = basket_minor, first_saving_minor = saving_minor WHERE {STANDS}",
        {"returned"},
    ),
    "bought, and not what it saved then": (
        f"UPDATE redemption SET bought_minor = basket_minor WHERE {STANDS}",
        {"returned"},
    ),
    "more is counted than was saved": ("UPDATE offer SET saved_minor = saved_minor + 1", {"budget_counted"}),
    "a budget was lowered in vain": ("UPDATE offer SET budget_minor = 1", {"budget_kept"}),
    "kept, and nobody knows until when": (
        f"UPDATE coupon_change SET state = 'held' WHERE coupon_id = {CLAIMED} AND from_state IS NOT NULL;"
        f" UPDATE coupon SET state = 'held', claimed_at = NULL WHERE id = {CLAIMED}",
        {"moments"},
    ),
    "kept until, and not kept": (
        f"UPDATE coupon SET held_until = issued_at WHERE id = {CLAIMED}",
        {"moments"},
    ),
    "a day that counts what nobody was given": (
        "INSERT INTO offer_day (brand_id, offer_id, day, used) SELECT brand_id, id, '2026-05-10', 1 FROM offer",
        {"day_counted"},
    ),
    "a code that counts what it did not bring": (ADD_CODE.format(used=1), {"code_counted"}),
    "a code that brought less than nothing": (ADD_CODE.format(used=-1), {"code_counted", "code_kept"}),
    "a code that brought more than it may, in a table that has lost its check": (
        "ALTER TABLE offer_code RENAME TO kept_codes; CREATE TABLE offer_code AS SELECT * FROM kept_codes; "
        + ADD_CODE.format(used=1)
        + "; UPDATE offer_code SET most = 0; "
        "UPDATE coupon SET occurrence = 'code:' || (SELECT substr('0000000000000000000' || CAST(id AS TEXT),"
        f" length(CAST(id AS TEXT)) + 1) FROM offer_code) || ':' || 'one' WHERE id = {CLAIMED}",
        {"code_kept"},
    ),
    "terms that are not there": (f"UPDATE coupon SET terms_version = 9 WHERE id = {ISSUED}", {"terms"}),
    "an offer without its terms": ("UPDATE offer SET terms_version = 2", {"terms"}),
    "over before it begins": (f"UPDATE coupon SET valid_until = '2026-05-09' WHERE id = {CLAIMED}", {"days"}),
    "taken without an end": (f"UPDATE coupon SET valid_until = NULL WHERE id = {CLAIMED}", {"days"}),
    "beyond the offer's last day": ("UPDATE offer_terms SET valid_until = '2026-05-20'", {"days"}),
    "another campaign's": (f"UPDATE coupon SET campaign_id = 8 WHERE id = {ISSUED}", {"campaign"}),
    "no campaign's": (f"UPDATE coupon SET campaign_id = NULL WHERE id = {ISSUED}", {"campaign"}),
    "a code too short": (f"UPDATE coupon SET code = substr(code, 1, 8) WHERE id = {ISSUED}", {"code"}),
    "a code with a look-alike": (
        f"UPDATE coupon SET code = 'O' || substr(code, 2) WHERE id = {ISSUED}",
        {"code"},
    ),
    "a wrong check letter": (
        f"UPDATE coupon SET code = substr(code, 1, 8) || CASE substr(code, 9) WHEN '2' THEN '3' ELSE '2' END"
        f" WHERE id = {ISSUED}",
        {"code"},
    ),
    "two with one code, in a table that has lost its keys": (
        "ALTER TABLE coupon RENAME TO kept; CREATE TABLE coupon AS SELECT * FROM kept;"
        f" UPDATE coupon SET code = (SELECT code FROM kept WHERE state = 'redeemed') WHERE id = {CLAIMED}",
        {"unique"},
    ),
    "another brand's link": (
        f"UPDATE coupon SET token = 'z' || substr(token, 2) WHERE id = {ISSUED}",
        {"token"},
    ),
}


@OTHER_IN_DRILL
def test_what_was_bent_by_hand_is_named(db: Database, shop: BrandRef) -> None:
    def bend(scope: Scope, statements: str) -> dict[str, auditing.Finding]:
        before = scope.session.begin_nested()
        for statement in statements.split(";"):
            scope.session.execute(text(statement))
        found = [auditing.look(scope, promise) for promise in auditing.PROMISES]
        before.rollback()
        return {one.promise.key: one for one in found if one.broken}

    def unit(scope: Scope) -> None:
        wrong = {}
        for what, (statements, named) in BENT.items():
            if (found := set(bend(scope, statements))) != named:
                wrong[what] = found
        assert wrong == {}
        many = bend(scope, "UPDATE coupon SET token = 'z' || substr(token, 2)")["token"]
        assert (many.broken, len(many.examples)) == (7, auditing.EXAMPLES)  # all are counted, a few are named
        assert bend(scope, "UPDATE offer SET name = name") == {}

    db.write(unit, brand=shop)
    assert broken(db, shop) == {}


def test_every_promise_was_bent() -> None:
    assert set().union(*(named for _, named in BENT.values())) == {one.key for one in auditing.PROMISES}


@pytest.mark.parametrize("db_kind", ["sqlite"], indirect=True)
def test_it_is_looked_at_once_a_night_in_a_process_of_its_own(
    db: Database, shop: BrandRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_INSTANCE", str(tmp_path / "shop"))
    monkeypatch.setenv("REGULARS_DATABASE_URL", db.url)
    # The process looks at its own clock: the shop lies where the hour of the look is past, and the day is not over.
    shop = replace(shop, timezone="UTC" if nightly.HOUR <= clock.now().hour < 23 else "Asia/Shanghai")
    db.write(
        lambda scope: scope.session.execute(
            text("UPDATE brand SET timezone = :zone"), {"zone": shop.timezone}
        )
    )
    day = clock.local_day(clock.now(), shop.timezone)
    night = clock.day_starts(day, shop.timezone) + timedelta(hours=nightly.HOUR)
    due = [Ring("coupons.audit", {"brand_id": shop.id})]
    with clock.fixed(night - timedelta(minutes=1)):
        assert jobs.audits_due(db) == []
    db.write(lambda scope: scope.session.execute(text("UPDATE offer SET issued = issued + 1")), brand=shop)
    with clock.fixed(night):
        assert jobs.audits_due(db) == due
        jobs.audit(db, shop.id)
        jobs.audit(db, shop.id)  # rung twice, begun once
        assert jobs.audits_due(db) == []
    (process,) = jobs._begun
    assert process.wait(60) == 1
    with db.read(brand=shop) as scope:
        outcome = nightly.last(scope)
        assert outcome is not None and outcome.broken == {"stock_counted": 1} and not outcome.failed

    tomorrow = night + DAY
    assert db.write(nightly.claim, brand=shop, now=tomorrow)  # and killed
    with db.read(brand=shop, now=tomorrow + timedelta(minutes=5)) as scope:
        outcome = nightly.last(scope)
        assert outcome is not None and outcome.broken and not outcome.failed  # it may be under way
    with db.read(brand=shop, now=tomorrow + timedelta(hours=2)) as scope:
        outcome = nightly.last(scope)
        assert outcome is not None and outcome.failed
