"""One sample shop for all the browser's tests of a worker: building it takes seconds, looking at it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.shop import Shop, build
from tests.support import databases, seed
from tests.support.serving import serving
from tests.support.smtp import SmtpReceiver
from webapp.kernel import links
from webapp.plugin_runtime import context


@pytest.fixture
def shop(standing: Shop) -> Iterator[Shop]:
    """The sample shop; its keys and its address are this process's while the test lasts, whatever others had or have."""
    context.use_secrets_of(standing.app.extensions["regulars.settings"].instance)
    links.use(standing.address)
    yield standing
    links.use(None)


@pytest.fixture(scope="session")
def standing(run: databases.Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Served. Tests that change what others look at build their own."""
    folder = tmp_path_factory.mktemp("shop")
    smtp = SmtpReceiver(folder / "smtp")
    with databases.clone("sqlite", run, folder) as url:
        db = seed.database(url)
        made = build(db, folder / "instance", smtp.port)
        with serving(made.app) as address:
            made.address = address
            yield made
        db.close()
    smtp.stop()
