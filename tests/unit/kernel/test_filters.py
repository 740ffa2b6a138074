"""How values are written: the brand's currency and zone, the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from flask import Flask, g

from webapp.kernel import clock, filters, i18n
from webapp.kernel.scope import BrandRef

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)  # the 22nd in Shanghai, 02:30


@pytest.fixture(params=["en", "zh_CN"])
def lang(request: pytest.FixtureRequest) -> Iterator[str]:
    """Inside a request of brand `lin` (CNY, Shanghai), in either language."""
    app = Flask("probe")
    i18n.init_i18n(app)
    with app.test_request_context(headers={"Cookie": f"{i18n.COOKIE}={request.param}"}), clock.fixed(NOW):
        g.brand = BrandRef(1, "lin", "Lin", "CNY", "Asia/Shanghai", "CN")
        yield request.param


def test_money(lang: str) -> None:
    own = {"en": "CN¥1,234.50", "zh_CN": "¥1,234.50"}[lang]
    assert filters.money(123450) == own
    assert filters.money(-123450) == "-" + own
    assert filters.money(500, "JPY") == {"en": "¥500", "zh_CN": "JP¥500"}[lang]
    assert filters.money(None) == "–"


def test_money_without_a_brand_names_its_currency(lang: str) -> None:
    g.brand = None
    with pytest.raises(LookupError, match="name the currency"):
        filters.money(1)
    assert filters.money(1, "USD").endswith("0.01")


def test_numbers_and_shares(lang: str) -> None:
    assert filters.number(1234567) == "1,234,567"
    assert filters.number(2.5, 2) == "2.50"
    assert filters.number(0) == "0"
    assert filters.percent(1, 3) == "33%"
    assert filters.percent(1, 3, 1) == "33.3%"
    assert filters.percent(0, 5) == "0%"
    assert filters.percent(1, 0) == filters.percent(None, 4) == filters.number(None) == "–"


def test_days_and_moments_are_the_brands(lang: str) -> None:
    assert filters.day(date(2026, 1, 2)) == {"en": "Jan 2, 2026", "zh_CN": "2026年1月2日"}[lang]
    assert filters.day(NOW) == {"en": "Nov 22, 2026", "zh_CN": "2026年11月22日"}[lang]
    yesterday = datetime(2026, 11, 21, 15, 59, tzinfo=UTC)  # the 21st in Shanghai, 23:59
    assert (
        filters.moment(yesterday).replace("\u202f", " ")
        == {
            "en": "Nov 21, 2026 11:59 PM",
            "zh_CN": "2026年11月21日 23:59",
        }[lang]
    )
    assert "Nov 22" not in filters.moment(NOW) and "2:30" in filters.moment(NOW)  # today 2:30 AM
    assert filters.moment(None) == filters.day(None) == "–"


@pytest.mark.parametrize(
    ("phone", "shown"),
    [("+8613800138000", "+86138••••8000"), ("12345", "•••45"), ("", "–"), (None, "–")],
)
def test_phones_keep_their_end(phone: str | None, shown: str) -> None:
    assert filters.phone_masked(phone) == shown


@pytest.mark.parametrize(
    ("colour", "ink"),
    [
        ("#0f5c4d", "#ffffff"),
        ("#ffd400", "#000000"),
        ("#b3261c", "#ffffff"),
        ("", "#ffffff"),
        ("red", "#ffffff"),
    ],
)
def test_ink_on_a_brands_colour(colour: str, ink: str) -> None:
    assert filters.ink_on(colour) == ink
