"""The sample shop's files: a tiny shop in full, then the published year in its totals."""

from __future__ import annotations

import csv
import io
import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sample import sample_package
from webapp.cli.sample import SampleFiles, shop, write_sample

FILES = Path(__file__).parent / "parquet_files"
NEW_YORK = "America/New_York"
TODAY = date(2026, 11, 21)
FIRST_MOMENT = datetime(2017, 1, 1, 5, tzinfo=UTC)  # midnight in New York


def nanos(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


# ------------------------------------------------------------------------------------------------------------- parts


def test_the_last_moment_of_the_data_becomes_yesterday() -> None:
    last = datetime(2018, 1, 1, 4, 1, 20, tzinfo=UTC)  # 23:01:20 of 31 December in New York
    moved = shop.Shift(TODAY, NEW_YORK)(nanos(last))
    assert moved.isoformat() == "2026-11-20T23:01:20-05:00"


@given(
    st.integers(0, 365 * 86_400 - 1).map(lambda second: FIRST_MOMENT + timedelta(seconds=second)),
    st.dates(date(2018, 1, 2), date(2040, 1, 1)),
    st.sampled_from([NEW_YORK, "Asia/Shanghai", "America/Santiago"]),
)
def test_a_shift_moves_days_and_keeps_them(moment: datetime, today: date, timezone: str) -> None:
    there = moment.astimezone(ZoneInfo(NEW_YORK))
    moved = shop.Shift(today, timezone)(nanos(moment))
    assert moved.date() - there.date() == today - timedelta(days=1) - date(2017, 12, 31)
    assert moved.time() == there.time()
    # Read back as an instant it is still on that day, even where the clocks leave its hour out.
    assert datetime.fromisoformat(moved.isoformat()).astimezone(ZoneInfo(timezone)).date() == moved.date()


@given(st.integers(-(10**9), 10**9))
def test_amounts_survive_as_dollars_and_as_text(minor: int) -> None:
    assert Decimal(shop.decimal(minor)) * 100 == minor
    assert shop.cents(minor / 100) == minor


@given(st.text(st.sampled_from('ab ,"\n\r#')))
def test_a_cell_reads_back(text: str) -> None:
    row = io.StringIO(f"{shop.cell(text)},end\n", newline="")
    assert list(csv.reader(row, strict=True)) == [[text, "end"]]


# --------------------------------------------------------------------------------------------------------- a tiny shop


@pytest.fixture
def tiny(tmp_path: Path) -> SampleFiles:
    """Two households, seven lines, six baskets, in files that pyarrow wrote in the published ones' format."""
    for name in ("transactions", "products", "demographics"):
        shutil.copy(FILES / f"{name}.parq", tmp_path / f"{name}.parquet")
    return write_sample(tmp_path, tmp_path / "out", today=TODAY, timezone=NEW_YORK)


def test_orders_of_the_tiny_shop(tiny: SampleFiles) -> None:
    assert tiny.orders.read_text("utf-8").splitlines() == [
        "number,member,phone,store,ordered_at,gross,discount,paid",
        "31198570044,02500,,Store 367,2025-11-21T06:53:26-05:00,4.20,0.81,3.39",
        "31198570047,00007,,Store 31782,2026-01-18T23:59:59-05:00,0.99,1.00,-0.01",
        "31300000001,00007,,Store 31782,2026-05-05T12:00:00-04:00,0.00,0.00,0.00",
        "31300000002,00007,,Store 292,2026-05-06T12:00:00-04:00,971.49,10.00,961.49",
        "31400000001,02500,,Store 292,2026-11-20T18:59:59-05:00,5.00,0.00,5.00",
        "31400000002,00007,,Store 31782,2026-11-20T23:01:20-05:00,250.00,0.00,250.00",
    ]


def test_lines_of_the_tiny_shop(tiny: SampleFiles) -> None:
    assert [tuple(row.values()) for row in read(tiny.lines)] == [
        ("31198570044", "Bananas #1082185", "Tropical fruit", "1", "1.39"),
        ("31198570044", 'Eggs, "x" large #981760', "Eggs", "2", "2.00"),
        ("31198570047", "Product #999999", "", "1", "-0.01"),  # not in the table of products
        ("31300000001", "Ice - crushed/cubed #25671", "Frzn ice", "0", "0.00"),
        ("31300000002", "Ice - crushed/cubed #25671", "Frzn ice", "3", "961.49"),
        ("31400000001", "Product #26081", "Miscellaneous", "1", "5.00"),  # there without a type and category
        ("31400000002", "Gasoline-reg unleaded #6534178", "Coupon/misc items", "89638", "250.00"),
    ]


def test_members_of_the_tiny_shop(tiny: SampleFiles) -> None:
    members = read(tiny.members)
    columns = ("number", "joined_at", "store", "age_band", "household_size")
    assert [tuple(row[column] for column in columns) for row in members] == [
        ("02500", "2025-11-21", "Store 292", "", ""),  # one visit each: the lower number
        ("00007", "2026-01-18", "Store 31782", "35-44", "5+"),
    ]
    assert tuple(members[0]) == shop.MEMBER_COLUMNS


def test_what_is_told_of_the_tiny_shop(tiny: SampleFiles) -> None:
    assert tiny.counts == {"members": 2, "orders": 6, "lines": 7, "stores": 3, "negative": 1, "zero": 1}
    assert tiny.paid_minor == 339 - 1 + 0 + 96149 + 500 + 25000


# --------------------------------------------------------------------------------------------------- the published year


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    package = sample_package()
    return write_sample(package, tmp_path_factory.mktemp("sample"), today=TODAY, timezone=NEW_YORK)


@pytest.mark.drill
def test_the_year_is_whole_to_the_cent(year: SampleFiles) -> None:
    assert year.counts == {
        "members": 2469,
        "orders": 155_848,
        "lines": 1_469_307,
        "stores": 457,
        "negative": 19,
        "zero": 508,
    }
    assert year.paid_minor == 456_967_968

    orders = read(year.orders)
    paid = {row["number"]: Decimal(row["paid"]) for row in orders}
    assert len(paid) == len(orders) == 155_848
    assert sum(paid.values()) * 100 == year.paid_minor
    assert all(Decimal(row["gross"]) - Decimal(row["discount"]) == paid[row["number"]] for row in orders)

    moments = [datetime.fromisoformat(row["ordered_at"]) for row in orders]
    assert all(one <= other for one, other in pairwise(moments))
    assert moments[-1].date() == TODAY - timedelta(days=1)

    first: dict[str, date] = {}
    for row, moment in zip(orders, moments, strict=True):
        first.setdefault(row["member"], moment.date())
    members = read(year.members)
    assert {row["number"]: date.fromisoformat(row["joined_at"]) for row in members} == first
    assert len({row["phone"] for row in members}) == 2469

    of_lines = dict.fromkeys(paid, 0)
    with year.lines.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            of_lines[line["order"]] += int(line["amount"].replace(".", ""))
    assert all(of_lines[order] == amount * 100 for order, amount in paid.items())
