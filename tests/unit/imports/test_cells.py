"""Single cells: what is read, exactly, and what is refused, with which words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.imports import cells
from webapp.imports.problems import Bad

TODAY = date(2026, 3, 1)
NEW_YORK, SHANGHAI = cells.moment("America/New_York"), cells.moment("Asia/Shanghai")


def refused(read: Any, text: str) -> str:
    with pytest.raises(Bad) as why:
        read(text)
    assert why.value.remedy.endswith("."), why.value.remedy
    return str(why.value)


@pytest.mark.parametrize(
    ("text", "at", "day"),
    [
        ("2026-01-31T23:30:00", "2026-02-01 04:30:00.000000", "2026-01-31"),
        ("2026-01-31 23:30", "2026-02-01 04:30:00.000000", "2026-01-31"),
        ("2026/1/31 23:30:15", "2026-02-01 04:30:15.000000", "2026-01-31"),
        ("2026-01-31T23:30:00.25-05:00", "2026-02-01 04:30:00.250000", "2026-01-31"),
        ("2026-02-01T04:30:00Z", "2026-02-01 04:30:00.000000", "2026-01-31"),
        ("2026-02-01 12:30:00+0800", "2026-02-01 04:30:00.000000", "2026-01-31"),
        ("2026-01-31", "2026-01-31 05:00:00.000000", "2026-01-31"),
        # the clocks of New York skip 02:00-03:00 on 2026-03-08 and show 01:00-02:00 twice on 2026-11-01
        ("2026-03-08 02:30:00", "2026-03-08 07:30:00.000000", "2026-03-08"),
        ("2026-11-01 01:30:00", "2026-11-01 05:30:00.000000", "2026-11-01"),
        ("2026-11-01 01:30:00-05:00", "2026-11-01 06:30:00.000000", "2026-11-01"),
    ],
)
def test_moments(text: str, at: str, day: str) -> None:
    assert NEW_YORK(text) == (at, day)
    assert NEW_YORK(f"  {text} ") == (at, day)


clock = datetime.fromisoformat  # what the clocks of a zone show, without it
ZONES = ("America/New_York", "Asia/Shanghai", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns")
READERS = {zone: cells.moment(zone) for zone in ZONES}


@given(
    zone=st.sampled_from(ZONES),
    at=st.datetimes(clock("1901-01-01"), clock("2198-01-01")).map(lambda at: at.replace(microsecond=0)),
    offset=st.sampled_from(["", "Z", "+08:00", "-03:30", "+05:45"]),
    change=st.sampled_from([None, *map(clock, ("2026-03-08", "2026-04-05", "2026-10-04", "2026-11-01"))]),
)
def test_a_moment_means_the_same_whatever_was_read_before(
    zone: str, at: datetime, offset: str, change: datetime | None
) -> None:
    """Readers remember hours; these stand for all examples. Half of them lie in nights in which clocks are changed."""
    if change is not None:
        at = change + timedelta(seconds=(at - clock("1900-01-01")).total_seconds() % 14_400)
    meant = datetime.fromisoformat(f"{at.isoformat()}{offset}")
    if meant.tzinfo is None:
        meant = meant.replace(tzinfo=ZoneInfo(zone))
    utc = meant.astimezone(UTC)
    found = READERS[zone](f"{at.isoformat()}{offset}")
    assert found == (f"{utc:%Y-%m-%d %H:%M:%S}.000000", f"{utc.astimezone(ZoneInfo(zone)):%Y-%m-%d}")


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-31",
        "2026-02-30 10:00:00",
        "31.02.2026",
        "2026-13-01",
        "2026-01-01 25:00",
        "yesterday",
        "1e5",
        "20260101",
        "2026-W05-1",
        "2026-01-01+08:00",
        "2026-01-01T10:00:00+99:00",
        "２０２６-01-01",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_no_moments(text: str) -> None:
    assert refused(SHANGHAI, text) in ("is no date and time", "lies outside the years 1900 to 2199")


def test_years_far_away_are_typing_errors() -> None:
    assert refused(SHANGHAI, "0202-05-05 10:00:00") == "lies outside the years 1900 to 2199"
    assert refused(SHANGHAI, "2202-05-05") == "lies outside the years 1900 to 2199"


def test_money_is_exact() -> None:
    cny, jpy = cells.money("CNY"), cells.money("JPY")
    assert [
        cny(text) for text in ("12.50", "12.5", "12", "-3.20", "0", "+7", "0012.10", " 5.00 ", "12.500")
    ] == [*(1250, 1250, 1200, -320, 0, 700, 1210, 500, 1250)]
    assert [jpy(text) for text in ("12", "-5", "12.0")] == [12, -5, 12]
    assert refused(cny, "1.005") == "has more than 2 decimals"
    assert refused(jpy, "1.5") == "has more than 0 decimals"
    for text in ("1,000.00", "¥5", "1e3", "NaN", "", ".", "--1", "１２.５０", "12.5O", "=1+1"):
        assert refused(cny, text) == "is no amount", text
    assert refused(cny, "9" * 20) == "is too large to be an amount"
    assert refused(cny, "1." + "0" * 40 + "1") == "is too large to be an amount"


def test_quantities_are_thousandths() -> None:
    assert [cells.quantity(text) for text in ("", "2", "0.455", "-1", "1.5")] == [
        1000,
        2000,
        455,
        -1000,
        1500,
    ]
    assert refused(cells.quantity, "0.4555") == "has more than 3 decimals"
    assert refused(cells.quantity, "two") == "is no quantity"
    assert refused(cells.quantity, "9" * 22) == "is too large to be a quantity"


def test_keys_keep_their_zeros_and_formulas_are_data() -> None:
    read = cells.key(10)
    assert [read(text) for text in ("007", " 007 ", "=1+1", "+1", "-1", "@x")] == [
        "007",
        "007",
        "=1+1",
        "+1",
        "-1",
        "@x",
    ]
    assert refused(read, " ") == "is blank"
    assert refused(read, "x" * 11) == "has 11 characters"
    assert refused(read, "a\x07b") == "holds a character that cannot be seen"


def test_people() -> None:
    phone, day = cells.phone("CN"), cells.birthday(TODAY)
    assert phone("138 0013 8000") == phone("+86-138-0013-8000") == "+8613800138000"
    for text in ("12", "1.38E+10", "call me", "13800138000 ext 5"):
        assert refused(phone, text) == "is no phone number here (CN)"
    assert cells.email(" Ada@Shop.EXAMPLE ") == "Ada@shop.example"
    for text in ("ada", "ada@", "ada@shop", "a b@shop.example", "@shop.example"):
        assert refused(cells.email, text) == "is no e-mail address"
    assert day("1990-02-28") == day("1990/2/28") == date(1990, 2, 28)
    for text in ("1990-02-31", "1899-01-01", "2026-03-02", "28.02.1990"):
        assert refused(day, text) == "is no day between 1900 and today"
    assert [cells.gender(text) for text in ("F", "男", "other", "unknown")] == [
        "female",
        "male",
        "other",
        None,
    ]
    assert refused(cells.gender, "?") == "is none of female, male, other"
    assert [cells.answer(text) for text in ("Yes", "1", "是", "no", "否")] == [True, True, True, False, False]
    assert refused(cells.answer, "maybe") == "is neither yes nor no"


def test_joining_days_are_local_and_not_in_the_future() -> None:
    read = cells.joining_day("Asia/Shanghai", TODAY)
    assert read("2026-02-28T16:30:00Z") == TODAY
    assert refused(read, "2026-03-02") == "is in the future"


def test_what_repeats_is_read_once_and_memory_stays_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "CACHED", 3)
    asked: list[str] = []
    cached = cells.Cached(lambda text: asked.append(text) or len(text))
    assert [cached[text] for text in ("a", "bb", "a", "ccc", "dddd", "a")] == [1, 2, 1, 3, 4, 1]
    assert asked == ["a", "bb", "ccc", "dddd", "a"] and len(cached) <= 3


def test_attributes_are_typed_only_where_they_are_plain() -> None:
    assert [cells.number_of(text) for text in ("12", "-1.5", "0", "007", "1e3", "", "1.2345")] == [
        *(12000, -1500, 0, None, None, None, None)
    ]
    assert [cells.day_of(text) for text in ("2026-02-28", "2026-02-31", "2026-2-8")] == [
        date(2026, 2, 28),
        None,
        None,
    ]
