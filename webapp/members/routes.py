"""Members: the list, the profile, adding and correcting on the phone."""

from __future__ import annotations

from flask import Flask, Response, flash, g, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from webapp.brands import queries as brands
from webapp.kernel import edge, shell
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.members import panels, queries, service
from webapp.members.forms import MemberForm, member_form
from webapp.members.models import Member
from webapp.plugin_runtime import calls, words

bp = edge.blueprint("members", __name__)
PAGE = 50


@bp.get("/members", permission="members.view")
def index() -> Response:
    """Search and filters above, newest first below."""
    text = request.args.get("q", "")[:200]
    chosen = {name: request.args.get(name, "")[:60] for name in panels.FILTERS}
    store_id = request.args.get("store", type=int)
    after = request.args.get("after", type=int)
    with edge.read() as scope:
        filters = [
            (one, [(str(value), label) for value, label in one.choices(scope)], chosen[name])
            for name, one in panels.FILTERS.items()
        ]
        where = [
            one.condition(scope, value)
            for one, choices, value in filters
            if value and value in {known for known, _label in choices}
        ]
        found = queries.list_members(
            scope, text=text, store_id=store_id, where=where, after=after, limit=PAGE
        )
        badges = [(one.label, one.of(scope, [m.id for m in found.members])) for one in panels.BADGES]
        stores = brands.stores_in_reach(scope)
        total = None if text else queries.count_members(scope, *where)
    narrowed = bool(text or store_id or any(chosen.values()))
    return edge.page(
        "pages/members/index.html",
        block="results",
        found=found,
        badges=badges,
        filters=filters,
        stores=stores,
        store_id=store_id,
        text=text,
        total=total,
        narrowed=narrowed,
        reveal=edge.can("members.reveal"),
        more={k: v for k, v in request.args.items() if k in {"q", "store", *panels.FILTERS} and v},
    )


@bp.get("/members/<int:member_id>", permission="members.view")
def profile(member_id: int) -> Response:
    """One member: who, how to reach, what they agreed to, and what other rooms know."""
    with edge.read() as scope:
        card = queries.profile(scope, member_id)
        sections = [
            made
            for maker in panels.PANELS
            if edge.can(maker.permission) and (made := maker.build(scope, card.member)) is not None
        ]
        channels = _channels(scope)
        html = [Markup(render_template(one.template, member=card.member, **one.context)) for one in sections]
    return edge.page(
        "pages/members/profile.html",
        card=card,
        sections=html,
        channels=channels,
        reveal=edge.can("members.reveal"),
    )


@bp.get("/members/new", permission="members.edit")
def new() -> Response:
    """An empty form."""
    with edge.read() as scope:
        form = member_form(_stores(scope), _channels(scope), store=g.get("store_id") or 0)
    return _form_page(form, None)


@bp.post("/members/new", permission="members.edit")
def add() -> Response:
    """Add once, however often it is tapped."""
    with edge.read() as scope:
        channels = _channels(scope)
        form = member_form(_stores(scope), channels)
    if not form.validate():
        return _form_page(form, None, 422)
    details, consents = _details(form, None), _consents(form, channels, {})

    answer = edge.add_once(
        "member.new",
        lambda scope: service.add_member(scope, details, consents=consents, source="counter"),
    )
    if isinstance(answer, int):
        flash(_("Added."), "good")
        return edge.redirect("members.profile", member_id=answer)
    form.refuse(answer)
    return _form_page(form, None, 422)


@bp.get("/members/<int:member_id>/edit", permission="members.edit")
def edit(member_id: int) -> Response:
    """The form with what is stored; phone and e-mail only for those who may see them in full."""
    reveal = edge.can("members.reveal")
    with edge.read() as scope:
        card, channels = queries.profile(scope, member_id), _channels(scope)
        member = card.member
        values = {
            "name": member.name,
            "number": member.number,
            "birthday": member.birthday,
            "gender": member.gender,
            "store": member.store_id or 0,
            "phone": (card.phone or "") if reveal else "",
            "email": (card.email or "") if reveal else "",
        }
        values |= {
            f"consent_{key}": card.consents.get((key, service.MARKETING), False) for key, _label in channels
        }
        form = member_form(_stores(scope), channels, **values)
    return _form_page(form, card)


@bp.post("/members/<int:member_id>/edit", permission="members.edit")
def correct(member_id: int) -> Response:
    """Store the correction; a consent that was changed is a new row with its source."""
    with edge.read() as scope:
        card, channels = queries.profile(scope, member_id), _channels(scope)
        form = member_form(_stores(scope), channels)
    if not form.validate():
        return _form_page(form, card, 422)
    details, consents = _details(form, card), _consents(form, channels, card.consents)
    answer = edge.write(
        lambda scope: service.correct_member(scope, member_id, details, consents=consents, source="counter")
    )
    if isinstance(answer, Refused):
        form.refuse(answer)
        return _form_page(form, card, 422)
    flash(_("Saved."), "good")
    return edge.redirect("members.profile", member_id=member_id)


def _form_page(form: MemberForm, card: queries.Profile | None, status: int = 200) -> Response:
    return edge.page(
        "pages/members/form.html",
        status=status,
        form=form,
        card=card,
        reveal=edge.can("members.reveal") or card is None,
    )


def _details(form: MemberForm, card: queries.Profile | None) -> service.Details:
    """What the form says. A blank phone from someone who was not shown the stored one says nothing about it."""
    blind = card is not None and not edge.can("members.reveal")

    def text(value: str | None) -> str | None:
        cleaned = (value or "").strip()
        return None if blind and not cleaned else cleaned

    return service.Details(
        number=(form.number.data or "").strip() or None,
        name=(form.name.data or "").strip(),
        phone=text(form.phone.data),
        email=text(form.email.data),
        birthday=form.birthday.data or "",
        gender=form.gender.data or "",
        store_id=form.store.data or 0,
    )


def _consents(
    form: MemberForm, channels: list[tuple[str, str]], known: dict[tuple[str, str], bool]
) -> dict[str, bool]:
    """Only what changed: a box that stays empty for someone who never said anything is no answer."""
    said = {key: bool(form[f"consent_{key}"].data) for key, _label in channels}
    return {key: on for key, on in said.items() if on != known.get((key, service.MARKETING), False)}


def _stores(scope: Scope) -> list[tuple[int, str]]:
    """What the form offers: "no store" only to who sees such members afterwards."""
    none = [(0, _("no store"))] if scope.actor.stores is None else []
    return none + [(store.id, store.name) for store in brands.stores_in_reach(scope)]


def _channels(scope: Scope) -> list[tuple[str, str]]:
    """(key, label) of the channels that the brand has."""
    return [(one.impl.key, words.consent_label(one.plugin, one.impl)) for one in calls.channels(scope)]


@shell.card(90, "members.view")
def today_card(scope: Scope) -> shell.Card:
    """How many members there are, and the way to more."""
    total = queries.count_members(scope)
    fresh = queries.count_members(scope, Member.joined_on == scope.today)
    return shell.Card(
        _l("Members"),
        (
            shell.Figure(str(total), _l("in all"), "/members"),
            shell.Figure(str(fresh), _l("joined today")),
        ),
        text=""
        if total
        else _l("Add the first member at the counter, or bring in a list that you have: More, Files."),
        action=(_l("Add a member"), "/members/new") if edge.can("members.edit") else None,
    )


def init_app(app: Flask) -> None:
    """Register."""
    app.register_blueprint(bp)
