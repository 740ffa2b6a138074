"""Five hundred people at fifty teams of five, while the teams' time runs out, on both databases."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.support.teams import Teams, storm
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef

pytestmark = pytest.mark.drill


def test_five_hundred_people_storm_fifty_teams(app: Flask, db: Database, brand: BrandRef) -> None:
    counts = storm(Teams(db, brand), 500, 50, 16, stock=230)
    assert sum(counts.values()) == 50 and counts.get("open", 0) == 0, counts
    assert counts.get("complete", 0) > 0 and counts.get("failed", 0) > 0, "both happened"


def test_and_so_do_teams_that_may_succeed_at_their_end(app: Flask, db: Database, brand: BrandRef) -> None:
    counts = storm(Teams(db, brand), 120, 20, 8, enough=3)
    assert counts.get("complete", 0) > 0 and counts.get("open", 0) == 0, counts
