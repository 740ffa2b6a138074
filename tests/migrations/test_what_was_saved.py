"""A shop whose coupons were used before offers counted what they save: the revision that brings the count fills it."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    Date,
    DateTime,
    Integer,
    MetaData,
    Table,
    create_engine,
    insert,
    text,
)

from webapp.kernel import migrate
from webapp.kernel.migrate import Branch

BRAND = 7


def put(connection: Connection, table: str, **values: Any) -> None:
    """A row; what must be there and is of no matter here is filled in by its kind."""
    reflected = Table(table, MetaData(), autoload_with=connection)
    filled: dict[str, Any] = {}
    for column in reflected.columns:
        if column.name in values or column.nullable or column.server_default is not None:
            continue
        kinds: list[tuple[Any, Any]] = [
            (Boolean, False),
            (Integer, 1),
            (DateTime, datetime(2026, 5, 1, tzinfo=UTC)),
            (Date, date(2026, 5, 1)),
            (JSON, {}),
        ]
        word = str(values.get("id"))[: getattr(column.type, "length", None)]
        filled[column.name] = next((value for kind, value in kinds if isinstance(column.type, kind)), word)
    connection.execute(insert(reflected).values(**filled | values))


def test_what_stands_is_counted(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Branch("", tmp_path / "versions")
    before.folder.mkdir()
    for file in sorted(migrate.core().folder.glob("000[12]_*.py")):
        shutil.copy(file, before.folder)
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "core", lambda: before)
        migrate.upgrade(empty_url)
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        put(connection, "brand", id=BRAND, currency="CNY", timezone="Asia/Shanghai")
        put(connection, "member", brand_id=BRAND, id=1, person_id=1)
        for offer in (10, 20):
            put(connection, "offer", brand_id=BRAND, id=offer, code=f"o{offer}", issued=3, state="open")
        for coupon, offer in ((11, 10), (12, 10), (13, 10), (21, 20)):
            put(
                connection, "coupon", brand_id=BRAND, id=coupon, offer_id=offer, member_id=1, person_id=1,
                code=f"c{coupon}", token=f"t{coupon}", occurrence=f"w{coupon}", state="redeemed",
            )  # fmt: skip
        for coupon, stands in ((11, True), (12, True), (13, False), (21, False)):
            put(
                connection, "redemption", brand_id=BRAND, id=100 + coupon, coupon_id=coupon,
                open_coupon_id=coupon if stands else None, basket_minor=100_00, saving_minor=coupon,
            )  # fmt: skip
    assert migrate.upgrade(empty_url) == [f"core {migrate.head(migrate.core())}"]
    with engine.connect() as connection:
        found = connection.execute(text("SELECT id, saved_minor FROM offer ORDER BY id")).all()
    engine.dispose()
    assert [tuple(row) for row in found] == [(10, 11 + 12), (20, 0)]
