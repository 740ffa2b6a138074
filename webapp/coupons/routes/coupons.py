"""Coupons as staff see them: the rows behind a figure, one coupon's history, giving one by hand, taking one away."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.coupons import auditing, nightly, queries, says, service
from webapp.coupons.models import Coupon
from webapp.kernel import edge, shell
from webapp.kernel.errors import Refused
from webapp.kernel.i18n import pick_locale
from webapp.kernel.scope import Scope
from webapp.members import panels
from webapp.members import queries as members
from webapp.members.models import Member

bp = edge.blueprint("coupons", __name__)


@bp.get("/coupons", permission="coupons.view")
def index() -> Response:
    """The rows behind a figure: of an offer (?offer=), of a campaign (?campaign=), or all; ?show= a key of WHICH."""
    show = request.args.get("show", "all")
    show = show if show in queries.WHICH else "all"
    offer_id, campaign_id = (request.args.get(name, type=int) for name in ("offer", "campaign"))
    with edge.read() as scope:
        offer = queries.offer(scope, offer_id) if offer_id else None
        page = queries.coupons(
            scope,
            offer_id=offer_id,
            campaign_id=campaign_id,
            show=show,
            after=request.args.get("after", type=int),
        )
    of = {name: value for name, value in (("offer", offer_id), ("campaign", campaign_id)) if value}
    return edge.page(
        "pages/coupons/index.html",
        page=page,
        show=show,
        offer=offer,
        of=of,
        shown=says.SHOWN,
        states=says.COUPON_STATES,
    )


@bp.get("/coupons/<int:coupon_id>", permission="coupons.view")
def show(coupon_id: int) -> Response:
    """One coupon: what it is worth, what happened to it, by whom."""
    with edge.read() as scope:
        row = queries.coupon_row(scope, coupon_id)
        offer = queries.offer(scope, row.coupon.offer_id)
        terms = queries.terms(scope, offer.id, row.coupon.terms_version)
        context: dict[str, Any] = {
            "lines": queries.describe(scope, offer, terms, pick_locale(), staff=True),
            "history": queries.history(scope, coupon_id),
        }
    return edge.page(
        "pages/coupons/show.html", row=row, offer=offer, terms=terms, states=says.COUPON_STATES, **context
    )


@bp.post("/coupons/<int:coupon_id>/void", permission="coupons.edit")
def void(coupon_id: int) -> Response:
    """Take it away."""
    reason = request.form.get("reason", "").strip()

    def unit(scope: Scope) -> Coupon | Refused:
        queries.coupon_row(scope, coupon_id)  # within reach, or there is none
        return service.void(scope, coupon_id, reason)

    answer = edge.write(unit)
    if isinstance(answer, Refused):
        flash(says.refused(answer) + " " + _("Undo that first."), "warn")
    else:
        flash(_("Taken away; it is back in the stock."), "good")
    return edge.redirect("coupons.show", coupon_id=coupon_id)


@bp.get("/members/<int:member_id>/give", permission="coupons.edit")
def choose(member_id: int) -> Response:
    """Which open offer for this member."""
    with edge.read() as scope:
        member = members.in_reach(scope, member_id)
        rows = [
            (offer, queries.describe(scope, offer, terms, pick_locale()))
            for offer, terms in queries.offers(scope, state="open")
            if queries.giveable(offer)
        ]
    return edge.page("pages/coupons/give.html", member=member, rows=rows)


@bp.post("/members/<int:member_id>/give", permission="coupons.edit")
def give(member_id: int) -> Response:
    """Give it, once a form."""
    key, offer_id = edge.once_key(), request.form.get("offer", type=int) or 0

    def unit(scope: Scope) -> Coupon | Refused:
        members.in_reach(scope, member_id)
        return service.give(scope, offer_id, member_id, key)

    answer = edge.write(unit)
    if isinstance(answer, Coupon):
        flash(_("Given. The member's page is below."), "good")
        return edge.redirect("coupons.show", coupon_id=answer.id)
    flash(says.refused(answer), "warn")
    return edge.redirect("coupons.choose", member_id=member_id)


@panels.panel(40, "coupons.view")
def of_member(scope: Scope, member: Member) -> panels.Panel:
    """A section of the profile: the last coupons, and the way to one more."""
    page = queries.coupons(scope, person_id=member.person_id, limit=5)
    return panels.Panel("fragments/coupons/_of_member.html", {"page": page, "states": says.COUPON_STATES})


@shell.card(5, "settings.edit")
def audit_card(scope: Scope) -> shell.Card | None:
    """What the nightly look found wrong; nothing to say where all is right."""
    outcome = nightly.last(scope)
    if outcome is None or not (outcome.broken or outcome.failed):
        return None
    if outcome.failed:
        return shell.Card(
            _l("Coupon check"),
            text=_(
                "The nightly check of the coupons could not be made. The log says why; it is tried again tomorrow."
            ),
        )
    figures = tuple(
        shell.Figure(str(outcome.broken[one.key]), one.says, _first(one, outcome.examples))
        for one in auditing.PROMISES
        if one.key in outcome.broken
    )
    return shell.Card(
        _l("Coupon check"),
        figures,
        text=_(
            "Coupons do not add up since the night. Nothing was changed. Keep the newest backups, run "
            "“regulars coupons audit” on the shop's machine, and show what it says to whoever looks after the shop."
        ),
    )


def _first(promise: auditing.Promise, examples: dict[str, list[int]]) -> str | None:
    """The page of the first of the rows that were named."""
    if not examples.get(promise.key):
        return None
    first = examples[promise.key][0]
    if promise.about == "offer":
        return url_for("coupons.index", offer=first)
    return url_for("coupons.show", coupon_id=first)
