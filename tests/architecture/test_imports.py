"""Who may import whom, beyond the order of rooms that import-linter holds (pyproject.toml)."""

from __future__ import annotations

import re

from tests.architecture import source

WEB = ("flask", "flask_babel", "flask_limiter", "flask_wtf", "htmx_flask", "werkzeug", "wtforms")
# The kernel's edge helpers are what routes are made of; the rest of the kernel serves jobs and the shell as well.
KERNEL_EDGE = {
    "assets", "csrf", "edge", "error_pages", "errorpages", "filters", "htmx", "i18n", "links", "security", "shell",
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


def test_edges_are_imported_by_nobody() -> None:
    """Law 1: routes, forms and jobs are registered by the app; what two of them share belongs in a service or a query."""
    found = []
    for path in source.code():
        for line, what in source.imports(path):
            match = re.match(r"webapp\.(\w+)\.(routes\w*|jobs|forms\w*)(\.|$)", what)
            if match and match[1] in source.SUBJECTS:
                own_room = path.relative_to(source.ROOT).parts[1] == match[1]
                if not (own_room and stem(path) in ("routes", "forms", "jobs")):
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
