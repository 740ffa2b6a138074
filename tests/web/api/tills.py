"""A till that asks by its key: no cookie, no form."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests import factories as make
from tests.support import seed
from webapp.api import keys
from webapp.coupons import service
from webapp.coupons.models import Coupon
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope

_forms = count(1)


def new_key(
    db: Database,
    brand: BrandRef,
    *scopes: str,
    store_id: int | None = None,
    name: str = "Till 3",
    role: str = "owner",
) -> str:
    """A key's secret, for all scopes unless some are named. The app must be loaded."""

    def unit(scope: Scope) -> str:
        made = keys.make(
            scope,
            name=name,
            scopes=scopes or tuple(keys.SCOPES),
            store_id=store_id,
            key=f"form-{next(_forms)}",
        )
        assert not isinstance(made, Refused), made
        return made[1]

    return db.write(unit, brand=brand, actor=seed.actor(db, role))


class Till:
    """Asks with a key; a new Idempotency-Key for each POST unless one is named."""

    def __init__(self, app: Flask, secret: str) -> None:
        self.app = app
        self.secret = secret
        self._once = count(1)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.open("GET", path, **headers)

    def post(self, path: str, body: Any = None, once: str | None = "", **headers: str) -> TestResponse:
        """body: what is sent as JSON; bytes as they are. once: None leaves the header out."""
        if once is not None:
            headers["Idempotency-Key"] = once or f"till-{id(self)}-{next(self._once)}"
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        return self.open("POST", path, body, **headers)

    def open(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.secret}", "Sec-Fetch-Site": "cross-site"} | headers
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        return self.app.test_client(use_cookies=False).open(
            f"/api/v1{path}", method=method, headers=sent, data=data
        )


def said(answer: TestResponse, status: int = 200) -> Any:
    """The answer's JSON."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/json"
    assert "Set-Cookie" not in answer.headers
    return answer.json


def why(answer: TestResponse, status: int) -> tuple[str, str]:
    """A refusal's code and field; its shape is always the same."""
    error = said(answer, status)["error"]
    assert error.keys() <= {"code", "message", "field", "facts"} and error["message"]
    return error["code"], error.get("field", "")


def give(db: Database, brand: BrandRef, *, members: int = 1, **offer: Any) -> list[Coupon]:
    """Coupons of a new offer, one each."""

    def unit(scope: Scope) -> list[Coupon]:
        made = make.make_offer(scope, **offer)
        given = [
            service.give(scope, made.id, member.id, f"give-{made.id}-{member.id}")
            for member in make.make_members(scope, members)
        ]
        assert all(isinstance(one, Coupon) for one in given), given
        return given  # type: ignore[return-value]

    return db.write(unit, brand=brand)
