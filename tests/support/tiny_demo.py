"""The demo with a made-up sample of forty members, so that its whole flow is proved in seconds.

`python -m tests.support.tiny_demo [--no-serve] [--json] [--port N]`, settings from the environment.
"""

from __future__ import annotations

import argparse
import csv
import sys
from datetime import date, timedelta
from pathlib import Path

from webapp import config
from webapp.cli.demo.run import run
from webapp.cli.demo.state import State
from webapp.cli.sample import SampleFiles, people
from webapp.cli.sample.shop import LINE_COLUMNS, MEMBER_COLUMNS, ORDER_COLUMNS, decimal
from webapp.kernel.errors import UserError

EACH = 8  # members a stage
# days before today on which a member of the stage bought
BOUGHT = {
    "introduction": (3,),
    "growth": (10, 20, 40),
    "maturity": (5, 15, 25, 35, 45, 55),
    "dormancy": (120, 150),
    "churn": (200, 230),
}
CENTS = 1234
ORDERS = EACH * sum(len(days) for days in BOUGHT.values())


def tiny_sample(folder: Path, today: date, timezone: str, state: State) -> SampleFiles:
    """Members, orders, and a line each."""
    folder.mkdir(parents=True, exist_ok=True)
    members, orders, lines = [], [], []
    for at, days in enumerate(days for days in BOUGHT.values() for _ in range(EACH)):
        who = people.person(at + 1, today)
        joined = today - timedelta(days=max(days))
        store = f"Store {at % 2}"
        members.append(
            (who.number, who.name, who.phone, who.email, who.birthday, who.gender, joined, store, who.consent_email, "", "")
        )  # fmt: skip
        for day in days:
            number = f"{at}-{day}"
            moment = f"{today - timedelta(days=day)}T12:00:00"
            orders.append((number, who.number, "", store, moment, decimal(CENTS), "0", decimal(CENTS)))
            lines.append((number, "Tea", "Drinks", "1", decimal(CENTS)))
    for name, columns, rows in (
        ("members", MEMBER_COLUMNS, members),
        ("orders", ORDER_COLUMNS, orders),
        ("lines", LINE_COLUMNS, lines),
    ):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
    return SampleFiles(*(folder / f"{name}.csv" for name in ("members", "orders", "lines")), {}, 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-serve", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    try:
        sys.exit(
            run(config.load(), tiny_sample, no_serve=given.no_serve, as_json=given.json, port=given.port)
        )
    except UserError as mistake:
        print(mistake, file=sys.stderr)
        sys.exit(2)
