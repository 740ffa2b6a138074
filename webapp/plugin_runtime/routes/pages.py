"""The pages that plugins bring: one door for the public ones, one for the staff's, so that the core's checks hold for all.

Forgery, sign-in and permission are the guard's and ours; the brand's gate, the once-key and the unit of work too. A plugin's
handler is told of a request in plain values and answers with one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, abort, current_app, flash, g, request, url_for
from flask_babel import gettext
from jinja2 import BaseLoader, Environment, FileSystemLoader, TemplateNotFound
from werkzeug.exceptions import HTTPException

from webapp.brands import queries as brands
from webapp.kernel import browser, clock, edge, links, secrets, shell
from webapp.kernel.edge import PUBLIC, SIGNED_IN
from webapp.kernel.errors import Forbidden, UserError
from webapp.kernel.errors import NotFound as Missing
from webapp.kernel.i18n import pick_locale
from webapp.kernel.idempotency import once
from webapp.kernel.scope import PUBLIC as NOBODY
from webapp.kernel.scope import Actor, Scope
from webapp.plugin_api.pages import Answer, Handler, NotFound, Page, PageRequest, Redirect, Text
from webapp.plugin_runtime import calls, words
from webapp.plugin_runtime.context import enabled
from webapp.plugin_runtime.runtime import Loaded, registry
from webapp.staff.permissions import PERMISSIONS

log = logging.getLogger("regulars.plugins")
bp = edge.blueprint("plugin_pages", __name__)

POSTED = (
    120,
    60,
)  # forms of plugins' public pages from one address (a mall's wifi is one), in so many seconds
FIELDS, LONGEST = 100, 2_000  # how many fields a handler is told of, and how much of each


class _Shown(Exception):  # no error: the way out of a unit whose work is not to be kept
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class PluginTemplates(BaseLoader):
    """`<plugin>/x.html` is the file `templates/<plugin>/x.html` in the plugin's folder; a plugin reaches no other folder."""

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        """As every loader."""
        loaded = registry().plugins.get(template.partition("/")[0])
        if loaded is None:
            raise TemplateNotFound(template)
        return FileSystemLoader(loaded.folder / "templates").get_source(environment, template)

    def list_templates(self) -> list[str]:
        """Of all plugins that can be used."""
        return [
            name
            for plugin, loaded in sorted(registry().plugins.items())
            if not loaded.error
            for name in FileSystemLoader(loaded.folder / "templates").list_templates()
            if name.startswith(f"{plugin}/")
        ]


# ---------------------------------------------------------------------------------------------------------- the two doors


@bp.get("/x/<plugin>/<word>", permission=PUBLIC)
@bp.get("/x/<plugin>/<word>/<path:rest>", permission=PUBLIC)
def public(plugin: str, word: str, rest: str = "") -> Response:
    """A page for whoever has its address; the word in it names the brand."""
    browser.door()
    page = _known(plugin).public.get(rest) or abort(404)
    return _public(plugin, word, rest, page.handler)


@bp.post("/x/<plugin>/<word>", permission=PUBLIC)
@bp.post("/x/<plugin>/<word>/<path:rest>", permission=PUBLIC)
def public_post(plugin: str, word: str, rest: str = "") -> Response:
    """The same, with a form."""
    browser.door("plugin_post", POSTED)
    page = _known(plugin).public.get(rest) or abort(404)
    if not page.posts:
        abort(405)
    return _public(plugin, word, rest, page.handler)


@bp.get("/plugins/<plugin>", permission=SIGNED_IN)
@bp.get("/plugins/<plugin>/<path:rest>", permission=SIGNED_IN)
def staff(plugin: str, rest: str = "") -> Response:
    """A page for the shop's people, by the permission that it names."""
    return _staff(plugin, rest)


@bp.post("/plugins/<plugin>", permission=SIGNED_IN)
@bp.post("/plugins/<plugin>/<path:rest>", permission=SIGNED_IN)
def staff_post(plugin: str, rest: str = "") -> Response:
    """The same, with a form."""
    return _staff(plugin, rest)


def _known(plugin: str) -> Loaded:
    loaded = registry().plugins.get(plugin)
    if loaded is None or loaded.error:
        abort(404)
    return loaded


def _public(plugin: str, word: str, rest: str, handler: Handler) -> Response:
    brand_id = secrets.brand_of(word) if len(word) <= 60 else None
    if brand_id is None:
        abort(404)
    with edge.database().read() as scope:
        g.brand = brand = brands.load(scope.session, brand_id)
    member_id = browser.known(brand)
    asked = _asked(
        rest,
        base=f"/x/{plugin}/{word}",
        word=word,
        joining=url_for(
            "join.default", brand_code=brand.code, new=1, then=f"/x/{plugin}/{word}/{rest}".rstrip("/")
        ),
        member=f"member:{member_id}" if member_id is not None else "",
    )
    actor = Actor("member", member_id) if member_id is not None else NOBODY
    response = _answered(plugin, handler, asked, "public.html", actor)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _staff(plugin: str, rest: str) -> Response:
    page = _known(plugin).staff.get(rest) or abort(404)
    if edge.brand() is None:
        return edge.leave(edge.redirect("staff.choose_brand"))
    if page.permission not in PERMISSIONS or not edge.actor().can(page.permission):
        abort(403)
    if request.method == "POST" and not page.posts:
        abort(405)
    asked = _asked(rest, base=f"/plugins/{plugin}", staff=f"staff:{edge.actor().id}")
    return _answered(plugin, page.handler, asked, "base.html", edge.actor())


def _asked(rest: str, **more: Any) -> PageRequest:
    def plain(fields: Mapping[str, str]) -> dict[str, str]:
        return {name: value[:LONGEST] for name, value in list(fields.items())[:FIELDS]}

    return PageRequest(
        rest,
        request.method == "POST",
        clock.now(),
        pick_locale(),
        plain(request.args),
        plain(request.form),
        origin=links.base(),
        **more,
    )


# ------------------------------------------------------------------------------------------------------------- answering


def _answered(plugin: str, handler: Handler, asked: PageRequest, layout: str, actor: Actor) -> Response:
    """Ask the plugin and show its answer. What it raises is logged with its name, and shown as any fault is."""
    try:
        answer = (_posted if asked.posted else _looked)(plugin, handler, asked, actor)
        return _response(plugin, answer, asked, layout)
    except (HTTPException, Missing, Forbidden, UserError):
        raise
    except Exception as fault:
        log.error("plugin %s: its page %r raised %s", plugin, asked.path, type(fault).__name__)
        raise


def _gate(scope: Scope, plugin: str) -> None:
    if not enabled(scope, plugin):
        abort(404)


def _looked(plugin: str, handler: Handler, asked: PageRequest, actor: Actor) -> Answer:
    with edge.database().read(brand=edge.brand(), actor=actor, now=asked.moment) as scope:
        _gate(scope, plugin)
        return calls.handle(scope, plugin, handler, asked)


def _posted(plugin: str, handler: Handler, asked: PageRequest, actor: Actor) -> Answer:
    """Once a key. Only what ends in a redirect is kept; anything else is shown, and its unit rolled back."""
    key = edge.once_key()

    def unit(scope: Scope) -> dict[str, Any]:
        _gate(scope, plugin)

        def work() -> dict[str, Any]:
            answer = calls.handle(scope, plugin, handler, asked)
            if not isinstance(answer, Redirect):
                raise _Shown(answer)
            return {
                "to": answer.to,
                "said": answer.said,
                "tone": answer.tone,
                "facts": dict(answer.facts),
            }

        told: dict[str, Any] = once(scope, key, f"page:{plugin}:{asked.path}"[:60], work)
        return told

    try:
        told = edge.database().write(unit, brand=edge.brand(), actor=actor, now=asked.moment)
    except _Shown as shown:
        return shown.answer
    return Redirect(told["to"], told["said"], told["tone"], told["facts"])


def _response(plugin: str, answer: Answer, asked: PageRequest, layout: str) -> Response:
    if isinstance(answer, NotFound):
        abort(404)
    if isinstance(answer, Redirect):
        if shell.own_path(answer.to) != answer.to:
            raise ValueError(f"a redirect leads to an address of the shop, not to {answer.to!r}")
        if answer.said:
            flash(_says(plugin)(answer.said, **answer.facts), answer.tone)
        return edge.go(answer.to)
    if isinstance(answer, Text):
        response = current_app.make_response((answer.text, answer.status))
        response.mimetype = "text/plain"
        response.headers["Cache-Control"] = "private, no-store"
    else:
        response = _page(plugin, answer, asked, layout)
    if answer.seconds > 0 and not asked.posted:
        response.headers["Cache-Control"] = f"private, max-age={min(answer.seconds, 3600)}"
    return response


def _page(plugin: str, answer: Page, asked: PageRequest, layout: str) -> Response:
    if not answer.template.startswith(f"{plugin}/") or not answer.template.endswith(".html"):
        raise ValueError(f"{answer.template!r}: a plugin shows its own templates, {plugin}/....html")
    status = 422 if asked.posted and answer.status == 200 else answer.status
    core = {"layout": layout, "_": _says(plugin), "address": asked.address, "asked": asked}
    return edge.page(answer.template, status=status, **{**answer.values, **core})


def _says(plugin: str) -> Callable[..., str]:
    """The plugin's own words, and the core's for what it does not say itself (the layout around it)."""
    own = words.words(plugin)

    def say(message: str, **facts: Any) -> str:
        text = own(message)
        if text == message:
            text = str(gettext(message))
        return text % facts if facts else text

    return say


# ----------------------------------------------------------------------------------------------------------- ways to them


def places() -> list[shell.Place]:
    """Staff pages with a label, of the plugins that this brand has, for More."""
    if edge.brand() is None:
        return []
    shown = [
        (plugin, page)
        for plugin, loaded in sorted(registry().plugins.items())
        if not loaded.error
        for page in loaded.staff.values()
        if page.label and page.permission in PERMISSIONS and edge.actor().can(page.permission)
    ]
    if not shown:
        return []
    with edge.read() as scope:
        on = {plugin for plugin, _page in shown if enabled(scope, plugin)}
    return [
        shell.Place(
            "plugin_pages.staff",
            words.words(plugin)(page.label),
            "plugins",
            page.permission,
            hint=words.words(plugin)(page.help) if page.help else "",
            url=f"/plugins/{plugin}/{page.path}".rstrip("/"),
        )
        for plugin, page in shown
        if plugin in on
    ]
