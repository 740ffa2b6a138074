"""Settings -> Plugins: what is plugged in, on or off for this brand, each plugin's settings and its work that stopped."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.kernel import edge, shell
from webapp.kernel.scope import Scope
from webapp.plugin_runtime import context, words, work
from webapp.plugin_runtime.forms import settings_form
from webapp.plugin_runtime.runtime import Loaded, registry

bp = edge.blueprint("plugins", __name__)


def _known(name: str) -> Loaded:
    loaded = registry().plugins.get(name)
    if loaded is None:
        abort(404)
    return loaded


@bp.get("/settings/plugins", permission="plugins.edit")
def index() -> Response:
    """Every plugin that was found; a broken one with what is wrong."""
    with edge.read() as scope:
        parked = work.parked(scope)
        rows: list[dict[str, Any]] = [
            {
                "loaded": one,
                "label": words.words(name)(one.manifest.label) if one.manifest else name,
                "description": words.words(name)(one.manifest.description) if one.manifest else "",
                "on": context.enabled(scope, name),
                "parked": parked.get(name, 0),
            }
            for name, one in sorted(registry().plugins.items())
        ]
    return edge.page("pages/plugins/index.html", rows=rows)


@bp.post("/settings/plugins/<name>/switch", permission="plugins.edit")
def switch(name: str) -> Response:
    """On or off for this brand."""
    loaded, on = _known(name), request.form.get("on") == "1"
    if on and loaded.error:
        abort(422)
    edge.write(lambda scope: context.switch(scope, name, on=on))
    flash(_("Switched on.") if on else _("Switched off. What it made stays readable."), "good")
    return edge.redirect("plugins.index")


@bp.get("/settings/plugins/<name>", permission="plugins.edit")
def edit(name: str) -> Response:
    """The settings' form, made from what the plugin declares."""
    loaded = _known(name)
    with edge.read() as scope:
        form = settings_form(loaded, context.settings_of(scope, name))
    return _page(loaded, form)


@bp.post("/settings/plugins/<name>", permission="plugins.edit")
def save(name: str) -> Response:
    """Check and store."""
    loaded = _known(name)
    form = settings_form(loaded, {})
    given = form.given()
    problems = edge.write(lambda scope: context.save_settings(scope, name, given))
    if not problems:
        flash(_("Saved."), "good")
        return edge.redirect("plugins.edit", name=name)
    for key, message in problems.items():
        form[key].errors = [_(message)]
    return _page(loaded, form, 422)


@bp.post("/settings/plugins/<name>/later/<int:row_id>", permission="plugins.edit")
def work_on(name: str, row_id: int) -> Response:
    """Work that is parked: try it again, or leave it undone."""
    _known(name)
    if request.form.get("do") == "drop":
        edge.write(lambda scope: work.drop(scope, name, row_id))
        flash(_("Left undone."), "good")
    else:
        edge.write(lambda scope: work.again(scope, name, row_id))
        flash(_("It is tried again now."), "good")
    return edge.redirect("plugins.edit", name=name)


@shell.card(6, "plugins.edit")
def parked_card(scope: Scope) -> shell.Card | None:
    """Work of plugins that stopped; nothing to say where none did."""
    stopped = work.parked(scope)
    if not stopped:
        return None
    return shell.Card(
        _l("Plugins"),
        tuple(
            shell.Figure(str(count), _title(name), f"/settings/plugins/{name}")
            for name, count in sorted(stopped.items())
        ),
        text=_("What these plugins had to do failed and is not tried any more. Open one to see why."),
    )


def _title(name: str) -> str:
    loaded = registry().plugins.get(name)
    return words.words(name)(loaded.manifest.label) if loaded and loaded.manifest else name


def _page(loaded: Loaded, form: Any, status: int = 200) -> Response:
    with edge.read() as scope:
        rows = work.open_work(scope, loaded.name)
        on = context.enabled(scope, loaded.name)
    return edge.page(
        "pages/plugins/settings.html",
        status=status,
        loaded=loaded,
        label=_title(loaded.name),
        form=form,
        channels=[key for key, (owner, _channel) in registry().channels.items() if owner == loaded.name],
        rows=rows,
        on=on,
    )
