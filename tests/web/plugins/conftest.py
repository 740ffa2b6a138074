"""A shop into which an agency's plugin was put, beside those that ship."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.support import seed, web
from tests.support.web import Client
from webapp.kernel.db import Database
from webapp.plugin_runtime import runtime
from webapp.staff import queries as staff

PROBE = Path(seed.__file__).parent / "coupon_probe"


@pytest.fixture
def probe_app(db: Database, tmp_path: Path) -> Iterator[Flask]:
    shutil.copytree(PROBE, tmp_path / "instance" / "plugins" / "coupon_probe")
    yield web.make_app(tmp_path / "instance", db)
    runtime.load_all()


@pytest.fixture
def owner(probe_app: Flask) -> Client:
    browser: Client = probe_app.test_client()  # type: ignore[assignment]
    return browser.sign_in()


@pytest.fixture
def me(probe_app: Flask, db: Database) -> str:
    """The owner, as plugins name staff."""
    with db.read() as scope:
        found = staff.by_email(scope, seed.email("owner"))
    assert found is not None
    return f"staff:{found.id}"
