"""The first steps: a list that ticks itself off, a strip that leads from page to page, a card on Today; and mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, abort, current_app, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.kernel import edge
from webapp.kernel.errors import Refused
from webapp.kernel.limits import limit
from webapp.kernel.scope import Scope
from webapp.kernel.security import secure
from webapp.kernel.shell import Card, Item, card
from webapp.outbox import words
from webapp.plugin_api import Address
from webapp.plugin_runtime import calls, context, probe
from webapp.plugin_runtime.forms import SettingsForm, settings_form
from webapp.plugin_runtime.runtime import Loaded, registry
from webapp.plugin_runtime.words import words as plugin_words
from webapp.settings import steps
from webapp.staff.models import Staff

bp = edge.blueprint("setup", __name__)
COOKIE = "rg_setup"  # this browser is being led from step to step
MAIL = "channel_email"

WORDS = {
    "shop": (_l("Name, colour, logo"), _l("What members see on coupons and in messages.")),
    "stores": (_l("Stores"), _l("A name a line; tills and files may call them otherwise.")),
    "staff": (_l("Staff"), _l("Let the first colleagues in by a link.")),
    "mail": (_l("Mail"), _l("Your mail server, and a test mail to yourself.")),
    "address": (_l("Public address"), _l("Where members' phones find you, checked with yours.")),
    "import": (_l("Members and orders"), _l("Bring them in from files of your till or your old program.")),
    "campaign": (_l("First campaign"), _l("Write to members who agreed to it.")),
}
# The page of each step; of several the first one that this program has.
PAGES = {
    "shop": ("shop.edit",),
    "stores": ("stores.index",),
    "staff": ("people.index", "staff_people.index", "staff.people"),
    "mail": ("setup.mail",),
    "address": ("address.show",),
    "import": ("imports.new", "imports.index"),
    "campaign": ("campaigns.new",),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A step as it is shown."""

    key: str
    label: Any
    hint: Any
    url: str
    done: bool


def _steps(scope: Scope) -> list[Step]:
    found = []
    for key, done in steps.done(scope).items():
        endpoint = next((one for one in PAGES[key] if one in current_app.view_functions), None)
        if endpoint is not None:
            label, hint = WORDS[key]
            found.append(Step(key, label, hint, url_for(endpoint), done))
    return found


def begin(response: Response) -> Response:
    """From now on this browser is led."""
    response.set_cookie(COOKIE, "1", max_age=7 * 86400, samesite="Lax", httponly=True, secure=secure())
    return response


def strip() -> dict[str, Any] | None:
    """For base.html: how far the first steps are and which comes next; None for who is not being led just now."""
    led = request.cookies.get(COOKIE) == "1" and edge.brand() is not None
    if (
        not led
        or not edge.actor().can("settings.edit")
        or (request.blueprint == "setup" and request.endpoint != "setup.mail")
    ):
        return None
    with edge.read() as scope:
        found = _steps(scope)
    left = [step for step in found if not step.done]
    here = next((n for n, step in enumerate(found) if step.url == request.path), -1)
    following = [step for step in found[here + 1 :] if not step.done] or [
        step for step in left if step.url != request.path
    ]
    return {"done": len(found) - len(left), "total": len(found), "next": following[0] if following else None}


@bp.get("/setup", permission="settings.edit")
def index() -> Response:
    """Every step, done ones ticked."""
    with edge.read() as scope:
        found, away = _steps(scope), steps.is_away(scope)
    left = [step for step in found if not step.done]
    return begin(edge.page("pages/setup/index.html", steps=found, left=left, away=away))


@bp.post("/setup/later", permission="settings.edit")
def later() -> Response:
    """Not now: what is left stands on Today."""
    flash(_("You find what is left here, and under More."), "plain")
    response = edge.redirect("today.show")
    response.delete_cookie(COOKIE)
    return response


@bp.post("/setup/away", permission="settings.edit")
def away() -> Response:
    """Take the list off Today, or put it back there."""
    gone = request.form.get("away") == "1"
    edge.write(lambda scope: steps.put_away(scope, away=gone))
    response = edge.redirect("today.show" if gone else "setup.index")
    if gone:
        response.delete_cookie(COOKIE)
    return response


@card(order=0, permission="settings.edit")
def todo(scope: Scope) -> Card | None:
    """What is left to set up; nothing once all is done or the owner put it away."""
    if steps.is_away(scope):
        return None
    found = _steps(scope)
    if all(step.done for step in found):
        return None
    items = tuple(Item(step.label, step.url, done=step.done) for step in found)
    return Card(_l("First steps"), items=items, action=(_l("Go on setting up"), url_for("setup.index")))


# -- mail --------------------------------------------------------------------------------------------------------------


def _mail() -> Loaded:
    loaded = registry().plugins.get(MAIL)
    if loaded is None or loaded.error:
        abort(404)
    return loaded


@bp.get("/setup/mail", permission="plugins.edit")
def mail() -> Response:
    """The e-mail channel's own settings, and whom the test goes to."""
    loaded = _mail()
    with edge.read() as scope:
        values = context.settings_of(scope, MAIL)
    return _mail_page(loaded, settings_form(loaded, values))


@bp.post("/setup/mail", permission="plugins.edit")
def mail_post() -> Response:
    """Store them; with the other button send oneself a mail as well."""
    loaded = _mail()
    form = settings_form(loaded, {})
    given = form.given()

    def work(scope: Scope) -> dict[str, str]:
        problems = context.save_settings(scope, MAIL, given)
        if not problems and not context.enabled(scope, MAIL):
            context.switch(scope, MAIL, on=True)
        return problems

    problems = edge.write(work)
    for key, message in problems.items():
        form[key].errors = [_(message)]
    if problems:
        return _mail_page(loaded, form, 422)
    if request.form.get("test") == "1":
        return _test_mail(loaded, form)
    flash(_("Saved."), "good")
    return edge.redirect("setup.mail")


def _test_mail(loaded: Loaded, form: SettingsForm) -> Response:
    brand = edge.brand()
    assert brand is not None  # the guard saw to it
    if not limit("outbox.try", str(edge.actor().id), 10, 600):
        abort(429)
    with edge.read() as scope:
        bound, me = calls.channel(scope, "email"), scope.session.get_one(Staff, scope.actor.id).email
    if bound is None:
        abort(404)
    text = _("A trial message from %(brand)s. It arrived.", brand=brand.name)
    content = {field.key: f"<p>{text}</p>" if field.kind == "html" else text for field in bound.impl.fields}
    answer = probe.send_one(edge.database(), brand, "email", Address(me), content)
    if isinstance(answer, Refused):
        form.form_errors.append(plugin_words(loaded.name)(answer.facts.get("why", answer.code)))
    elif answer.state != "sent":
        detail = f" ({answer.detail})" if answer.detail else ""
        form.form_errors.append(f"{words.reason(answer.reason)}{detail}")
    else:
        flash(_("Sent to %(address)s. Look whether it arrived.", address=me), "good")
        return edge.redirect("setup.mail")
    return _mail_page(loaded, form, 422)


def _mail_page(loaded: Loaded, form: SettingsForm, status: int = 200) -> Response:
    with edge.read() as scope:
        me = scope.session.get_one(Staff, scope.actor.id).email
        ready = steps.mail_ready(scope)
    return edge.page("pages/setup/mail.html", status=status, form=form, loaded=loaded, me=me, ready=ready)
