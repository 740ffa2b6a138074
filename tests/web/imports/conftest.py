"""Files brought in by the pages, checked and applied by the worker's jobs in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.web import Client, Worker, forms_of, text_of
from webapp.kernel.db import Database


@dataclass
class Desk:
    """Somebody who brings files in."""

    client: Client
    worker: Worker
    folder: Path

    def upload(
        self,
        content: str | bytes,
        *,
        kind: str = "members",
        name: str = "list.csv",
        lines: Any = None,
        **more: str,
    ) -> TestResponse:
        """Choose a file and send it; what is shown then."""
        form = next(
            one for one in forms_of(self.client.get("/imports/new").text) if "/imports/new" in one.action
        )
        data: dict[str, Any] = {
            **form.fields,
            "kind": kind,
            "file": (BytesIO(content.encode() if isinstance(content, str) else content), name),
            **more,
        }
        if lines is not None:
            data["lines"] = (BytesIO(lines.encode()), "lines.csv")
        return self.client.post(
            "/imports/new", data=data, content_type="multipart/form-data", follow_redirects=True
        )

    def check(self, page: TestResponse, data: dict[str, Any] | None = None) -> TestResponse:
        """Say which column is which as proposed, but for `data`, and wait for the check."""
        shown = self.client.submit(page.request.path, data, form="/columns")
        if shown.status_code == 200:
            self.worker.run()
            shown = self.client.get(shown.request.path)
        return shown

    def press(self, page: TestResponse, action: str, data: dict[str, Any] | None = None) -> TestResponse:
        """A button of a page, and what stands there once the work is done."""
        self.client.submit(page.request.path, data, form=action)
        self.worker.run()
        return self.client.get(page.request.path)

    def bring(self, content: str | bytes, data: dict[str, Any] | None = None, **upload: Any) -> TestResponse:
        """All the way in."""
        checked = self.check(self.upload(content, **upload), data)
        return self.press(checked, "/apply", {"good": "1"})

    def left(self) -> list[str]:
        """What lies in the stage folder."""
        return sorted(path.name for path in self.folder.glob("staged/*") if not path.name.endswith(".lock"))


@pytest.fixture
def desk(app: Flask, client: Client, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The owner at the pages of `acme`."""
    folder = app.extensions["regulars.settings"].instance
    monkeypatch.setenv("REGULARS_INSTANCE", str(folder))
    monkeypatch.setenv("REGULARS_DATABASE_URL", db.url)
    return Desk(client, Worker(db), folder)


Words = Callable[[TestResponse], str]


@pytest.fixture
def words() -> Words:
    """What a person reads of an answer."""
    return lambda page: text_of(page.text)
