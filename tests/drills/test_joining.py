"""Joining with a crowd at the door, and with a robot at it."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter

import pytest
from flask import Flask

from tests.drills.robots import coupon_and_leaving
from tests.factories.outbox import PlainSource
from tests.support.serving import serving
from tests.unit.touchpoints import test_in_turn as crowd
from webapp.kernel import browser, limits
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.outbox import sources

pytestmark = pytest.mark.drill
DOORS = ("GET /t/", "POST /t/", "GET /c/", "GET /u/")


def test_sixteen_processes_and_a_limit(app: Flask, db: Database, brand: BrandRef) -> None:
    crowd.run_joins(db, brand, 16, 10, 30)


def test_sixteen_processes_without_end(app: Flask, db: Database, brand: BrandRef) -> None:
    crowd.run_joins(db, brand, 16, 9, 1000)


def test_a_robot_is_limited_and_a_person_answered(
    app: Flask,
    db: Database,
    brand: BrandRef,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A robot opens, joins and leaves as fast as it can until it is limited everywhere (a minute and a half at
    most); a person elsewhere does the same at a walk meanwhile, and is always answered."""
    monkeypatch.setattr(
        browser, "OPENED", (90, 60)
    )  # one machine carries both sides: it cannot ask 600 times a minute
    monkeypatch.setattr(sources, "SOURCES", {"plain": PlainSource()})
    limits._memory.reset()
    code = crowd.hang(db, brand).code
    coupon, leaving = coupon_and_leaving(db, brand)
    proxied = _behind_a_proxy(app)
    stop = threading.Event()
    robots: Counter[tuple[str, int]] = Counter()
    with serving(proxied) as address:
        host = address.removeprefix("http://")

        def ask(method: str, path: str, body: str, who: str) -> int:
            line = http.client.HTTPConnection(host, timeout=30)
            headers = {"X-Test-From": who, "Sec-Fetch-Site": "same-origin", "User-Agent": "Mozilla/5.0"}
            if body:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            line.request(method, path, body or None, headers)
            answer = line.getresponse()
            answer.read()
            line.close()
            return answer.status

        def robot(n: int) -> None:
            i = 0
            while not stop.is_set():
                i += 1
                key = f"robot-{n}-{i:08}"
                tries = (
                    ("GET", f"/t/{code}", ""),
                    ("POST", f"/t/{code}", f"phone=139{n}{i:07}&key={key}"),
                    ("GET", f"/c/{coupon}", ""),
                    ("GET", f"/u/{leaving}", ""),
                )
                for method, path, body in tries:
                    robots[f"{method} {path[:3]}", ask(method, path, body, "203.0.113.9")] += 1

        crew = [threading.Thread(target=robot, args=(n,)) for n in range(4)]
        for one in crew:
            one.start()
        took: list[float] = []
        person: Counter[int] = Counter()
        begun, n = time.monotonic(), 0
        while (n < 40 or not all(robots[what, 429] for what in DOORS)) and time.monotonic() < begun + 90:
            n += 1
            for method, path, body in (
                ("GET", f"/t/{code}", ""),
                ("POST", f"/t/{code}", f"phone=1370000{n:04}&key=person-{n:08}"),
                ("GET", f"/c/{coupon}", ""),
                ("GET", f"/u/{leaving}", ""),
            ):
                asked = time.monotonic()
                person[ask(method, path, body, f"198.51.100.{n % 200}")] += 1
                took.append(time.monotonic() - asked)
            time.sleep(0.05)
        stop.set()
        for one in crew:
            one.join(30)
    took.sort()
    with capsys.disabled():
        print(
            f"\nrobot: {dict(sorted(robots.items()))}\nperson: {dict(person)}, p95 {took[int(len(took) * 0.95)] * 1000:.0f} ms "
            f"of {len(took)}"
        )
    assert set(person) <= {200, 303}, "a person is always answered"
    for what in DOORS:
        assert robots[what, 429] > 0, f"the robot was not limited at {what}"


def _behind_a_proxy(app: Flask) -> object:
    """The address that a request says it comes from: what a trusted proxy hands on."""

    def through(environ: dict[str, str], start: object) -> object:
        environ["REMOTE_ADDR"] = environ.get("HTTP_X_TEST_FROM", environ.get("REMOTE_ADDR", ""))
        return app.wsgi_app(environ, start)  # type: ignore[arg-type]

    return through
