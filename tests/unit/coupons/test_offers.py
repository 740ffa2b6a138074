"""Offers: what cannot stand is named, what is promised is kept in versions, limits cannot fall below what is out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from tests import factories as make
from tests.factories.offers import TYPE
from tests.support.databases import ONE_DATABASE
from webapp.coupons import codes, queries, service
from webapp.coupons.models import Coupon, Offer, OfferEvent, OfferTerms
from webapp.coupons.service import OfferDetails
from webapp.kernel.db import Database
from webapp.kernel.errors import NotFound, Refused, UserError
from webapp.kernel.scope import BrandRef, Scope
from webapp.plugin_runtime import context

TERMS = {"mode": "steps", "steps": [{"spend": 100_00, "save": 20_00}], "most": None}


def details(**more: Any) -> OfferDetails:
    return OfferDetails(**({"name": "Twenty off", "terms": TERMS, "valid_days": 30} | more))


def made(scope: Scope, **more: Any) -> Offer:
    offer = service.new_offer(scope, TYPE, details(**more))
    assert isinstance(offer, Offer), offer
    return offer


@ONE_DATABASE
@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"name": "  "}, "name", "name_length"),
        ({"name": "x" * 121}, "name", "name_length"),
        ({"name": "a\x00b"}, "name", "name_length"),
        ({"code": "no spaces"}, "code", "code_bad"),
        ({"stock": 0}, "stock", "out_of_range"),
        ({"per_person": 0}, "per_person", "out_of_range"),
        ({"valid_days": None}, "valid_days", "no_end"),
        ({"valid_days": 0}, "valid_days", "out_of_range"),
        ({"valid_until": date(2020, 1, 1)}, "valid_until", "ends_in_the_past"),
        ({"valid_from": date(9999, 12, 31)}, "valid_from", "out_of_range"),
        (
            {"valid_from": date(2099, 2, 1), "valid_until": date(2099, 1, 1)},
            "valid_until",
            "ends_before_it_begins",
        ),
        ({"terms": {"steps": [{"spend": 1, "save": 2}]}}, "steps.0.save", "terms"),
        ({"terms": {}}, "steps", "terms"),
    ],
)
def test_what_cannot_stand_is_named(
    db: Database, brand: BrandRef, more: dict[str, Any], field: str, code: str
) -> None:
    def unit(scope: Scope) -> None:
        wrong = service.new_offer(scope, TYPE, details(**more))
        assert isinstance(wrong, list)
        assert [(one.field, one.code) for one in wrong] == [(field, code)]
        assert not scope.session.scalars(select(Offer)).all()

    db.write(unit, brand=brand)


@ONE_DATABASE
def test_a_type_or_a_term_that_nobody_knows_is_a_fault(db: Database, brand: BrandRef) -> None:
    with pytest.raises(UserError, match="'lottery' is not there"):
        db.write(lambda scope: service.new_offer(scope, "lottery", details()), brand=brand)
    with pytest.raises(UserError, match="no term 'prize'"):
        db.write(lambda scope: service.new_offer(scope, TYPE, details(terms={"prize": 1})), brand=brand)


@ONE_DATABASE
def test_codes_are_made_of_the_name_and_never_twice(db: Database, brand: BrandRef) -> None:
    def unit(scope: Scope) -> None:
        first, second, chinese = (made(scope, name=name) for name in ("Été: 20 off!", "Ete 20 OFF", "满减券"))
        assert first.code == "ete-20-off"
        assert second.code.startswith("ete-20-off-")
        assert chinese.code.startswith("offer-")
        taken = service.new_offer(scope, TYPE, details(code=first.code))
        assert isinstance(taken, list)
        assert taken[0].code == "code_taken"
        # its own code is not taken by itself
        assert isinstance(service.change_offer(scope, first.id, details(code=first.code)), Offer)

    db.write(unit, brand=brand)


def test_other_terms_or_another_window_are_a_new_version_and_coupons_keep_theirs(
    db: Database, brand: BrandRef
) -> None:
    def unit(scope: Scope) -> None:
        offer = made(scope)
        service.open_offer(scope, offer.id)
        member = make.make_member(scope)
        coupon = service.give(scope, offer.id, member.id, "key-one")
        assert isinstance(coupon, Coupon)
        service.change_offer(scope, offer.id, details(name="Renamed", stock=5, per_person=2))
        assert (offer.terms_version, offer.name, offer.stock, offer.per_person) == (1, "Renamed", 5, 2)
        better = {"mode": "every", "steps": [{"spend": 100_00, "save": 30_00}]}
        service.change_offer(scope, offer.id, details(terms=better, per_person=2))
        service.change_offer(scope, offer.id, details(terms=better, per_person=2, valid_days=7))
        assert offer.terms_version == 3
        newer = service.give(scope, offer.id, member.id, "key-two")
        assert isinstance(newer, Coupon)
        assert (coupon.terms_version, newer.terms_version) == (1, 3)
        quotes = [service.quote(scope, one.code, 250_00) for one in (coupon, newer)]
        assert [getattr(one, "saving_minor", one) for one in quotes] == [20_00, 60_00]
        versions = scope.session.scalars(select(OfferTerms).order_by(OfferTerms.version)).all()
        assert [(one.version, one.valid_days) for one in versions] == [(1, 30), (2, 30), (3, 7)]

    db.write(unit, brand=brand)


def test_the_stock_cannot_fall_below_what_is_issued(db: Database, brand: BrandRef) -> None:
    def unit(scope: Scope) -> None:
        offer = made(scope, stock=10)
        service.open_offer(scope, offer.id)
        people = [(member.id, member.person_id) for member in make.make_members(scope, 3)]
        service.issue(scope, offer.id, people, occurrence="test")
        wrong = service.change_offer(scope, offer.id, details(stock=2))
        assert isinstance(wrong, list)
        assert [(one.code, dict(one.facts)) for one in wrong] == [("stock_below_issued", {"issued": 3})]
        assert isinstance(service.change_offer(scope, offer.id, details(stock=3)), Offer)
        assert isinstance(service.change_offer(scope, offer.id, details(stock=None)), Offer)

    db.write(unit, brand=brand)


@ONE_DATABASE
def test_opening_and_closing(db: Database, brand: BrandRef) -> None:
    def early(scope: Scope) -> int:
        return made(scope, valid_days=None, valid_until=date(2026, 3, 31)).id

    offer_id = db.write(early, brand=brand, now=datetime(2026, 3, 1, tzinfo=UTC))

    def unit(scope: Scope) -> None:
        member = make.make_member(scope, name=f"At {scope.now}")
        early = service.give(scope, offer_id, member.id, "draft")
        assert early == Refused("not_open", {"state": "draft"})
        assert isinstance(service.open_offer(scope, offer_id), Offer)
        assert isinstance(service.give(scope, offer_id, member.id, "open"), Coupon)
        assert service.close_offer(scope, offer_id).state == "closed"
        other = make.make_member(scope, name="Late")
        assert service.give(scope, offer_id, other.id, "late") == Refused("not_open", {"state": "closed"})

    db.write(unit, brand=brand, now=datetime(2026, 3, 2, tzinfo=UTC))

    def over(scope: Scope) -> None:
        assert service.open_offer(scope, offer_id) == Refused("over", {"until": "2026-03-31"})
        # an offer that is over may still be renamed
        kept = details(name="Was good", valid_days=None, valid_until=date(2026, 3, 31))
        assert isinstance(service.change_offer(scope, offer_id, kept), Offer)

    db.write(over, brand=brand, now=datetime(2026, 4, 1, tzinfo=UTC))


@ONE_DATABASE
def test_it_describes_itself_in_the_readers_language_and_is_parked_without_its_plugin(
    db: Database, brand: BrandRef
) -> None:
    offer_id = db.write(lambda scope: made(scope).id, brand=brand)

    def lines(scope: Scope, locale: str) -> list[str] | None:
        offer = queries.offer(scope, offer_id)
        return queries.describe(scope, offer, queries.terms(scope, offer_id, 1), locale)

    with db.read(brand=brand) as scope:
        assert lines(scope, "en") == ["Spend CN¥100.00, save CN¥20.00"]
        assert lines(scope, "zh_CN") == ["满 ¥100.00 减 ¥20.00"]
    db.write(lambda scope: context.switch(scope, "coupon_spend_and_save", on=False), brand=brand)
    with db.read(brand=brand) as scope:
        assert lines(scope, "en") is None
    assert db.write(lambda scope: service.open_offer(scope, offer_id), brand=brand) == Refused(
        "parked", {"type": TYPE}
    )


@ONE_DATABASE
def test_another_brands_offer_is_not_there(db: Database, brand: BrandRef) -> None:
    offer_id = db.write(lambda scope: made(scope).id, brand=brand)
    other = db.write(lambda scope: make.make_brand(scope))
    from webapp.kernel.errors import NotFound

    for work in (service.open_offer, service.close_offer, queries.offer):
        with pytest.raises(NotFound):
            db.write(lambda scope, work=work: work(scope, offer_id), brand=other)


def test_a_draft_goes_unless_something_names_it_and_what_was_open_stays(
    db: Database, brand: BrandRef
) -> None:
    plain, with_code, at_event, was_open = db.write(
        lambda scope: [made(scope, name=name).id for name in ("a", "b", "c", "d")], brand=brand
    )

    def named(scope: Scope) -> None:
        assert not isinstance(codes.make_shared(scope, with_code, "SPRING"), Refused)
        event = {"token": "t" * 20, "title": "Spring", "offers": [at_event], "created_at": scope.now}
        scope.session.add(OfferEvent(brand_id=scope.brand.id, id=scope.new_id(), **event))
        service.open_offer(scope, was_open)
        service.close_offer(scope, was_open)

    db.write(named, brand=brand)
    said = [
        db.write(lambda scope, one=one: service.remove_draft(scope, one), brand=brand)  # type: ignore[misc]
        for one in (plain, with_code, at_event, was_open)
    ]
    assert said == [None, Refused("codes_good"), Refused("in_use"), Refused("not_draft", {"state": "closed"})]
    with db.read(brand=brand) as scope:
        kept = set(scope.session.scalars(select(Offer.id)))
        terms = set(scope.session.scalars(select(OfferTerms.offer_id)))
    assert kept == terms == {with_code, at_event, was_open}
    with pytest.raises(NotFound):
        db.write(lambda scope: service.remove_draft(scope, plain), brand=brand)


def test_codes_that_were_stopped_go_with_their_draft(db: Database, brand: BrandRef) -> None:
    def work(scope: Scope) -> tuple[int, str, int]:
        offer_id = made(scope).id
        word = codes.make_shared(scope, offer_id, "SPRING", 5)
        assert not isinstance(word, Refused)
        return offer_id, codes.make_batch(scope, offer_id, 3, "k" * 20), word.id

    offer_id, batch, word_id = db.write(work, brand=brand)
    other_id = db.write(lambda scope: made(scope, name="other").id, brand=brand)
    assert db.write(lambda scope: service.remove_draft(scope, offer_id), brand=brand) == Refused("codes_good")
    db.write(lambda scope: codes.stop(scope, offer_id, batch=batch), brand=brand)
    assert db.write(lambda scope: service.remove_draft(scope, offer_id), brand=brand) == Refused("codes_good")
    db.write(lambda scope: codes.stop(scope, offer_id, code_id=word_id), brand=brand)
    assert db.write(lambda scope: service.remove_draft(scope, offer_id), brand=brand) is None
    freed = db.write(lambda scope: codes.make_shared(scope, other_id, "SPRING"), brand=brand)
    assert (
        not isinstance(freed, Refused) and freed.offer_id == other_id
    )  # the word may be another offer's now
