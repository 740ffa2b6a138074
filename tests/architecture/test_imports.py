"""Who may import whom, beyond the order of rooms that import-linter holds (pyproject.toml)."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture import source

WEB = ("flask", "flask_babel", "flask_limiter", "flask_wtf", "htmx_flask", "werkzeug", "wtforms")
# The kernel's edge helpers are what routes are made of; the rest of the kernel serves jobs and the shell as well.
KERNEL_EDGE = {
    "assets", "browser", "csrf", "edge", "error_pages", "errorpages", "fields", "filters", "htmx", "i18n", "links", "security", "shell",
}  # fmt: skip


def stem(path: object) -> str:
    return re.sub(r"[._].*", "", getattr(path, "name", ""))


def test_what_decides_knows_no_web() -> None:
    """Law 3: models, queries and services serve pages, jobs and the shell alike; a web request is not theirs to know."""
    found = []
    for path in source.code():
        room = path.relative_to(source.ROOT).parts[1]
        if room in source.SUBJECTS and stem(path) in ("models", "queries", "service"):
            found += [f"{source.name(path)}:{line} imports {what}" for line, what in source.imports(path) if source.within(what, *WEB)]  # fmt: skip
    assert not found, "\n".join(found)


def test_the_kernel_knows_no_web_but_at_its_edge() -> None:
    """Workers and the shell import the kernel; they pay for no web framework and depend on none."""
    found = []
    for path in source.code("webapp/kernel"):
        if path.stem not in KERNEL_EDGE:
            found += [f"{source.name(path)}:{line} imports {what}" for line, what in source.imports(path) if source.within(what, *WEB)]  # fmt: skip
    assert not found, "\n".join(found)


def edge_of(path: Path) -> str:
    """routes, forms or jobs where a file is one of its room's edges (routes/editing.py is routes), else nothing."""
    parts = path.relative_to(source.ROOT).parts
    word = re.sub(r"[._].*", "", parts[2]) if len(parts) > 2 and parts[1] in source.SUBJECTS else ""
    return word if word in ("routes", "forms", "jobs") else ""


def test_edges_are_imported_by_nobody() -> None:
    """Law 1: routes and jobs are registered by the app; what two of them share belongs in a service or a query. Forms are
    the pages' business: routes (of any room) and other forms import them, and nothing else."""
    found = []
    for path in source.code():
        room = path.relative_to(source.ROOT).parts[1]
        for line, what in source.imports(path):
            match = re.match(r"webapp\.(\w+)\.(routes|jobs|forms)", what)
            if not match or match[1] not in source.SUBJECTS:
                continue
            allowed = {"forms": ("routes", "forms"), "routes": ("routes",), "jobs": ("jobs",)}[match[2]]
            if edge_of(path) not in allowed or (match[2] != "forms" and room != match[1]):
                found.append(f"{source.name(path)}:{line} imports {what}")
    assert not found, "\n".join(found)


def test_core_never_imports_a_plugin() -> None:
    """Law 2: what ships in plugins/ has no privilege."""
    found = [
        f"{source.name(path)}:{line} imports {what}"
        for path in source.code()
        for line, what in source.imports(path)
        if source.within(what, "plugins") or what.startswith("regulars_plugin_")
    ]
    assert not found, "\n".join(found)


def test_a_plugin_imports_only_the_plugin_api() -> None:
    """Law 2: of ours, only webapp.plugin_api, and itself; no plugin imports a plugin, not by a relative import either."""
    found = []
    for path in source.code("plugins"):
        own = "plugins." + path.relative_to(source.ROOT).parts[1]
        for line, what in source.imports(path):
            ours = source.within(what, "webapp", "plugins", "tests")
            if ours and what not in ("webapp",) and not source.within(what, "webapp.plugin_api", own):
                found.append(f"{source.name(path)}:{line} imports {what}")
    assert not found, "\n".join(found)


def test_only_the_runtime_speaks_pluggy() -> None:
    """Law 10: one place calls hooks, with the brand in hand; a direct call would pass the brand's gate by."""
    found = [
        f"{source.name(path)}:{line} imports {what}"
        for path in source.code()
        for line, what in source.imports(path)
        if source.within(what, "pluggy")
        and not source.within(source.module(path), "webapp.plugin_api", "webapp.plugin_runtime")
    ]
    assert not found, "\n".join(found)
