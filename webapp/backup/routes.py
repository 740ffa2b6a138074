"""Settings -> Backups: the plan, what was made, one by hand; and the age of the newest on Today."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, current_app, flash, url_for
from flask_babel import format_timedelta
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.backup import make, schedule, service
from webapp.backup.forms import PlanForm
from webapp.kernel import edge, shell
from webapp.kernel.scope import Scope

bp = edge.blueprint("backup", __name__)
UNFIT = {
    "relative": _l("Give the whole path, from the root on: /mnt/backup/shop"),
    "missing": _l("There is no such folder, and the shop may not make it."),
    "read_only": _l("The shop may not write there."),
}


@bp.get("/settings/backups", permission="backup.view")
def index() -> Response:
    """The plan as a form, the newest tries, and how a restore goes."""
    with edge.read() as scope:
        form = PlanForm.of(service.plan(scope))
    return _page(form)


@bp.post("/settings/backups", permission="backup.view")
def save() -> Response:
    """Store the plan."""
    form = PlanForm()
    if not form.validate():
        return _page(form, 422)
    wanted = form.plan()
    refused = edge.write(lambda scope: service.save(scope, wanted))
    if refused is not None:
        form.folder.errors = [UNFIT[refused.facts["why"]]]
        return _page(form, 422)
    flash(_("Saved."), "good")
    return edge.redirect("backup.index")


@bp.post("/settings/backups/now", permission="backup.view")
def now() -> Response:
    """One by hand, in the background. Asked twice it is one."""
    edge.write(service.ask)
    flash(_("The backup is being made. Open this page again in a moment."), "good")
    return edge.redirect("backup.index")


def _page(form: PlanForm, status: int = 200) -> Response:
    with edge.read() as scope:
        runs = service.runs(scope)
        last = service.last_good(scope)
        stale = schedule.stale(scope.now, last)
    return edge.page(
        "pages/backup/index.html",
        status=status,
        form=form,
        runs=[(run, not run.error and Path(run.file).is_file()) for run in runs],
        last=last,
        stale=stale,
        folder=make.default_folder(current_app.extensions["regulars.settings"]),
    )


@shell.card(90, "backup.view")
def today_card(scope: Scope) -> shell.Card:
    """The age of the newest; a warning where there is none or it is old."""
    last = service.last_good(scope)
    text = ""
    if last is None:
        text = _("There is no backup yet. If this machine breaks, everything is lost.")
    elif schedule.stale(scope.now, last):
        text = _(
            "The newest backup is too old: the plan is off, the machine is off at that hour, or it fails."
        )
    age = "–" if last is None else format_timedelta(scope.now - last, granularity="hour")
    return shell.Card(
        _l("Backup"),
        (shell.Figure(age, _l("since the newest was made"), url_for("backup.index")),) if last else (),
        text=text,
        action=(_l("Backups"), url_for("backup.index")),
    )


def init_app(app: Flask) -> None:
    """Register; a place in More."""
    app.register_blueprint(bp)
    shell.more(
        "backup.index",
        _l("Backups"),
        "backup.view",
        _l("When, how many, where; and one now."),
        icon="export",
    )
