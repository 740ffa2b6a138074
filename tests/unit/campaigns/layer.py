"""A process that lays a campaign in small chunks and says so after each; a test kills it in the middle.

python -m tests.unit.campaigns.layer URL BRAND_ID CAMPAIGN_ID FOLDER
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from tests.support import seed
from tests.unit.outbox.post import Scripted
from webapp.campaigns import laying
from webapp.kernel.scope import Scope
from webapp.kernel.steps import Done, Next, run_steps
from webapp.plugin_runtime import context, runtime

SIZE = 7


def main(url: str, brand_id: int, campaign_id: int, folder: str) -> None:
    context.use_secrets_of(Path(folder))
    runtime.load_all()
    runtime.registry().channels["scripted"] = ("channel_email", Scripted())
    db = seed.database(url)

    def step(scope: Scope, cursor: Any) -> Next | Done:
        outcome = laying.step(scope, campaign_id, cursor, SIZE)
        print("inside", flush=True)  # the chunk's rows are written and not committed
        time.sleep(0.01)
        return outcome

    run_steps(db, db.brand(brand_id), laying.STEPS, str(campaign_id), step, start={"after": 0, "laid": 0})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
