"""The app in this process: a client that is signed in, and a worker that does what was rung for."""

from __future__ import annotations

import re
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support import seed
from webapp import config, create_app
from webapp.jobs.address import queue_url
from webapp.kernel import limits, links
from webapp.kernel.db import Database
from webapp.kernel.doorbell import JOBS, SWEEPS
from webapp.kernel.scope import Ring
from webapp.kernel.secrets import SecretBox
from webapp.plugin_runtime import context, runtime
from webapp.staff import queries as staff_queries
from webapp.staff import service as staff

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


def settings(instance: Path, url: str, **more: Any) -> config.Settings:
    """An instance in a temporary folder, on this database, without a queue server."""
    values: dict[str, Any] = {
        "redis_url": None,
        "public_url": None,
        "strict_cookies": False,
        "log_json": False,
    } | more
    instance.mkdir(parents=True, exist_ok=True)
    return config.Settings(instance, url, **values)


class Client(FlaskClient):
    """A browser without JavaScript: says where its requests come from, keeps cookies, and can sign in."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs["headers"] = {"Sec-Fetch-Site": "same-origin", **dict(kwargs.get("headers") or {})}
        return super().open(*args, **kwargs)

    @property
    def db(self) -> Database:
        database: Database = self.application.extensions["regulars.db"]
        return database

    def sign_in(self, role: str = "owner") -> Client:
        """As a member of staff of `acme`, by a session row as the sign-in page makes it."""
        from webapp.staff.routes import COOKIE

        brand = seed.brand(self.db)

        def unit(scope: Any) -> str:
            row = staff_queries.by_email(scope, seed.email(role))
            assert row is not None, role
            return staff.open_session(scope, row.id, agent="tests")

        self.set_cookie(COOKIE, self.db.write(unit, brand=brand))
        return self

    def fragment(self, url: str, **kwargs: Any) -> TestResponse:
        """GET as htmx asks for a part of a page."""
        return self.get(url, headers=HTMX | dict(kwargs.pop("headers", {})), **kwargs)

    def submit(
        self, url: str, data: dict[str, Any] | None = None, *, form: int | str = 0, **kwargs: Any
    ) -> TestResponse:
        """GET the page at `url`, fill in its form, POST it where the form says, follow the redirect.

        form: the form's number on the page, or a piece of its action. Hidden fields, preset values and chosen options
        are sent as a browser sends them; `data` replaces them; None leaves a field out.
        """
        page = self.get(url)
        assert page.status_code == 200, (url, page.status)
        forms = forms_of(page.text)
        if isinstance(form, int):
            chosen = [one for one in forms if one.method == "post"][form]
        else:
            chosen = next(one for one in forms if form in one.action and one.method == "post")
        filled = chosen.fields | (data or {})
        kwargs.setdefault("follow_redirects", True)
        return self.post(
            chosen.action or url, data={k: v for k, v in filled.items() if v is not None}, **kwargs
        )


class Form:
    """A form as a browser would send it."""

    def __init__(self, action: str, method: str) -> None:
        self.action = action
        self.method = method
        self.fields: dict[str, Any] = {}


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.open: Form | None = None
        self.select: str | None = None
        self.area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {key: value or "" for key, value in attrs}
        if tag == "form":
            self.open = Form(got.get("action", ""), got.get("method", "get").lower())
            self.forms.append(self.open)
        if self.open is None:
            return
        name = got.get("name", "")
        if tag == "input" and name and "disabled" not in got:
            kind = got.get("type", "text")
            if kind in ("checkbox", "radio"):
                if "checked" in got:
                    self._add(name, got.get("value", "on"))
            elif kind not in ("submit", "button", "file", "image", "reset"):
                self._add(name, got.get("value", ""))
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select:
            if "selected" in got or self.select not in self.open.fields:
                self.open.fields[self.select] = got.get("value", "")
        elif tag == "textarea":
            self.area = name
            self.open.fields[name] = ""

    def _add(self, name: str, value: str) -> None:
        assert self.open is not None
        held = self.open.fields.get(name)
        if held is None:
            self.open.fields[name] = value
        else:
            self.open.fields[name] = [*(held if isinstance(held, list) else [held]), value]

    def handle_data(self, data: str) -> None:
        if self.area and self.open:
            self.open.fields[self.area] += (
                data.removeprefix("\n") if not self.open.fields[self.area] else data
            )

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.area = None


def forms_of(html: str) -> list[Form]:
    """The forms of a page in their order."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


def text_of(html: str) -> str:
    """What a person reads of a page: no tags, white space as one blank."""
    body = re.sub(r"(?s)<(script|style|template|svg)\b.*?</\1>", " ", html)
    from html import unescape

    return re.sub(r"\s+", " ", unescape(re.sub(r"(?s)<[^>]+>", " ", body))).strip()


class Worker:
    """Does in this process what the worker's processes do: jobs that were rung for, and what the sweeps find."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.rung: list[Ring] = []
        db.ring = self.rung.extend

    def run(self, *, sweep: bool = True, rounds: int = 50) -> list[str]:
        """Until nothing rings; the names of the jobs in the order they ran. Faults are raised."""
        done: list[str] = []
        for _ in range(rounds):
            rings = list(self.rung)
            self.rung.clear()
            if sweep and not rings:
                rings = [ring for look in SWEEPS.values() for ring in look(self.db)]
            if not rings:
                return done
            for ring in rings:
                JOBS[ring.job](self.db, **ring.ids)
                done.append(ring.job)
        raise AssertionError(f"work never ends: {done[-5:]}")


def make_app(instance: Path, db: Database) -> Flask:
    """The app on a test's own database."""
    app = create_app(settings(instance, db.url), db)
    app.testing = True
    app.test_client_class = Client
    return app


class _Kept:
    """One app a worker, handed from test to test: making it takes longer than most of them."""

    def __init__(self) -> None:
        self.app: Flask | None = None
        self.offers: dict[str, dict[str, Any]] = {}  # what the plugins offer, by the registry's fields

    def on(self, instance: Path, db: Database) -> Flask:
        """As if it were new: with the database, folder, keys and plugins of a test."""
        if self.app is None:
            self.app = make_app(instance, db)
            plugins = self.app.extensions["regulars.plugins"]
            self.offers = {
                one.name: dict(getattr(plugins, one.name)) for one in fields(plugins) if one.name != "manager"
            }
        app, chosen = self.app, settings(instance, db.url)
        app.extensions |= {"regulars.settings": chosen, "regulars.db": db}
        app.config["SECRET_KEY"] = SecretBox.of(instance).derive("flask")
        app.testing = True
        links.watch(db)
        limits.use_server(queue_url(instance))
        context.use_secrets_of(instance)
        runtime._registry = plugins = app.extensions["regulars.plugins"]
        for name, known in self.offers.items():
            now = getattr(plugins, name)
            now.clear()
            now.update(known)
        return app


kept_app = _Kept().on
