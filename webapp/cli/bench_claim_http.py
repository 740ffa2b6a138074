"""`regulars bench claim-http`: members take coupons by the tills' API, beside a bare route of the same app."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from webapp.cli import bench

if TYPE_CHECKING:
    from webapp.kernel.db import Database
    from webapp.kernel.scope import BrandRef, Scope

AT_LEAST = 0.5  # of the bare route's rate
P99_MS = 300.0  # on PostgreSQL
WORKERS, THREADS = 2, 4  # as docs/operators/running.md has it
PLACES = {"api": "/api/v1", "door": "/bench/door", "bare": "/bench"}
KINDS = tuple(PLACES)
A_KEY = 500  # requests: a key may ask 600 times a minute
PATIENCE = 120.0  # seconds


@click.command("claim-http")
@bench.options
@click.option("--claims", type=click.IntRange(20, 5000), default=320, show_default=True, help="In a round.")
@click.option(
    "--clients", type=click.IntRange(1, 64), default=16, show_default=True, help="At the same time."
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="API and bare route take turns so many times; the middle of the ratios counts.",
)
def claim_http(claims: int, clients: int, rounds: int, database_url: str | None, as_json: bool) -> None:
    """Members take coupons over HTTP, from many processes at once: everybody gets one, or one in ten does.

    The app is served by gunicorn (two workers of four threads) beside `regulars up --no-web`. Two routes of the same app, with
    the same middleware before and after them, read their body as JSON and run the fewest statements of `bench claim` by hand.
    One stands behind the API's door (the key is looked up, its requests are counted): `ratio` is to it. The other has no door:
    `ratio_to_bare`. Neither looks for the member by number, keeps an answer to the letter, writes an audit entry, or tells what
    the coupon is: what the API does of these is what it costs.
    """
    told: dict[str, Any] = {
        "bench": "claim-http",
        "claims": claims,
        "clients": clients,
        "rounds": rounds,
        "at_least": AT_LEAST,
        "load_before": round(os.getloadavg()[0], 2),
    }
    with bench.database(database_url) as db, tempfile.TemporaryDirectory(prefix="rg-bench-") as folder:
        from webapp.cli.bench_claim import check, shop

        told["database"] = "sqlite" if db.is_sqlite else "postgresql"
        brand, members = shop(db, claims)
        keys = _keys(
            db, brand, Path(folder), clients * (4 * (rounds + 1) * (claims // clients + 1) // A_KEY + 1)
        )
        with _served(db, Path(folder)) as place, _crew(place, clients, keys, members) as ask:
            for share in (100, 10):
                told[f"granted_{share}"] = _measure(db, brand, ask, claims, rounds, claims * share // 100)
        check(db, brand)
    told["load_after"] = round(os.getloadavg()[0], 2)
    told["p99_at_most_ms"] = P99_MS
    both = [told[f"granted_{share}"] for share in (100, 10)]
    told["ok"] = all(
        one["ratio"] >= AT_LEAST and (told["database"] == "sqlite" or one["api_p99_ms"] <= P99_MS)
        for one in both
    )
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(
        f"{claims:,} members take a coupon over HTTP, {clients} at a time, on {told['database']}, {rounds} rounds; "
        f"load {told['load_before']} before, {told['load_after']} after"
    )
    for share, one in zip((100, 10), both, strict=True):
        click.echo(
            f"  {share:3} % get one   ratio {one['ratio']} (to no door {one['ratio_to_bare']}); at least {AT_LEAST}"
        )
        for kind in KINDS:
            click.echo(
                f"    {kind:5} {one[f'{kind}_a_second']:5,} a second   "
                f"p50 {one[f'{kind}_p50_ms']} ms   p99 {one[f'{kind}_p99_ms']} ms"
            )
    click.echo(f"  p99 at most {P99_MS:.0f} ms on PostgreSQL")


Ask = Callable[[str, int], tuple[float, int, list[float]]]


def _measure(db: Database, brand: BrandRef, ask: Ask, claims: int, rounds: int, stock: int) -> dict[str, Any]:
    from webapp.cli.bench_claim import new_offer

    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for n in range(-1, rounds):
        for kind in KINDS if n % 2 else KINDS[::-1]:
            seconds, given, each = ask(kind, new_offer(db, brand, stock))
            if given != stock:
                raise RuntimeError(f"{given} coupons were given of {stock}")
            if n >= 0:  # the first of each compiles its statements
                took[kind].append(seconds)
                times[kind] += each

    def ratio(to: str) -> float:
        return round(median(one / api for one, api in zip(took[to], took["api"], strict=True)), 3)

    return {
        "stock": stock,
        **{f"{kind}_a_second": round(claims / median(took[kind])) for kind in KINDS},
        "ratio": ratio("door"),
        "ratio_to_bare": ratio("bare"),
        **{f"{kind}_p50_ms": round(median(times[kind]) * 1000, 1) for kind in KINDS},
        **{f"{kind}_p99_ms": round(_p99(times[kind]) * 1000, 1) for kind in KINDS},
    }


def _p99(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, len(times) * 99 // 100)]


# -- who asks ----------------------------------------------------------------------------------------------------------


@contextmanager
def _crew(place: str, clients: int, keys: list[str], members: list[int]) -> Iterator[Ask]:
    """Processes that wait for a kind and an offer, ask for their members' coupons, and tell how long each took."""
    fork = multiprocessing.get_context("fork")
    ends, processes = [], []
    for n in range(clients):
        here, there = fork.Pipe()
        who = [(at, members[at]) for at in range(n, len(members), clients)]
        process = fork.Process(target=_client, args=(place, keys[n::clients], who, there), daemon=True)
        process.start()
        there.close()
        ends.append(here)
        processes.append(process)

    def ask(kind: str, offer_id: int) -> tuple[float, int, list[float]]:
        began = time.perf_counter()
        for end in ends:
            end.send((kind, offer_id))
        given, times = 0, []
        for end in ends:
            if not end.poll(PATIENCE):
                raise RuntimeError(f"a client was not answered in {PATIENCE:.0f} s")
            its, each = end.recv()
            given += its
            times += each
        return time.perf_counter() - began, given, times

    try:
        yield ask
    finally:
        for process in processes:  # they know of no end: each holds the lines of those before it
            process.kill()
        for process in processes:
            process.join(5)


def _client(place: str, keys: list[str], who: list[tuple[int, int]], end: Any) -> None:
    line, turn = http.client.HTTPConnection(place, timeout=PATIENCE), 0
    while True:
        kind, offer_id = end.recv()
        given, times = 0, []
        for at, member_id in who:
            headers = {
                "Content-Type": "application/json",
                "Idempotency-Key": f"{kind}-{offer_id}-{member_id}",
            }
            if kind != "bare":
                turn += 1
                headers["Authorization"] = f"Bearer {keys[turn % len(keys)]}"
            body = {"member": {"number": f"m{at:06}"} if kind == "api" else member_id}
            path = f"{PLACES[kind]}/offers/{offer_id}/claims"
            began = time.perf_counter()
            status = _ask(line, path, json.dumps(body), headers)
            times.append(time.perf_counter() - began)
            if status not in (201, 409):
                raise RuntimeError(f"{path} was answered {status}")
            given += status == 201
        end.send((given, times))


def _ask(line: http.client.HTTPConnection, path: str, body: str, headers: dict[str, str]) -> int:
    """The status. A line that the server has closed meanwhile, since nothing came, is opened anew."""
    for last in (False, True):
        try:
            line.request("POST", path, body, headers)
            answer = line.getresponse()
            answer.read()
            return answer.status
        except (ConnectionError, http.client.RemoteDisconnected):
            line.close()
            if last:
                raise
    raise AssertionError("unreachable")


# -- who answers -------------------------------------------------------------------------------------------------------


@contextmanager
def _served(db: Database, folder: Path) -> Iterator[str]:
    """`regulars up --no-web` for the queue server and the rest, and gunicorn; the address without its scheme."""
    environ = os.environ | {
        "REGULARS_INSTANCE": str(folder),
        "REGULARS_DATABASE_URL": db.url,
        "REGULARS_PUBLIC_URL": "http://127.0.0.1",
    }
    serving = [
        "-m",
        "gunicorn",
        "--worker-class",
        "gthread",
        "--threads",
        str(THREADS),
        "--workers",
        str(WORKERS),
    ]
    with ExitStack() as stack:
        up = _begin(stack, folder / "up.log", environ, ["-m", "webapp.cli.main", "up", "--no-web"])
        up("works in the background")
        pages = _begin(
            stack,
            folder / "pages.log",
            environ,
            [
                *serving,
                "--preload",
                "--no-control-socket",
                "--bind",
                "127.0.0.1:0",
                "webapp.cli.bench_claim_web:make()",
            ],
        )
        yield pages(r"Listening at: http://(\S+)")


def _begin(stack: ExitStack, log: Path, environ: dict[str, str], words: list[str]) -> Callable[[str], str]:
    """A process of ours that is gone when the stack is; what is returned waits for what it says."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *words],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def end() -> None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(end)

    def says(pattern: str) -> str:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and process.poll() is None:
            if found := re.search(pattern, log.read_text(errors="replace")):
                return found[found.re.groups]
            time.sleep(0.05)
        raise RuntimeError(f"{' '.join(words)} did not come up:\n{log.read_text(errors='replace')}")

    return says


def _keys(db: Database, brand: BrandRef, folder: Path, count: int) -> list[str]:
    from webapp.api import keys
    from webapp.kernel.errors import Refused
    from webapp.kernel.scope import Actor
    from webapp.plugin_runtime import context
    from webapp.staff.models import Staff

    context.use_secrets_of(folder)

    def owner(scope: Scope) -> int:
        row = Staff(id=scope.new_id(), email="bench@bench.example", name="Bench", created_at=scope.now)
        scope.session.add(row)
        return row.id

    actor = Actor("staff", db.write(owner))

    def make(scope: Scope, n: int) -> str:
        made = keys.make(scope, name=f"Till {n}", scopes=("claim",), store_id=None, key=f"bench-{n}")
        if isinstance(made, Refused):
            raise RuntimeError(f"no key was made: {made}")
        return made[1]

    return [db.write(lambda scope, n=n: make(scope, n), brand=brand, actor=actor) for n in range(count)]  # type: ignore[misc]
