"""The first of the ten thousand mutations of the drill."""

from __future__ import annotations

from pathlib import Path

from tests.support.databases import ONE_DATABASE
from tests.support.mutations import Trial
from webapp.kernel.db import Database

pytestmark = ONE_DATABASE


def test_mutations_are_taken_whole_or_refused_with_a_reason(db: Database, tmp_path: Path) -> None:
    trial = Trial(db, tmp_path)
    trial.run(range(100))
    assert trial.accepted >= 40 and trial.refused and trial.unreadable, trial.summary()
