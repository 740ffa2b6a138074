"""The tree as the rules see it: files, their syntax, their imports."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUBJECTS = frozenset(
    [
        "brands",
        "staff",
        "members",
        "orders",
        "tags",
        "catalogue",
        "segments",
        "lifecycle",
        "groups",
        "coupons",
        "matrix",
        "outbox",
        "campaigns",
        "preferences",
        "touchpoints",
        "tasks",
        "imports",
        "insights",
        "settings",
    ]
)
# Folders that are made, not written. (Not asked of git: a tree without it must pass as well.)
MADE = {".git", ".venv", "var", "dist", "build", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache",
        ".hypothesis", ".import_linter_cache", "node_modules"}  # fmt: skip


def files(*patterns: str, under: str = "") -> Iterator[Path]:
    """Written files below ROOT/under that match a pattern (of the name), sorted."""
    for path in _written(ROOT / under):
        if any(path.match(pattern) for pattern in patterns):
            yield path


@cache
def _written(under: Path) -> tuple[Path, ...]:
    """Every written file below a folder. Folders that are made are not gone into: a .venv has tens of thousands."""
    found: list[Path] = []
    for folder, folders, names in os.walk(under):
        folders[:] = [one for one in folders if one not in MADE and not one.endswith(".egg-info")]
        found += [Path(folder, one) for one in names]
    return tuple(sorted(found))


def name(path: Path) -> str:
    """As people say it: relative to the root, with slashes."""
    return path.relative_to(ROOT).as_posix()


def code(under: str = "webapp") -> list[Path]:
    """Our own Python below a folder, without tests."""
    return [p for p in files("*.py", under=under) if "tests" not in p.relative_to(ROOT).parts]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def module(path: Path) -> str:
    """webapp/members/service.py -> webapp.members.service; a package's __init__ is the package."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything imported anywhere in a file; relative imports resolved; `from a import b` is
    both a and a.b, since b may be a module."""
    package = module(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield node.lineno, stem
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)


def within(dotted: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or lies below it."""
    return any(dotted == package or dotted.startswith(package + ".") for package in packages)
