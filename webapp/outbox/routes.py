"""Members' links in messages (/u/, /o/), and the trial message of a channel."""

from __future__ import annotations

import base64

from flask import Flask, Response, abort, current_app, flash, g, request
from flask_babel import gettext as _

from webapp.kernel import browser, edge
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import Refused
from webapp.kernel.limits import limit
from webapp.kernel.scope import BrandRef
from webapp.outbox import optout, service, tokens, words
from webapp.outbox.forms import TryForm
from webapp.outbox.models import Delivery
from webapp.plugin_api import Address
from webapp.plugin_runtime import calls, probe
from webapp.plugin_runtime.words import words as plugin_words

bp = edge.blueprint("outbox", __name__)

DOT = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # one transparent point


def _meant(purpose: tokens.Purpose, token: str) -> tuple[BrandRef, int]:
    """Brand and delivery of a link; 404 for a word that we did not make."""
    ids = tokens.read(purpose, token)
    if ids is None:
        abort(404)
    g.brand = edge.database().brand(ids[0])
    return g.brand, ids[1]


# -- leaving -----------------------------------------------------------------------------------------------------------


@bp.get("/u/<token>", permission=PUBLIC)
def unsubscribe(token: str) -> Response:
    """Asks; following a link changes nothing, because mail scanners follow links."""
    browser.door()
    brand, delivery_id = _meant("unsubscribe", token)
    with edge.read(within=brand) as scope:
        known = optout.standing(scope, delivery_id)
        bound = calls.channel(scope, known.channel) if known else None
    if known is None:
        abort(404)
    label = plugin_words(bound.plugin)(bound.impl.label) if bound else known.channel
    return edge.page("pages/outbox/unsubscribe.html", known=known, channel=label, token=token)


@bp.post("/u/<token>", permission=PUBLIC, csrf_exempt=True)
def leave(token: str) -> Response:
    """The button, and the mail reader's one click (RFC 8058): the word in the link is what entitles."""
    if (
        request.form.get("List-Unsubscribe") != "One-Click"
    ):  # mail services ask for many people from one address
        browser.door()
    brand, delivery_id = _meant("unsubscribe", token)
    if edge.write(lambda scope: optout.leave(scope, delivery_id), within=brand) is None:
        abort(404)
    if request.form.get("List-Unsubscribe") == "One-Click":
        return current_app.make_response(
            (_("You are unsubscribed."), {"Content-Type": "text/plain; charset=utf-8"})
        )
    return edge.redirect("outbox.unsubscribe", token=token)


@bp.post("/u/<token>/back", permission=PUBLIC)
def come_back(token: str) -> Response:
    """It was a mistake. Only what was said on this page is taken back here."""
    browser.door()
    brand, delivery_id = _meant("unsubscribe", token)
    answer = edge.write(lambda scope: optout.come_back(scope, delivery_id), within=brand)
    if answer is None:
        abort(404)
    if isinstance(answer, Refused):
        flash(_("This was not said on this page: please ask in the shop."), "warn")
    return edge.redirect("outbox.unsubscribe", token=token)


# -- opening -----------------------------------------------------------------------------------------------------------


@bp.get("/o/<token>", permission=PUBLIC)
def opened(token: str) -> Response:
    """The picture in a message; the first time it is fetched counts as opened."""
    brand, delivery_id = _meant("open", token)
    if request.method == "GET":
        with edge.read(within=brand) as scope:
            there = scope.session.get(Delivery, (brand.id, delivery_id)) is not None
        if not there:
            abort(404)
        edge.write(lambda scope: service.receipt(scope, delivery_id, "opened", once=True), within=brand)
    return current_app.make_response(
        (DOT, {"Content-Type": "image/gif", "Cache-Control": "private, no-store"})
    )


# -- trying a channel --------------------------------------------------------------------------------------------------


@bp.get("/settings/channels/<key>/try", permission="plugins.edit")
def try_channel(key: str) -> Response:
    """Where a trial message shall go."""
    return _try_page(key, TryForm(formdata=None))


@bp.post("/settings/channels/<key>/try", permission="plugins.edit")
def send_trial(key: str) -> Response:
    """Send it now and say what became of it."""
    form = TryForm()
    if not form.validate():
        return _try_page(key, form, 422)
    brand = edge.brand()
    assert brand is not None  # the guard saw to it
    if not limit("outbox.try", str(edge.actor().id), 10, 600):
        abort(429)
    with edge.read() as scope:
        bound = calls.channel(scope, key)
    if bound is None:
        abort(404)
    text = _("A trial message from %(brand)s. It arrived.", brand=brand.name)
    content = {field.key: f"<p>{text}</p>" if field.kind == "html" else text for field in bound.impl.fields}
    answer = probe.send_one(edge.database(), brand, key, Address(form.to.data.strip()), content)
    if isinstance(answer, Refused):
        why = answer.facts.get("why", answer.code)
        form.form_errors.append(plugin_words(bound.plugin)(why))
        return _try_page(key, form, 422)
    if answer.state != "sent":
        form.to.errors = [
            f"{words.reason(answer.reason)} ({answer.detail})"
            if answer.detail
            else words.reason(answer.reason)
        ]
        return _try_page(key, form, 422)
    flash(_("Sent. Look whether it arrived."), "good")
    return edge.redirect("outbox.try_channel", key=key)


def _try_page(key: str, form: TryForm, status: int = 200) -> Response:
    with edge.read() as scope:
        bound = calls.channel(scope, key)
    if bound is None:
        abort(404)
    label = plugin_words(bound.plugin)(bound.impl.label)
    return edge.page("pages/outbox/try.html", status=status, form=form, label=label, plugin=bound.plugin)


def init_app(app: Flask) -> None:
    """Register."""
    app.register_blueprint(bp)
