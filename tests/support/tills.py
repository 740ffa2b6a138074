"""Tills that ask a running shop by its API, over HTTP: what was not answered is sent again with the same Idempotency-Key."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.support.live import ROOT, LiveShop

PATIENCE = 90.0  # seconds; a bound of a hang


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. text: to the letter; again: it had been given before."""

    status: int
    text: str
    again: bool

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def word(self) -> str:
        """What was refused, blank where it was not."""
        return "" if self.status < 400 else str(self.body["error"]["code"])


class HttpTill:
    """One line to one address. lost: how often a request was sent of which no answer came; waited: how often it was told to
    be slower."""

    def __init__(self, address: str) -> None:
        self._place = urlsplit(address).netloc
        self._line: http.client.HTTPConnection | None = None
        self.lost = 0
        self.waited = 0

    def post(self, path: str, body: Any, secret: str, once: str) -> Said:
        """Until it is answered."""
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": once}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body)
        until = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < until, f"{path} was not answered in {PATIENCE:.0f} s"
            said = self._try(path, data, headers)
            if said is not None and said.status == 429:
                self.waited += 1
                time.sleep(1)
            elif said is not None:
                return said

    def _try(self, path: str, data: str | None, headers: dict[str, str]) -> Said | None:
        sent = False
        try:
            self._line = self._line or http.client.HTTPConnection(self._place, timeout=30)
            self._line.request("POST", f"/api/v1{path}", data, headers)
            sent = True
            answer = self._line.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            if self._line is not None:
                self._line.close()
            self._line = None
            self.lost += sent
            time.sleep(0.05)
            return None
        return Said(answer.status, text, answer.getheader("Idempotency-Replayed") == "true")


def audit(shop: LiveShop) -> None:
    """`regulars coupons audit`, as an operator calls it: exit 0, and every promise kept."""
    told = subprocess.run(
        [sys.executable, "-m", "webapp.cli.main", "coupons", "audit", "--json"],
        cwd=ROOT,
        env=shop.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (told.returncode, json.loads(told.stdout)["clean"]) == (0, True), told.stdout + told.stderr
