"""Ten thousand seeded mutations of good files: accepted with the totals of the file as it is read by other means, or refused
with a reason; never a fault, never half."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.mutations import Trial
from webapp.kernel.db import Database

pytestmark = pytest.mark.drill


@pytest.mark.parametrize("db_kind", ["sqlite"], indirect=True)
def test_ten_thousand_mutations(db: Database, tmp_path: Path) -> None:
    trial = Trial(db, tmp_path)
    trial.run(range(10_000))
    assert trial.accepted >= 2_000, trial.summary()
    assert trial.refused and trial.unreadable, trial.summary()
