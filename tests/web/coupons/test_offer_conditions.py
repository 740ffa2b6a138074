"""What an offer says beside its type's terms: typed on a phone, kept when it is wrong, shown in words, a version of its own."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.coupons import conditions
from webapp.coupons.conditions import Conditions
from webapp.coupons.models import Offer, OfferTerms
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef

pytestmark = ONE_DATABASE
NEW = "/offers/new?type=cash"
GOOD = {
    "name": "Ten off",
    "term_amount": "10",
    "valid_days": "30",
    "per_day": "5",
    "budget": "1000",
    "claim_from": "2026-11-30T20:00",
    "claim_until": "2026-12-01T00:00",
    "by_code": "y",
    "weekdays": ["4", "5"],
    "hours_from": "22:00",
    "hours_until": "02:00",
    "least": "50",
    "products": "Milk\r\n\r\n Bread \r\nMilk",
    "categories_out": "Tobacco",
    "joins": "y",
    "place": "3",
    "undone": "returned",
}


def test_everything_is_stored_shown_and_found_in_the_form_again(
    client: Client, db: Database, brand: BrandRef
) -> None:
    stores = db.write(lambda s: [make.make_store(s, code).id for code in ("east", "north")], brand=brand)
    shown = client.submit(NEW, GOOD | {"stores": [str(stores[0])]})
    place, text = shown.request.path, text_of(shown.text)
    with db.read() as scope:
        offer = scope.session.scalars(select(Offer)).one()
        terms = scope.session.scalars(select(OfferTerms)).one()
    assert (offer.per_day, offer.budget_minor, offer.by_code, offer.place) == (5, 100_000, True, 3)
    # the brand's zone is eight hours ahead
    assert offer.claim_from == datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
    assert offer.claim_until == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    assert conditions.load(terms.conditions) == Conditions(
        weekdays=(4, 5),
        hours=(22 * 60, 2 * 60),
        stores=(stores[0],),
        products=("Milk", "Bread"),
        categories_out=("Tobacco",),
        least_minor=5_000,
        joins=True,
        undone="returned",
    )
    for words in ("Friday", "Saturday", "next morning", "Milk", "Tobacco", "CN¥50.00", "CN¥1,000.00"):
        assert words in text, words
    again = client.submit(place + "/edit")  # saved as it stands: no new version
    assert again.status_code == 200
    with db.read() as scope:
        assert scope.session.scalars(select(OfferTerms)).all()[-1].version == 1
    client.submit(place + "/edit", {"products": "Milk"})
    with db.read() as scope:
        versions = scope.session.scalars(select(OfferTerms).order_by(OfferTerms.version)).all()
    assert [one.conditions["products"] for one in versions] == [["Milk", "Bread"], ["Milk"]]


def test_mistakes_are_told_beside_their_fields_in_a_part_that_is_open(client: Client) -> None:
    cases = [
        ({"claim_until": "2026-11-30T20:00"}, "The last day is before the first."),
        ({"claim_until": "tomorrow"}, "Not a valid datetime value."),
        ({"hours_until": ""}, "Give both times, and two that differ."),
        ({"hours_until": "22:00"}, "Give both times, and two that differ."),
        ({"per_day": "0"}, "At least 1."),
        ({"budget": "0"}, "At least 0.01."),
        ({"products_out": "Milk"}, "Milk is named above as well."),
        ({"products": "x" * 121}, "At most 200 lines of 120 characters."),
        ({"place": "100"}, "At most 99."),
        ({"weekdays": ["7"]}, ""),
        ({"stores": ["1"]}, ""),
    ]
    for more, said in cases:
        answer = client.submit(NEW, GOOD | more)
        assert answer.status_code == 422, more
        assert said in text_of(answer.text), more
        assert "Tobacco" in answer.text and "<details open>" in answer.text


def test_a_budget_does_not_fall_below_what_was_saved(client: Client, db: Database, brand: BrandRef) -> None:
    def fill(scope) -> int:  # type: ignore[no-untyped-def]
        offer = make.make_offer(scope)
        offer.saved_minor = 5_000
        return int(offer.id)

    offer_id = db.write(fill, brand=brand)
    answer = client.submit(f"/offers/{offer_id}/edit", {"budget": "49.99"})
    assert answer.status_code == 422
    assert "CN¥50.00 are saved already" in text_of(answer.text)
    assert client.submit(f"/offers/{offer_id}/edit", {"budget": "50"}).status_code == 200


def test_who_may_have_it_is_a_rule_written_without_a_script(
    client: Client, db: Database, brand: BrandRef
) -> None:
    offer_id = db.write(lambda s: make.make_offer(s).id, brand=brand)
    db.write(lambda s: [make.make_member(s) for _ in range(3)], brand=brand)
    place = f"/offers/{offer_id}/who"
    assert "3 members fit now" in text_of(client.get(place).text)
    added = client.submit(place, {"do": "add", "add": "orders"})
    assert added.status_code == 200 and 'name="c0-min"' in added.text and "error" not in text_of(added.text)
    empty = client.post(place, data={"c0-field": "orders", "do": "save"})
    assert empty.status_code in (400, 422)
    saved = client.submit(place, {"c0-field": "orders", "c0-min": "1", "c0-days": "30", "do": "save"})
    assert "Number of orders in the last 30 days: at least 1" in text_of(saved.text)
    with db.read() as scope:
        offer = scope.session.scalars(select(Offer)).one()
    assert offer.who == {"all": [{"field": "orders", "days": 30, "min": 1}]}
    assert "0 members fit now" in text_of(client.get(place).text)
    cleared = client.submit(place, {"c0-field": None, "do": "save"})
    assert "All members" in text_of(cleared.text)


def test_in_chinese(client: Client) -> None:
    client.set_cookie("rg_lang", "zh_CN")
    form = client.get(NEW).text
    assert "星期一" in form and "Good for" not in form
