"""The brand fence, in the tables themselves: the database refuses a row that crosses brands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Date, DateTime, Float, Numeric, Table, UniqueConstraint

from tools.revision import core_metadata
from webapp.kernel.types import UtcDateTime

METADATA = core_metadata()
TABLES = list(METADATA.sorted_tables)
BRAND_TABLES = [
    table for table in TABLES if "brand_id" in table.c and table.primary_key.columns.keys()[0] == "brand_id"
]

# Tables of the whole shop, each with its reason. Everything else belongs to a brand.
WHOLE_SHOP = {
    "brand": "the tenant itself",
    "instance_setting": "the shop's address and the link for its first owner, before there is any brand",
    "backup_plan": "one file holds all brands",
    "backup_run": "one file holds all brands",
    "id_block": "ids are unique across brands",
    "staff": "one account may work for several brands; its roles are a brand's",
    "staff_session": "a browser is signed in before it has chosen a brand",
    "staff_link": "sets an account's password",
    "staff_factor": "an account's second factor",
    "staff_recovery": "the codes for the day an account's phone is gone",
}
# References that no foreign key keeps, each with its reason. Rows are looked up by (brand_id, id), so that even these reach
# no other brand.
LOOSE = {
    "coupon.campaign_id": "campaigns stand above coupons (law 1)",
    "delivery.campaign_id": "campaigns stand above the outbox (law 1), which also serves other senders",
    "dispatch.attempt_id": "attempts point to their dispatch; this one only remembers the newest",
}


def unique_keys(table: Table) -> Iterator[tuple[str, list[str]]]:
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield str(constraint.name), [column.name for column in constraint.columns]
    for index in table.indexes:
        if index.unique:
            yield str(index.name), [column.name for column in index.columns]


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_a_table_is_a_brands_or_says_why_not(table: Table) -> None:
    assert table in BRAND_TABLES or table.name in WHOLE_SHOP, "its primary key must begin with brand_id"


@pytest.mark.parametrize("table", BRAND_TABLES, ids=lambda t: t.name)
def test_keys_of_a_brands_table_begin_with_the_brand(table: Table) -> None:
    """Pinned: brand_id is the distribution column when a group outgrows one PostgreSQL."""
    for name, columns in unique_keys(table):
        assert columns[0] == "brand_id", name
    for key in table.foreign_key_constraints:
        if key.referred_table.name not in WHOLE_SHOP:
            assert key.column_keys[0] == key.elements[0].column.name == "brand_id", key.column_keys


@pytest.mark.parametrize("table", BRAND_TABLES, ids=lambda t: t.name)
def test_a_reference_inside_a_brand_is_kept_by_the_database(table: Table) -> None:
    """A column named after a table of the brand (member_id, store_id ...) is a composite foreign key."""
    kept = {tuple(key.column_keys) for key in table.foreign_key_constraints}
    names = {other.name for other in BRAND_TABLES}
    for column in table.c:
        target = column.name.removesuffix("_id")
        if column.name.endswith("_id") and target in names and not column.primary_key:
            assert ("brand_id", column.name) in kept or f"{table.name}.{column.name}" in LOOSE, (
                f"{table.name}.{column.name} needs brand_fk({column.name!r}, {target!r})"
            )


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_columns_mean_the_same_on_both_databases(table: Table) -> None:
    """Moments are aware UTC, money is an integer of minor units, nothing that counts is a float."""
    for column in table.c:
        if isinstance(column.type, DateTime):
            pytest.fail(f"{table.name}.{column.name}: use UtcDateTime")
        if isinstance(column.type, Date):
            assert not column.name.endswith("_at"), f"{table.name}.{column.name}: a day ends in _on"
        if isinstance(column.type, UtcDateTime):
            assert not column.name.endswith("_on"), f"{table.name}.{column.name}: a moment ends in _at"
        assert not isinstance(column.type, (Float, Numeric)), column.name
        if column.name.endswith("_minor"):
            assert str(column.type) == "BIGINT", column.name


def test_names_fit() -> None:
    """PostgreSQL cuts identifiers at 63 bytes; a cut name is another name on the other database."""
    long = [
        str(thing.name)
        for table in TABLES
        for thing in [*table.constraints, *table.indexes]
        if thing.name and len(str(thing.name)) > 63
    ]
    assert not long


def test_exceptions_are_still_needed() -> None:
    assert WHOLE_SHOP.keys() <= METADATA.tables.keys()
    assert LOOSE.keys() <= {f"{table.name}.{column.name}" for table in TABLES for column in table.c}
