"""The races of tests/unit/coupons with many more processes: the limits hold whatever the crowd."""

from __future__ import annotations

import pytest

from tests.unit.coupons import test_races as races
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef

pytestmark = pytest.mark.drill


def test_sixteen_processes_and_a_hundred_coupons(db: Database, brand: BrandRef) -> None:
    races.run_for_stock(db, brand, 16, 20, 100)


def test_sixteen_chunks_and_a_hundred_coupons(db: Database, brand: BrandRef) -> None:
    races.run_chunks(db, brand, 16, 30, 100)


def test_one_chunk_in_eight_hands(db: Database, brand: BrandRef) -> None:
    races.run_same_chunk(db, brand, 8)


def test_eight_clerks(db: Database, brand: BrandRef) -> None:
    races.run_redeem(db, brand, 8, 25)


def test_eight_taps(db: Database, brand: BrandRef) -> None:
    races.run_same_key(db, brand, 8, 25)


def test_redeemed_and_undone_by_eight(db: Database, brand: BrandRef) -> None:
    races.run_there_and_back(db, brand, 8, 25)
