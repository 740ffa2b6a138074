"""The command: every look, a line each; exit 1 where something is bad."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from webapp.cli.doctor import looks
from webapp.cli.doctor.finding import Finding

MARKS = {"ok": "ok  ", "warn": "WARN", "bad": "BAD "}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def doctor(as_json: bool) -> int:
    """Look over the shop: what is configured, what is wrong, how to mend it. Changes nothing.

    Exit 0 where nothing is bad, else 1.
    """
    found: list[Finding] = []
    for finding in looks.all_of_them():
        found.append(finding)
        if not as_json:
            _say(finding)
    worst = (
        "bad"
        if any(f.level == "bad" for f in found)
        else "warn"
        if any(f.level == "warn" for f in found)
        else "ok"
    )
    if as_json:
        click.echo(json.dumps({"level": worst, "findings": [asdict(f) for f in found]}, ensure_ascii=False))
    else:
        ends = {
            "ok": "Nothing is wrong.",
            "warn": "The shop works; see what is marked.",
            "bad": "Something is broken.",
        }
        click.echo(ends[worst])
    return 1 if worst == "bad" else 0


def _say(finding: Finding) -> None:
    click.echo(f"{MARKS[finding.level]} {finding.name}: {finding.text}")
    if finding.mend:
        click.echo(f"     {finding.mend}")
