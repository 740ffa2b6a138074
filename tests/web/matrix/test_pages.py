"""A matrix in the browser, without JavaScript: made, its rows ordered, previewed, used by a campaign, a joining code and for
birthdays, and kept as long as it is used."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.campaigns.models import Campaign
from webapp.coupons.models import Coupon
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.matrix.models import BirthdayPresent, OfferMatrix
from webapp.touchpoints.models import Touchpoint

pytestmark = ONE_DATABASE


def test_from_the_first_row_to_the_places_that_use_it(client: Client, db: Database, brand: BrandRef) -> None:
    def fill(scope: Scope) -> tuple[int, int]:
        people = make.make_members(scope, 13)
        for one in people[:7]:
            make.make_order(scope, one, scope.today - timedelta(days=1))
        return make.make_offer(scope, name="Thanks").id, make.make_offer(scope, name="Try us").id

    thanks, try_us = db.write(fill, brand=brand)
    assert "No matrix yet" in client.get("/offers/matrices").text
    page = client.submit("/offers/matrices/new", {"name": ""})
    assert page.status_code == 422 and "Give it a name" in page.text
    page = client.submit("/offers/matrices/new", {"name": "Spring"})
    assert "No row yet" in page.text
    place = page.request.path

    # a row with a condition: added, filled in wrongly, then well
    page = client.submit(f"{place}/rows/new", {"do": "add", "add": "orders", "offer": str(thanks)})
    assert page.status_code == 200 and "c0-min" in page.text and "Fill in one" not in page.text
    typed = {"do": "save", "offer": str(thanks), "c0-field": "orders", "c0-min": "", "c0-days": "90"}
    page = client.post(f"{place}/rows/new", data=typed)
    assert page.status_code == 422 and "Fill in one of the two" in page.text
    page = client.submit(f"{place}/rows/new", typed | {"c0-min": "1"})
    assert page.request.path == place, text_of(page.text)
    assert "6 of 13 members: no row fits them" in text_of(page.text)
    page = client.submit(f"{place}/rows/new", {"do": "save", "offer": str(try_us)})
    words = text_of(page.text)
    assert (
        "Everybody else" in words
        and "Thanks 7 members get it" in words
        and "Try us 6 members get it" in words
    )
    page = client.submit(f"{place}/rows/new", {"do": "save", "offer": str(try_us)})
    assert page.status_code == 422 and "There is a row for everybody else already" in page.text

    # closed, its row is passed over and said so
    client.submit(f"/offers/{thanks}", form="/close")
    words = text_of(client.get(place).text)
    assert "This offer is not open" in words and "Try us 13 members get it" in words
    client.submit(f"/offers/{thanks}", form="/open")

    with db.read(brand=brand) as scope:
        matrix_id = scope.session.scalars(select(OfferMatrix.id)).one()
    client.submit("/campaigns/new", {"name": "Hello", "offer": f"m{matrix_id}"})
    with db.read(brand=brand) as scope:
        campaign = scope.session.scalars(select(Campaign)).one()
    assert (campaign.matrix_id, campaign.offer_id) == (matrix_id, None)
    words = text_of(client.get(f"/campaigns/{campaign.id}/audience").text)
    assert "Thanks 7 members get it" in words and "Try us 6 members get it" in words
    assert "Who gets which coupon" in text_of(client.get(f"/campaigns/{campaign.id}/review").text)
    assert "By the matrix Spring" in text_of(client.get(f"/campaigns/{campaign.id}").text)
    assert "The audience of Hello" in client.get(f"{place}?campaign={campaign.id}").text

    client.submit("/touchpoints/new", {"name": "Window", "offer": f"m{matrix_id}"})
    sent = {"key": "one-form-of-it", "name": "Till 1", "store": "0", "ask": "phone", "serving": "none"}
    sent |= dict.fromkeys(("offer", "group", "brought_by", "serves", "standin"), "0")
    twice = [client.post("/touchpoints/new", data=sent).location for _tap in range(2)]
    assert twice[0] == twice[1] and "/touchpoints/" in twice[0]
    # gone back, changed and sent again: that is another one
    assert client.post("/touchpoints/new", data=sent | {"name": "Till 2"}).location not in (twice[0], None)
    with db.read(brand=brand) as scope:
        point = scope.session.scalars(select(Touchpoint).where(Touchpoint.matrix_id == matrix_id)).one()
    visitor: Client = client.application.test_client()  # type: ignore[assignment]
    got = visitor.submit(f"/t/{point.code}", {"phone": "13800138000"})
    assert got.request.path.startswith("/c/") and "Try us" in got.text
    with db.read(brand=brand) as scope:
        assert scope.session.scalars(select(Coupon.offer_id)).all() == [try_us]

    page = client.submit("/offers/birthday", {"present": f"m{matrix_id}", "days_before": "61"})
    assert page.status_code == 422
    page = client.submit("/offers/birthday", {"present": f"m{matrix_id}", "days_before": "3"})
    assert "Good for one birthday only" in page.text and "given every night" in page.text
    page = client.submit("/offers/birthday", form="/every-year")
    assert "every year" in page.text and "Good for one birthday only" not in page.text
    with db.read(brand=brand) as scope:
        assert scope.session.scalars(select(BirthdayPresent.matrix_id)).one() == matrix_id

    words = text_of(client.get(place).text)
    assert (
        "Where it is used" in words
        and "Hello" in words
        and "Window" in words
        and "Birthday presents" in words
    )
    client.post(f"{place}/remove", data={"once": "x"})
    assert client.get(place).status_code == 200


def test_what_members_buy_is_asked_for_in_plain_words(client: Client, db: Database, brand: BrandRef) -> None:
    offer_id = db.write(lambda scope: make.make_offer(scope).id, brand=brand)
    who = f"/offers/{offer_id}/who"
    page = client.submit(who, {"do": "add", "add": "category"})
    assert "Not gathered yet" in page.text
    page = client.post(who, data={"do": "save", "c0-field": "discount", "c0-max": "101"})
    assert page.status_code == 422 and "Give 0 to 100 percent." in page.text
    typed = {"do": "save", "c0-field": "discount", "c0-min": "20", "c1-field": "basket", "c1-min": "50"}
    page = client.post(who, data=typed, follow_redirects=True)
    assert "Average share of discounts: at least 20%" in text_of(page.text)
    assert "Average basket: at least CN¥50.00" in text_of(page.text)
