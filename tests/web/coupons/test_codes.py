"""The page of an offer's codes: a word and a batch are made on the phone, downloaded, and stopped."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import select

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.coupons.models import OfferCode
from webapp.kernel import secrets
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef

pytestmark = ONE_DATABASE


@pytest.fixture
def page(client: Client, db: Database, brand: BrandRef) -> str:
    offer = db.write(lambda scope: make.make_offer(scope, by_code=True), brand=brand)
    return f"/offers/{offer.id}/codes"


def test_a_shared_word(client: Client, page: str) -> None:
    assert "No codes yet" in client.get(page).text
    made = client.submit(page, {"word": "Spring-24", "most": "３００"}, form="/word")
    assert "Whoever types SPRING24 gets a coupon" in text_of(made.text)
    assert "0 of 300" in text_of(made.text)
    wrong = client.submit(page, {"word": "a!", "most": "12"}, form="/word")
    assert wrong.status_code == 422
    assert "Use 3 to 40 letters and digits" in text_of(wrong.text)
    assert 'value="a!"' in wrong.text and 'value="12"' in wrong.text
    stopped = client.submit(page, form="/stop")
    assert "Stopped" in text_of(stopped.text) and "used up" in text_of(stopped.text)


def test_a_batch_is_made_once_and_downloaded_for_print(client: Client, db: Database, page: str) -> None:
    filled = {"codes": "1100", "key": "one-form-tapped-twice"}
    client.submit(page, filled, form="/batch")
    made = client.submit(page, filled, form="/batch")
    assert "1,100 codes made" in text_of(made.text)
    with db.read() as scope:
        kept = scope.session.scalars(select(OfferCode.code)).all()
    assert len(kept) == 1100
    assert all(secrets.read_code(code) == code for code in kept)
    href = made.text.split('.csv"')[0].rsplit('"', 1)[1] + ".csv"
    file = client.get(href)
    assert file.status_code == 200
    rows = list(csv.reader(io.StringIO(file.text.lstrip("\ufeff"))))
    assert {row[0].replace("-", "") for row in rows[1:]} == set(kept)
    assert {row[1] for row in rows[1:]} == {"unused"}
    client.submit(page, form="/stop")
    assert "used up" in client.get(href).text
    assert client.submit(page, {"codes": "10001"}, form="/batch").status_code == 422
    assert client.get(href.replace(".csv", "x.csv")).status_code == 404
