"""Seeded mutations of good files: accepted with the totals of the file as it is read by other means, or refused with a
reason; never a fault, never half. MUTATIONS=10000 goes through ten thousand of them, which takes a quarter of an hour or more.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.mutations import Trial
from webapp.kernel.db import Database

pytestmark = pytest.mark.drill


SHOPS = 4  # each with its share, so that none grows old
EACH = int(os.environ.get("MUTATIONS", "2000")) // SHOPS


@pytest.mark.parametrize("shop", range(SHOPS))
@pytest.mark.parametrize("db_kind", ["sqlite"], indirect=True)
def test_mutations_are_taken_whole_or_refused(db: Database, tmp_path: Path, shop: int) -> None:
    trial = Trial(db, tmp_path)
    trial.run(range(shop * EACH, (shop + 1) * EACH))
    assert trial.accepted >= EACH // 5, trial.summary()
    assert trial.refused and trial.unreadable, trial.summary()
