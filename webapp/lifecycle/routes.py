"""Where the members stand, why one stands where they do, and a run by hand."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.kernel import edge, i18n, shell
from webapp.kernel.errors import Refused
from webapp.kernel.filters import number
from webapp.kernel.scope import Scope
from webapp.lifecycle import explaining, fields, queries, service  # noqa: F401  (fields registers itself)
from webapp.lifecycle.words import STAGES, stage_name
from webapp.members import panels
from webapp.members.models import Member
from webapp.members.queries import count_members
from webapp.plugin_api import STAGES as ORDER
from webapp.plugin_runtime import calls, words

bp = edge.blueprint("lifecycle", __name__)
AHEAD = 30  # days of which it is said who will turn


@bp.get("/lifecycle", permission="lifecycle.view")
def index() -> Response:
    """How many stand in each stage and why, who will turn soon, and when it was looked at last."""
    with edge.read() as scope:
        counted = queries.stage_counts(scope)
        members = count_members(scope, Member.person_id == Member.id)
        run = queries.last_run(scope)
        bound = calls.policy(scope)
        turning = queries.turning_by(scope, scope.today + timedelta(days=AHEAD))
    stages = [
        {
            "key": stage,
            "name": STAGES[stage],
            "members": sum(n for (of, _reason), n in counted.items() if of == stage),
            "leaving": sorted(
                ((stage_name(after), n) for (of, after), n in turning.items() if of == stage),
                key=lambda pair: -pair[1],
            ),
        }
        for stage in ORDER
    ]
    return edge.page(
        "pages/lifecycle/index.html",
        stages=stages,
        members=members,
        waiting=members - sum(counted.values()),
        run=run,
        policy=words.words(bound.plugin)(bound.impl.label) if bound else None,
        problem=_problem(run.error, run.error_facts) if run and run.error else None,
        days=AHEAD,
    )


@bp.post("/lifecycle/run", permission="lifecycle.run")
def run() -> Response:
    """Ask for a run. Harmless twice: it looks only at who is due."""

    def work(scope: Scope) -> None:
        service.want(scope)
        scope.audit("lifecycle.run", "lifecycle")

    edge.write(work)
    flash(_("The stages are being looked at. Open this page again in a moment."), "good")
    return edge.redirect("lifecycle.index")


def _problem(code: str, facts: dict[str, str] | None) -> str:
    """What stopped the last run, and what to do."""
    if code == service.NO_POLICY:
        return str(_("No life-cycle policy is switched on. Switch one on under More, Plugins."))
    plugin = (facts or {}).get("plugin", "")
    return str(
        _(
            "The plugin %(plugin)s failed while it decided, so no stage was changed. See the log, or switch it off.",
            plugin=plugin,
        )
    )


@panels.panel(10, "members.view")
def why(scope: Scope, member: Member) -> panels.Panel:
    """The stage on a member's profile, with its reason counted now."""
    found = explaining.explain(scope, member.person_id, i18n.pick_locale())
    if isinstance(found, Refused):
        stored = queries.standing(scope, member.person_id)
        return panels.Panel(
            "fragments/lifecycle/_why.html",
            {
                "why": None,
                "stored": stored,
                "stage_name": stage_name,
                "problem": _problem(found.code, found.facts),
            },
        )
    return panels.Panel("fragments/lifecycle/_why.html", {"why": found, "stage_name": stage_name})


@shell.card(60, "lifecycle.view")
def today_card(scope: Scope) -> shell.Card | None:
    """The two stages in which something can be done."""
    counted = queries.stage_counts(scope)
    if not counted:
        return None
    figures = tuple(
        shell.Figure(
            number(sum(n for (of, _reason), n in counted.items() if of == stage)),
            STAGES[stage],
            url_for("members.index", stage=stage),
        )
        for stage in ("maturity", "dormancy", "churn")
    )
    return shell.Card(_l("Life cycle"), figures, action=(_l("All stages"), url_for("lifecycle.index")))


def init_app(app: Flask) -> None:
    """Register; a place in More. Importing `fields` has put stages into rules and into the list of members."""
    app.register_blueprint(bp)
    shell.more(
        "lifecycle.index",
        _l("Life cycle"),
        "lifecycle.view",
        _l("Who is new, growing, loyal, asleep or gone, and why."),
        icon="stages",
    )
