"""The OpenAPI document and docs/operators/api.md say what the API does: every example is sent, every answer compared."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from string import Template
from typing import Any

import msgspec
from flask import Flask, g

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.web.api.tills import Till, new_key, said
from webapp.api import openapi, problems, schemas
from webapp.api.door import OPERATIONS
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope

PAGE = Path(__file__).parents[3] / "docs" / "operators" / "api.md"


@ONE_DATABASE
def test_every_route_is_described_and_nothing_else(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").json
    assert document is not None and document["openapi"] == "3.1.0"
    rules = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix(openapi.ROOT)), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(openapi.ROOT) and rule.endpoint != "api.openapi"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method.upper()) for path, each in document["paths"].items() for method in each}
    assert described == rules and len(rules) == len(OPERATIONS)
    refs = set(re.findall(r'"#/components/(\w+)/(\w+)"', json.dumps(document)))
    assert [ref for ref in refs if ref[1] not in document["components"][ref[0]]] == []


def test_examples_fit_their_types_and_bodies_have_some() -> None:
    for one, _work in OPERATIONS.values():
        assert one.body is None or one.examples, one.name
        for value in one.examples.values():
            msgspec.convert(value, type=one.body)


@ONE_DATABASE
def test_our_own_reasons_have_sentences_and_hide_none_of_the_cores(app: Flask, brand: BrandRef) -> None:
    own = {"currency", "lines_do_not_sum", "store_unknown", "member_unknown"}
    told = {code for one, _ in OPERATIONS.values() for code in one.refuses}
    words = {*own, *problems.STATUSES.values(), "fault", "scope", "bad_json", "too_deep", "idempotency_key"}
    assert own < told
    with app.test_request_context():
        g.brand = brand
        for code in words:
            problem = problems.Problem(code, 409, {"currency": "CNY", "scope": "redeem"})
            assert problems.body(problem).error.message != "This is not possible now.", code
        assert [code for code in told - own if problems._own(code, {}) is not None] == []
        core = problems.body(problems.of(Refused("sold_out")))
    assert core == schemas.Error(
        error=schemas.ErrorBody(code="sold_out", message="All coupons of this offer are given.")
    )


class Told:
    """What the page shows, beside what is answered: ids, codes and the like are learnt as they come."""

    def __init__(self) -> None:
        self.real: dict[str, str] = {}

    def meant(self, text: str) -> str:
        for shown, real in self.real.items():
            text = text.replace(shown, real)
        return text

    def compare(self, shown: Any, real: Any, at: str) -> None:
        """Every field that the page shows is there, of the same kind."""
        if isinstance(shown, dict):
            assert isinstance(real, dict), at
            for key, value in shown.items():
                assert key in real, f"{at}.{key} is not answered"
                self.compare(value, real[key], f"{at}.{key}")
        elif isinstance(shown, list):
            assert isinstance(real, list) and (real or not shown), at
            for one, other in zip(shown[:1], real[:1], strict=True):
                self.compare(one, other, f"{at}[0]")
        elif isinstance(shown, str) and isinstance(real, str):
            if at.rpartition(".")[2] in ("id", "code", "quote") and len(shown) >= 4:
                self.real[shown] = real
        else:
            assert shown == real or (type(shown) is type(real) and not isinstance(shown, int)), (
                f"{at}: {real}"
            )


@ONE_DATABASE
def test_the_page_for_operators_is_what_happens(app: Flask, db: Database, brand: BrandRef) -> None:
    """Each curl is sent in its turn, and the answer below it compared."""

    def unit(scope: Scope) -> None:
        make.make_member(scope, number="m00017", name="Ada Byron")
        make.make_offer(scope)

    db.write(unit, brand=brand)
    till, told = Till(app, new_key(db, brand, name="Till 3")), Told()
    steps = re.findall(r"```sh\n(curl [^`]*)```\n+```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert (
        len(steps) == PAGE.read_text(encoding="utf-8").count("curl ") - 1
    )  # the document itself is not shown
    for command, shown in steps:
        words = shlex.split(
            Template(told.meant(command)).substitute(SHOP="", KEY=till.secret).replace("\\\n", " ")
        )
        headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
        body = words[words.index("-d") + 1] if "-d" in words else None
        url = next(word for word in words if word.startswith("/api/v1"))
        method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
        answer = till.open(method, url.removeprefix("/api/v1"), body.encode() if body else None, **headers)
        told.compare(json.loads(shown), said(answer, answer.status_code), url)
        assert ("error" in json.loads(shown)) == (answer.status_code >= 400), (command, answer.text)
    assert len(told.real) >= 4
