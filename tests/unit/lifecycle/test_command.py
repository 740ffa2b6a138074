"""`regulars lifecycle`, from files to stages, as a person at the shell has it."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.databases import OTHER_IN_DRILL
from tests.unit.lifecycle import naive
from webapp.cli import context
from webapp.cli import main as cli
from webapp.kernel import clock
from webapp.kernel.db import Database

pytestmark = OTHER_IN_DRILL

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2024, 12, 31, 23, 30, tzinfo=ZONE)  # in UTC it is January
Shell = Callable[..., Any]


@pytest.fixture
def shell(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """Run a command on NOW; what it printed (the JSON of its last line with --json). A refusal is (exit code, stderr)."""
    monkeypatch.setenv("REGULARS_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.setenv("REGULARS_DATABASE_URL", migrated_url)

    opened: list[Database] = []
    database = context.database
    monkeypatch.setattr(context, "database", lambda *a: (opened.append(database(*a)), opened[-1])[1])

    def run(*words: str) -> Any:
        with clock.fixed(NOW), pytest.raises(SystemExit) as ending:
            cli.main([str(word) for word in words])
        while opened:  # a process of its own would just end
            opened.pop().close()
        out, err = capsys.readouterr()
        if ending.value.code not in (0, None):
            return ending.value.code, err
        return json.loads(out.splitlines()[-1]) if "--json" in words else out

    run(
        "brand",
        "new",
        "shop",
        "--name",
        "Shop",
        "--currency",
        "USD",
        "--timezone",
        ZONE.key,
        "--region",
        "US",
    )
    return run


@pytest.fixture
def people(shell: Shell, tmp_path: Path) -> dict[str, naive.Person]:
    """Forty members and their orders, imported; number -> what the files say of them, in local days."""
    chance, people = Random(11), {}
    members, orders = tmp_path / "members.csv", tmp_path / "orders.csv"
    with members.open("w", newline="") as a, orders.open("w", newline="") as b:
        write_member, write_order = csv.writer(a).writerow, csv.writer(b).writerow
        write_member(["number", "joined_at"])
        write_order(["number", "member", "ordered_at", "gross", "discount", "paid"])
        for n in range(40):
            joined = NOW.date() - timedelta(days=chance.choice((0, 1, 2, 179, 180, 181, 200, 400)))
            person = people[f"{n:04}"] = naive.Person(joined)
            write_member([f"{n:04}", joined])
            for k in range(chance.choice((0, 1, 1, 2, 6, 9))):
                day = NOW.date() - timedelta(days=chance.randint(0, 200))
                hour, paid = (
                    chance.choice(("00:00:00", "23:59:59")),
                    chance.choice((100, 2550, 9999, 0, -500)),
                )
                moment = datetime.fromisoformat(f"{day} {hour}").replace(tzinfo=ZONE)
                # The same moment in the brand's own time, or told from another zone, where it may be another day.
                told = (
                    f"{day} {hour}"
                    if chance.random() < 0.5
                    else moment.astimezone(ZoneInfo("UTC")).isoformat()
                )
                amount = f"{paid / 100:.2f}"
                write_order([f"o{n}-{k}", f"{n:04}", told, amount, "0", amount])
                person.orders.append((day, paid))
    assert shell("import", "members", members, "--brand", "shop", "--json")["created"] == 40
    assert shell("import", "orders", orders, "--brand", "shop", "--json")["refused"] == 0
    return people


def test_counts_of_any_day_are_those_of_the_files(shell: Shell, people: dict[str, naive.Person]) -> None:
    for back, told in (
        (0, {}),
        (1, {}),
        (30, {"maturity_orders": 3}),
        (90, {"introduction_days": 0, "window_days": 30}),
    ):
        day: date = NOW.date() - timedelta(days=back)
        given = [word for key, value in told.items() for word in ("--set", f"{key}={value}")]
        found = shell("lifecycle", "counts", "--brand", "shop", "--as-of", day, *given, "--members", "--json")
        right = {
            number: naive.stage(person, day, naive.DEFAULTS | told)
            for number, person in people.items()
            if person.joined < day
        }
        assert found["member_stages"] == {n: {"stage": s, "reason": r} for n, (s, r) in right.items()}
        assert found["members"] == len(right) == sum(found["stages"].values())
        assert found["reasons"] == Counter(f"{stage}/{reason}" for stage, reason in right.values())
        assert found["stages"] == dict.fromkeys(found["stages"], 0) | Counter(
            stage for stage, _ in right.values()
        )
        plain = shell("lifecycle", "counts", "--brand", "shop", "--as-of", day, *given, "--json")
        assert plain == {key: value for key, value in found.items() if key != "member_stages"}


def test_a_run_by_hand(shell: Shell, people: dict[str, naive.Person]) -> None:
    told = shell("lifecycle", "run", "--brand", "shop", "--json")
    assert told["finished"] and told["looked_at"] == told["changed"] == 40 and told["day"] == "2024-12-31"
    assert shell("lifecycle", "run", "--brand", "shop", "--json")["looked_at"] == 0
    assert "0 looked at, 0 changed" in shell("lifecycle", "run", "--brand", "shop")
    shown = shell("lifecycle", "counts", "--brand", "shop", "--as-of", NOW.date())
    assert [line.split()[0] for line in shown.splitlines() if line[0] != " "] == [
        *("introduction", "growth", "maturity", "dormancy", "churn", "members")
    ]
    assert (
        len(
            shell("lifecycle", "counts", "--brand", "shop", "--as-of", "2024-12-01", "--members").splitlines()
        )
        > 20
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--as-of", "2025-01-01"], "2025-01-01 has not come yet in America/New_York"),
        (["--as-of", "31.12.2024"], "write it as 2024-06-30"),
        (["--as-of", "2024-12-31", "--set", "maturity"], "write it as maturity_orders=4"),
        (
            ["--as-of", "2024-12-31", "--set", "maturity=4"],
            "there is no setting 'maturity' of the life cycle; known: ",
        ),
        (["--as-of", "2024-12-31", "--set", "churn_days=0"], "give a whole number from 1 to 3650"),
        (["--as-of", "2024-12-31", "--brand", "none"], "there is no brand 'none'"),
    ],
)
def test_what_cannot_be_counted_is_one_sentence_and_exit_2(shell: Shell, words: list[str], said: str) -> None:
    code, err = shell("lifecycle", "counts", "--brand", "shop", *words, "--json")
    assert code == 2 and said in err and err.count("\n") == 1


def test_nobody_has_joined_yet(shell: Shell) -> None:
    assert shell(
        "lifecycle", "counts", "--brand", "shop", "--as-of", "2024-12-31", "--members", "--json"
    ) == {
        "brand": "shop",
        "as_of": "2024-12-31",
        "stages": {"introduction": 0, "growth": 0, "maturity": 0, "dormancy": 0, "churn": 0},
        "reasons": {},
        "members": 0,
        "member_stages": {},
    }
