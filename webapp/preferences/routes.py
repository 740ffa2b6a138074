"""The member's own page (/p/): no sign-in, the word in the link is what entitles. And what staff see of it."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, abort, flash, g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.campaigns import landing
from webapp.kernel import browser, edge, i18n
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.limits import limit
from webapp.kernel.scope import Actor, Scope
from webapp.kernel.security import secure
from webapp.members import pages, panels
from webapp.members.forms import REFUSALS
from webapp.members.models import Member
from webapp.plugin_runtime import calls, words
from webapp.preferences import service

bp = edge.blueprint("preferences", __name__)
CHANGES = (40, 600)  # changes that one address, or one page, may make in so many seconds
PURPOSES: dict[str, Any] = {"marketing": _l("offers and news"), "service": _l("about what you ordered")}
SOURCES: dict[str, Any] = {
    "import": _l("a file"),
    "counter": _l("the counter"),
    "unsubscribe": _l("the link in a message"),
    "resubscribe": _l("the link in a message, taken back"),
    "member": _l("their own page"),
    "task": _l("a talk with staff"),
    "touchpoint": _l("a joining page"),
    "join": _l("a joining page"),
    "claim": _l("an offer's public page"),
}


def _whose(token: str, change: bool = False) -> int:
    """The member of a link; from here on the request is their brand's and in their language. 404 for a word that we did
    not make, 429 for who asks faster than people do."""
    browser.door()
    ids = pages.read(token)
    if ids is None:
        abort(404)
    if change and not (
        limit("preferences", request.remote_addr or "", *CHANGES) and limit("preferences-of", token, *CHANGES)
    ):
        abort(429)
    try:
        g.brand = edge.database().brand(ids[0])
        with edge.read() as scope:
            member = service.standing(scope, ids[1]).member
    except NotFound:
        abort(404)
    g.locale = member.locale or ""
    return ids[1]


def _write(member_id: int, work: Any) -> Any:
    return edge.database().write(work, brand=edge.brand(), actor=Actor("member", member_id))


def _labels(scope: Scope) -> dict[str, str]:
    return {one.impl.key: words.consent_label(one.plugin, one.impl) for one in calls.channels(scope)}


@bp.get("/p/<token>", permission=PUBLIC)
def show(token: str) -> Response:
    """What they agreed to, and what is known of them, as far as a forwarded link may show it."""
    member_id = _whose(token)
    response = _page(token, member_id)
    if request.method == "GET" and not browser.is_robot():
        _know(response, member_id)
    return response


def _know(response: Response, member_id: int) -> None:
    """A group's link that this browser opens later leads straight to the member's coupon."""
    brand = edge.brand()
    assert brand is not None  # _whose saw to it
    visitor = landing.unseal(brand.id, request.cookies.get(landing.cookie(brand.id), ""))
    with edge.read() as scope:
        known = landing.visitor_of(scope, visitor)
    if known is None or not known.known or known.member_id != member_id:
        visitor = visitor or landing.new_visitor()
        number = visitor
        _write(member_id, lambda scope: landing.remember(scope, number, member_id, known=True))
        browser.keep(response, landing.cookie(brand.id), landing.seal(brand.id, number))


def _page(
    token: str,
    member_id: int,
    *,
    wrong: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    with edge.read() as scope:
        known, labels = service.standing(scope, member_id), _labels(scope)
    answers = [
        (f"{channel}:{purpose}", labels.get(channel, channel), PURPOSES.get(purpose, purpose), granted)
        for (channel, purpose), granted in known.answers.items()
    ]
    return edge.unlisted(
        "pages/preferences/show.html",
        status=status,
        known=known,
        answers=answers,
        token=token,
        wrong=wrong or {},
        typed=typed or {},
        languages={"en": "English", "zh_CN": "中文"},
    )


@bp.post("/p/<token>/consents", permission=PUBLIC)
def say(token: str) -> Response:
    """Each answer; what the form did not show stays as it is."""
    member_id = _whose(token, change=True)
    shown, on = request.form.getlist("shown"), set(request.form.getlist("agree"))
    said = {(word.partition(":")[0], word.partition(":")[2]): word in on for word in shown}
    changed = _write(member_id, lambda scope: service.say(scope, member_id, said))
    flash(_("Saved. It holds from now on.") if changed else _("Nothing was changed."), "good")
    return edge.redirect("preferences.show", token=token)


@bp.post("/p/<token>/stop", permission=PUBLIC)
def stop(token: str) -> Response:
    """No more of anything."""
    member_id = _whose(token, change=True)
    _write(member_id, lambda scope: service.stop_all(scope, member_id))
    flash(_("Done: nothing is sent to you any more. Coupons that you have stay yours."), "good")
    return edge.redirect("preferences.show", token=token)


@bp.post("/p/<token>/data", permission=PUBLIC)
def correct(token: str) -> Response:
    """Name and birthday at once; another phone or address once staff have confirmed it."""
    member_id = _whose(token, change=True)
    typed = {key: request.form.get(key, "")[:200].strip() for key in ("name", "birthday", "phone", "email")}

    def work(scope: Scope) -> tuple[dict[str, str], bool]:
        wrong: dict[str, str] = {}
        asked = False
        refused = service.correct(scope, member_id, name=typed["name"], birthday=typed["birthday"])
        if refused is not None:
            return {str(refused.facts["field"]): str(REFUSALS[refused.code])}, False
        for kind in ("phone", "email"):
            if typed[kind]:
                refused = service.ask(scope, member_id, kind, typed[kind])
                asked = asked or refused is None
                if refused is not None:
                    wrong[kind] = str(REFUSALS[refused.code])
        return wrong, asked

    wrong, asked = _write(member_id, work)
    if wrong:
        return _page(token, member_id, wrong=wrong, typed=typed, status=422)
    if asked:
        flash(_("Saved. The new phone or e-mail counts once the shop has confirmed it with you."), "good")
    else:
        flash(_("Saved."), "good")
    return edge.redirect("preferences.show", token=token)


@bp.post("/p/<token>/language", permission=PUBLIC)
def speak(token: str) -> Response:
    """Of this page, on every browser."""
    member_id = _whose(token, change=True)
    chosen = request.form.get("language", "")
    if not _write(member_id, lambda scope: service.speak(scope, member_id, chosen)):
        abort(400)
    response = edge.redirect("preferences.show", token=token)
    response.set_cookie(
        i18n.COOKIE, chosen, max_age=365 * 24 * 3600, samesite="Lax", httponly=True, secure=secure()
    )
    return response


# -- what staff see ----------------------------------------------------------------------------------------------------


@panels.panel(80, "members.view")
def consents_of(scope: Scope, member: Member) -> panels.Panel:
    """The history, what waits to be confirmed, and the link to give to the member."""
    labels = _labels(scope)
    said = [
        (
            one,
            labels.get(one.channel, one.channel),
            PURPOSES.get(one.purpose, one.purpose),
            SOURCES.get(one.source.partition(":")[0], one.source),
        )
        for one in service.history(scope, member.id)
    ]
    link = pages.url(scope.brand.id, member.id) if edge.can("members.edit") else None
    return panels.Panel(
        "fragments/preferences/_of_member.html",
        {
            "said": said,
            "link": link,
            "changes": service.changes(scope, member.id),
            "reveal": edge.can("members.reveal"),
        },
    )


@bp.post("/members/<int:member_id>/contact/<int:change_id>", permission="members.edit")
def settle(member_id: int, change_id: int) -> Response:
    """Confirmed (yes=1), or not theirs."""
    confirm = bool(request.form.get("yes"))
    answer = edge.write(lambda scope: service.settle(scope, member_id, change_id, confirm=confirm))
    if isinstance(answer, Refused):
        flash(str(REFUSALS.get(answer.code) or _("Somebody has settled this already.")), "warn")
    else:
        flash(_("Confirmed: it counts from now on.") if confirm else _("Not taken over."), "good")
    return edge.redirect("members.profile", member_id=member_id)


def init_app(app: Flask) -> None:
    """Register; templates of other rooms link to a member's page by `own_page(brand_id, member_id)`."""
    app.register_blueprint(bp)
    app.jinja_env.globals["own_page"] = pages.path
