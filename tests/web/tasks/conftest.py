"""Campaigns that become tasks need the shop's address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from webapp.kernel import links


@pytest.fixture(autouse=True)
def address() -> Iterator[None]:
    links.use("https://shop.example")
    yield
    links.use(None)
