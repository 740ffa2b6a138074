"""schemathesis against the API, as its own OpenAPI document describes it: all its checks, on a shop with something in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.serving import serving
from tests.web.api.tills import give, new_key
from webapp.api import door
from webapp.api.asking import TOTAL
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope

pytestmark = [pytest.mark.drill, ONE_DATABASE]

# 409 is what was understood and refused, and 404 what does not exist: a made-up code or id is either.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "404", "409"]
[checks.missing_required_header]
expected-statuses = ["400", "401"]
"""


def make_real(scope: Scope, coupon_id: int) -> None:
    """What the document's examples name is there, so that some of what is asked is done."""
    make.make_member(scope, number="m00017", phone="13800138000")
    scope.session.get_one(Coupon, (scope.brand.id, coupon_id)).code = str(TOTAL["codes"][0])  # type: ignore[index]


def test_schemathesis_finds_nothing(
    app: Flask, db: Database, brand: BrandRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("PER_MINUTE", "BAD_KEYS", "GUESSES"):  # it asks faster than any till
        monkeypatch.setattr(door, limit, 10**6)
    [coupon] = give(db, brand)
    db.write(lambda scope: make_real(scope, coupon.id), brand=brand)
    secret = new_key(db, brand)
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    with serving(app) as address:
        told = subprocess.run(
            [
                Path(sys.executable).parent / "schemathesis",
                *("--config-file", config, "--no-color", "run", f"{address}/api/v1/openapi.json"),
                *("--header", f"Authorization: Bearer {secret}", "--checks", "all", "--max-examples", "12"),
                *("--continue-on-failure", "--generation-database", "none", "--seed", "20261122"),
                *("--suppress-health-check", "all", "--request-timeout", "20"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            timeout=240,
        )
    assert told.returncode == 0, told.stdout[-12_000:] + told.stderr[-2_000:]
    with db.read(brand=brand) as scope:
        assert scope.session.scalars(select(Redemption)).all(), "nothing of what was asked was done"
