"""Laws that a file's syntax shows: who asks the time, who commits, how long a file is, what it must not name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture import source

# Law 4. path -> why it may ask the machine what time it is.
ASKS_THE_TIME = {
    "webapp/kernel/clock.py": "the one module that asks",
}
CLOCKS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time"),
    ("time", "time_ns"), ("time", "localtime"), ("time", "gmtime"), ("func", "now"), ("func", "current_timestamp"),
    ("func", "current_date"), ("func", "localtimestamp"), ("func", "clock_timestamp"),
}  # fmt: skip
SQL_CLOCK = re.compile(
    r"\b(CURRENT_TIMESTAMP|CURRENT_DATE|LOCALTIMESTAMP|clock_timestamp\(\)|now\(\)|datetime\('now')", re.I
)

# Law 3. path -> why it may end a transaction although it is no unit of work.
ENDS_TRANSACTIONS = {
    "webapp/kernel/db.py": "the unit of work",
    "webapp/kernel/migrate.py": "migrations are no business of a unit of work",
}

# path -> why it may be longer than 400 lines.
LONG: dict[str, str] = {
    "webapp/static/regulars.css": "one stylesheet, one request",
}
LIMIT = 400
GENERATED = ("migrations/versions/*.py", "webapp/static/vendor/*", "plugins/*/migrations/*.py")

HOSTS = re.compile(
    r"pythonhosted\.org|pypi\.org/simple|/simple/?[\"'\s]|registry\.npmjs\.org|--index-url|extra-index-url",
    re.I,
)
MACHINE = re.compile(r"(?<![\w.<{])/(?:work|root|home|Users|opt/(?:wheels|pypi))/[\w.-]+")
TEXTS = (
    "*.py",
    "*.toml",
    "*.txt",
    "*.md",
    "*.html",
    "*.css",
    "*.js",
    "*.po",
    "*.cfg",
    "Makefile",
    "run",
    "*.yml",
    "*.yaml",
    "*.json",
)


def calls(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line, owner, name) of every `owner.name(...)`; owner is the last word before the dot."""
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            word = (
                owner.id
                if isinstance(owner, ast.Name)
                else owner.attr
                if isinstance(owner, ast.Attribute)
                else ""
            )
            yield node.lineno, word, node.func.attr


def test_nobody_but_the_clock_asks_what_time_it_is() -> None:
    """Law 4: time is an argument, so that any day can be lived again. time.monotonic and perf_counter measure; they may."""
    found = []
    for path in [*source.code(), *source.code("plugins")]:
        if source.name(path) in ASKS_THE_TIME:
            continue
        found += [
            f"{source.name(path)}:{line} calls {owner}.{name}"
            for line, owner, name in calls(path)
            if (owner, name) in CLOCKS
        ]
        for node in ast.walk(source.tree(path)):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and SQL_CLOCK.search(node.value)
            ):
                found.append(f"{source.name(path)}:{node.lineno} asks the database's clock")
    assert not found, "\n".join(found)


def test_only_the_unit_of_work_ends_a_transaction() -> None:
    """Law 3: a service that commits cannot be put together with another one into one unit."""
    found = [
        f"{source.name(path)}:{line} calls {owner}.{name}"
        for path in [*source.code(), *source.code("plugins")]
        if source.name(path) not in ENDS_TRANSACTIONS
        for line, owner, name in calls(path)
        if name in ("commit", "rollback") and owner in ("session", "connection", "scope", "conn", "s")
    ]
    assert not found, "\n".join(found)


def test_no_file_is_two_files() -> None:
    """A file of more than 400 lines is asked whether it is two."""
    found = []
    for path in source.files("*.py", "*.html", "*.css", "*.js"):
        name = source.name(path)
        if name in LONG or any(path.relative_to(source.ROOT).match(pattern) for pattern in GENERATED):
            continue
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LIMIT:
            found.append(f"{name}: {lines} lines")
    assert not found, "\n".join(found)


def test_no_file_names_a_machine_or_a_mirror() -> None:
    """A clone works anywhere: no package mirror, no path of somebody's machine."""
    found = []
    for path in source.files(*TEXTS):
        if path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            hit = HOSTS.search(line) or MACHINE.search(line)
            if hit:
                found.append(f"{source.name(path)}:{number}: {hit.group()}")
    assert not found, "\n".join(found)


def test_exceptions_are_still_needed() -> None:
    """An exception for a file that is gone is a trap for the next one of that name."""
    for name in [*ASKS_THE_TIME, *ENDS_TRANSACTIONS, *LONG]:
        assert (source.ROOT / name).is_file(), name
