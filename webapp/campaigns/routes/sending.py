"""The last look before it goes, sending it off, and steering it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, abort, flash
from flask_babel import gettext as _

from webapp.campaigns import queries, states, wording
from webapp.campaigns.routes.base import bp, carried, channel_label, draft, page
from webapp.campaigns.routes.home import described
from webapp.kernel import edge
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.outbox import service as outbox


@bp.get("/campaigns/<int:campaign_id>/review", permission="campaigns.view")
def review(campaign_id: int) -> Response:
    """Exactly who gets it, who is left out and why, and what it can cost."""
    return _review(campaign_id)


def _review(campaign_id: int, status: int = 200) -> Response:
    with edge.read() as scope:
        campaign = draft(scope, campaign_id)
        seen = states.review(scope, campaign_id)
        offer = carried(scope, campaign)
        audience = described(scope, campaign, queries.version(scope, campaign).audience)
        return page(
            "review.html",
            status=status,
            campaign=campaign,
            seen=seen,
            offer=offer,
            audience=audience,
            channel=channel_label(scope, campaign.channel),
            blocked=[(one.code, wording.refusal(one)) for one in seen.blocked],
        )


@bp.post("/campaigns/<int:campaign_id>/send", permission="campaigns.send")
def send(campaign_id: int) -> Response:
    """Off it goes, once."""
    key = edge.once_key()
    answer = edge.write(lambda scope: states.send(scope, campaign_id, key))
    if isinstance(answer, Refused):
        edge.spend_once()
        flash(wording.refusal(answer), "warn")
        if answer.code == "not_a_draft":
            return edge.redirect("campaigns.show", campaign_id=campaign_id)
        return _review(campaign_id, 422)
    flash(_("It is on its way. You may leave this page: it goes on by itself."), "good")
    return edge.redirect("campaigns.show", campaign_id=campaign_id)


def _steer(campaign_id: int, move: Callable[[Scope, int], Refused | None], done: str) -> Response:
    answer = edge.write(lambda scope: move(scope, campaign_id))
    flash(*((wording.refusal(answer), "warn") if isinstance(answer, Refused) else (done, "good")))
    return edge.redirect("campaigns.show", campaign_id=campaign_id)


@bp.post("/campaigns/<int:campaign_id>/pause", permission="campaigns.send")
def pause(campaign_id: int) -> Response:
    """Hold what is not on its way yet."""
    return _steer(campaign_id, states.pause, _("Paused. What was on its way arrives; nothing else goes out."))


@bp.post("/campaigns/<int:campaign_id>/resume", permission="campaigns.send")
def resume(campaign_id: int) -> Response:
    """Go on."""
    return _steer(campaign_id, states.resume, _("It goes on."))


@bp.get("/campaigns/<int:campaign_id>/cancel", permission="campaigns.send")
def ask_cancel(campaign_id: int) -> Response:
    """What cancelling does, before it is done."""
    with edge.read() as scope:
        campaign = queries.get(scope, campaign_id)
        if campaign.state not in ("draft", "laying", "sending", "paused"):
            return edge.redirect("campaigns.show", campaign_id=campaign_id)
        return page("cancel.html", campaign=campaign)


@bp.post("/campaigns/<int:campaign_id>/cancel", permission="campaigns.send")
def cancel(campaign_id: int) -> Response:
    """End it."""
    return _steer(campaign_id, states.cancel, _("Cancelled. What was not sent yet is not sent any more."))


@bp.post("/campaigns/<int:campaign_id>/unknown/<int:delivery_id>/<answer>", permission="campaigns.send")
def resolve(campaign_id: int, delivery_id: int, answer: str) -> Response:
    """A person says whether a message arrived: "arrived", or "again"."""
    if answer not in ("arrived", "again"):
        abort(404)  # a mistyped address is no answer
    refused = edge.write(lambda scope: outbox.resolve_unknown(scope, delivery_id, arrived=answer != "again"))
    if refused is not None:
        flash(wording.refusal(refused), "warn")
    else:
        flash(_("Noted as sent.") if answer != "again" else _("It is sent once more."), "good")
    return edge.redirect("campaigns.messages_of", campaign_id=campaign_id, show="unknown")
