"""From the published files to the three that `regulars import` reads: members, orders, lines.

The data is a year of a grocery chain's shopping. Its clock is UTC while its shops live in New York, so a day here is a
day there. Its rows stand in the order of time, and those of a basket together, with one household, shop and moment
(true of all 155,848): one pass, nothing held but the people.

What was paid is `sales_value - coupon_disc`: what the shop took less the maker's coupons. The price on the shelf adds
what the loyalty card and the matched coupons took off: gross = sales_value + retail_disc + coupon_match_disc.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from webapp.cli.sample import parquet, people

SHOPS_LIVE_IN = "America/New_York"
LAST_DAY = date(2017, 12, 31)

MEMBER_COLUMNS = (
    *("number", "name", "phone", "email", "birthday", "gender", "joined_at", "store", "consent_email"),
    *("age_band", "household_size"),  # not ours: the import makes attributes of them
)
ORDER_COLUMNS = ("number", "member", "phone", "store", "ordered_at", "gross", "discount", "paid")
LINE_COLUMNS = ("order", "product", "category", "quantity", "amount")


@dataclass(frozen=True, slots=True)
class SampleFiles:
    """What was written. `counts`: members, orders, lines, stores, negative and zero (orders). Money in cents."""

    members: Path
    orders: Path
    lines: Path
    counts: dict[str, int]
    paid_minor: int


@dataclass(slots=True)
class _Household:
    joined: date
    stores: Counter[int] = field(default_factory=Counter)

    @property
    def store(self) -> int:
        """The shop it goes to most; of equals, the one with the lower number."""
        return min(self.stores, key=lambda store: (-self.stores[store], store))


@dataclass(slots=True)
class _Basket:
    """One order while its lines pass. Money in cents."""

    number: int
    household: int
    store: int
    nanos: int
    paid: int = 0
    discount: int = 0


class Shift:
    """Moves the shops' local times by whole days, so that LAST_DAY becomes the day before `today` in `timezone`."""

    def __init__(self, today: date, timezone: str) -> None:
        self.days = timedelta(days=(today - LAST_DAY).days - 1)
        self._there = ZoneInfo(SHOPS_LIVE_IN)
        self._here = ZoneInfo(timezone)

    def __call__(self, nanos: int) -> datetime:
        """The moment, from nanoseconds since 1970 in UTC: the same time on the wall, on the moved day.

        It carries its offset from UTC, since a time that the spring change leaves out there exists with one only (it
        is then an hour later, on the same day).
        """
        wall = datetime.fromtimestamp(nanos // 1_000_000_000, self._there).replace(tzinfo=None)
        return (wall + self.days).replace(tzinfo=self._here)


def cents(dollars: float) -> int:
    """Exact: each amount in the data is a whole number of cents within a float's precision."""
    return round(dollars * 100)


def decimal(minor: int) -> str:
    """-1205 -> "-12.05"."""
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def store_name(store: int) -> str:
    return f"Store {store}"


def write_sample(package_dir: Path, out: Path, *, today: date, timezone: str) -> SampleFiles:
    """Write members.csv, orders.csv and lines.csv into `out`, made if need be, from the files of fetch_sample.

    `today` is the brand's, in its `timezone`; each member joins on the day of the first order. About 8 seconds and
    60 MB. The same arguments give the same bytes.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = {name: out / f"{name}.csv" for name in ("members", "orders", "lines")}
    shift = Shift(today, timezone)
    households: dict[int, _Household] = {}
    counts: Counter[str] = Counter(orders=0, lines=0, negative=0, zero=0)
    paid_minor = 0
    with ExitStack() as stack:
        _, orders = _csv(stack, paths["orders"], ORDER_COLUMNS)
        lines, _ = _csv(stack, paths["lines"], LINE_COLUMNS)
        for basket in _baskets(package_dir, lines, counts):
            moment = shift(basket.nanos)
            member = households.setdefault(basket.household, _Household(moment.date()))
            member.stores[basket.store] += 1
            paid_minor += basket.paid
            counts["orders"] += 1
            counts["negative"] += basket.paid < 0
            counts["zero"] += basket.paid == 0
            orders.writerow(
                (
                    basket.number,
                    people.number_of(basket.household),
                    "",
                    store_name(basket.store),
                    moment.isoformat(),
                    decimal(basket.paid + basket.discount),
                    decimal(basket.discount),
                    decimal(basket.paid),
                )
            )
        _, members = _csv(stack, paths["members"], MEMBER_COLUMNS)
        _write_members(members, package_dir, households, today)
    counts["members"] = len(households)
    counts["stores"] = len({store for member in households.values() for store in member.stores})
    return SampleFiles(**paths, counts=dict(counts), paid_minor=paid_minor)


def _csv(stack: ExitStack, path: Path, columns: tuple[str, ...]) -> tuple[TextIO, Any]:
    file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    return file, writer


class _Amounts(dict[int, str]):
    """Cents -> decimal text, each made once: few thousand differ among 1.5 million."""

    def __missing__(self, minor: int) -> str:
        text = self[minor] = decimal(minor)
        return text


def _baskets(package_dir: Path, lines: TextIO, counts: Counter[str]) -> Iterator[_Basket]:
    """Each basket when its last row has passed; its lines are written on the way, as text: the loop is the hot one."""
    products = _products(package_dir)
    amounts = _Amounts()
    basket: _Basket | None = None
    text: list[str] = []
    for household, store, number, product, quantity, sales, retail, coupon, match, nanos in parquet.rows(
        package_dir / "transactions.parquet",
        {
            "household_id": None,
            "store_id": None,
            "basket_id": None,
            "product_id": lambda key: products.get(key) or f"Product #{key},",
            "quantity": None,
            "sales_value": cents,
            "retail_disc": cents,
            "coupon_disc": cents,
            "coupon_match_disc": cents,
            "transaction_timestamp": None,
        },
    ):
        if basket is None or basket.number != number:
            if basket is not None:
                lines.write("".join(text))
                counts["lines"] += len(text)
                yield basket
            basket = _Basket(number, household, store, nanos)
            text = []
        basket.paid += sales - coupon
        basket.discount += retail + match + coupon
        text.append(f"{number},{product},{quantity},{amounts[sales - coupon]}\n")
    if basket is not None:
        lines.write("".join(text))
        counts["lines"] += len(text)
        yield basket


def _products(package_dir: Path) -> dict[int, str]:
    """Product id -> the cells of product and category. The id makes the name a person can read unique and stable."""
    columns = ("product_id", "product_type", "product_category", "department")
    converters = {name: None if name == "product_id" else str.capitalize for name in columns}
    return {
        key: cell(f"{kind or category or 'Product'} #{key}") + "," + cell(category or department or "")
        for key, kind, category, department in parquet.rows(package_dir / "products.parquet", converters)
    }


def cell(text: str) -> str:
    """One cell of a CSV row, quoted where it must be."""
    if any(mark in text for mark in ',"\r\n'):
        text = text.replace('"', '""')
        return f'"{text}"'
    return text


def _write_members(members: Any, package_dir: Path, households: dict[int, _Household], today: date) -> None:
    """In the order in which they joined."""
    known: dict[int, tuple[str, str]] = {
        household: (age or "", size or "")
        for household, age, size in parquet.rows(
            package_dir / "demographics.parquet", {"household_id": None, "age": None, "household_size": None}
        )
    }
    for household, member in households.items():
        age_band, size = known.get(household, ("", ""))
        made_up = people.person(household, today, age_band)
        members.writerow(
            (
                made_up.number,
                made_up.name,
                made_up.phone,
                made_up.email,
                made_up.birthday,
                made_up.gender,
                member.joined.isoformat(),
                store_name(member.store),
                made_up.consent_email,
                age_band,
                size,
            )
        )
