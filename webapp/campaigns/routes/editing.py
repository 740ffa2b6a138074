"""Writing a campaign: basics, audience, message, preview, a test to oneself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Response, abort, current_app, flash, request
from flask_babel import gettext as _

from webapp.campaigns import audience, content, drafts, placeholders, queries, source, testing, wording
from webapp.campaigns.forms import BasicsForm, MessageForm, basics_form, message_form
from webapp.campaigns.models import Campaign
from webapp.campaigns.routes.base import bp, channel_of, channels, draft, page
from webapp.coupons import queries as coupons
from webapp.kernel import edge
from webapp.kernel.errors import Refused
from webapp.kernel.limits import limit
from webapp.kernel.scope import Scope
from webapp.matrix import queries as matrices
from webapp.matrix.forms import as_choice
from webapp.plugin_runtime import words
from webapp.segments.compile import conditions
from webapp.segments.forms import Builder
from webapp.segments.rules import BadRule, Rule

# The preview of HTML stands in a frame of its own: nothing in it runs, nothing leads away from it.
FRAME_CSP = (
    "sandbox; default-src 'none'; img-src https: data:; style-src 'unsafe-inline'; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'"
)


# -------------------------------------------------------------------------------------------------------------- basics


def _kind(campaign: Campaign | None) -> str:
    """Of the campaign, or of the one that is to be made: ?for=groups, and the form says it again."""
    if campaign is not None:
        return campaign.kind
    asked = request.form.get("for") or request.args.get("for")
    return queries.GROUPS if asked == queries.GROUPS else "members"


def _basics_form(scope: Scope, campaign: Campaign | None = None) -> BasicsForm:
    known = channels(scope, _kind(campaign))
    offers = coupons.to_choose(scope, campaign.offer_id if campaign is not None else None)
    tables = [(one.id, one.name) for one in matrices.matrices(scope)] if _kind(campaign) == "members" else []
    values: dict[str, Any] = {"channel": known[0][0]} if known else {}
    if campaign is not None:
        chosen = as_choice(campaign.offer_id, campaign.matrix_id)
        values = {"name": campaign.name, "channel": campaign.channel, "offer": chosen}
    return basics_form(known, offers, tables, **values)


@bp.get("/campaigns/new", permission="campaigns.edit")
def new() -> Response:
    """What it is called, how it goes out, what it carries."""
    with edge.read() as scope:
        return page("basics.html", form=_basics_form(scope), campaign=None, kind=_kind(None))


@bp.post("/campaigns/new", permission="campaigns.edit")
def create() -> Response:
    """A draft, once."""
    kind = _kind(None)
    with edge.read() as scope:
        form = _basics_form(scope)
    if not form.validate():
        return page("basics.html", form=form, campaign=None, kind=kind, status=422)
    offer_id, matrix_id = form.offer.chosen

    made = edge.add_once(
        "campaign.new",
        lambda scope: drafts.create(
            scope,
            name=form.name.data,
            channel=form.channel.data,
            offer_id=offer_id,
            matrix_id=matrix_id,
            kind=kind,
        ),
    )
    if isinstance(made, int):
        return edge.redirect("campaigns.edit_audience", campaign_id=made)
    form.refuse(made)
    return page("basics.html", form=form, campaign=None, kind=kind, status=422)


@bp.get("/campaigns/<int:campaign_id>/basics", permission="campaigns.edit")
def edit_basics(campaign_id: int) -> Response:
    """The same of a draft."""
    with edge.read() as scope:
        campaign = draft(scope, campaign_id)
        return page("basics.html", form=_basics_form(scope, campaign), campaign=campaign, kind=campaign.kind)


@bp.post("/campaigns/<int:campaign_id>/basics", permission="campaigns.edit")
def save_basics(campaign_id: int) -> Response:
    """Store them."""
    with edge.read() as scope:
        campaign = draft(scope, campaign_id)
        form = _basics_form(scope, campaign)
    if form.validate():
        offer_id, matrix_id = form.offer.chosen
        answer = edge.write(
            lambda scope: drafts.set_basics(
                scope,
                campaign_id,
                name=form.name.data,
                channel=form.channel.data,
                offer_id=offer_id,
                matrix_id=matrix_id,
            )
        )
        if not isinstance(answer, Refused):
            flash(_("Saved."), "good")
            return edge.redirect("campaigns.show", campaign_id=campaign_id)
        form.refuse(answer)
    return page("basics.html", form=form, campaign=campaign, kind=campaign.kind, status=422)


# ------------------------------------------------------------------------------------------------------------ audience


def _audience_page(
    scope: Scope,
    campaign: Campaign,
    builder: Builder,
    *,
    rule: Rule | None,
    status: int = 200,
    block: str | None = None,
) -> Response:
    counted = None
    if rule is not None:
        at = replace(audience.aim(scope, campaign), rule=rule)
        try:
            conditions(scope, rule, at.day)
            counted = audience.count(scope, at)
        except BadRule:
            counted = None
    return page(
        "audience.html",
        block=block,
        status=status,
        campaign=campaign,
        builder=builder,
        counted=counted,
        gets=_gets(scope, campaign, counted),
    )


def _gets(scope: Scope, campaign: Campaign, counted: audience.Counted | None) -> list[tuple[str, int]]:
    """(offer, how many) where a matrix chooses."""
    if counted is None or campaign.matrix_id is None:
        return []
    return [(coupons.offer(scope, id_).name, n) for id_, n in counted.by_offer.items()]


@bp.get("/campaigns/<int:campaign_id>/audience", permission="campaigns.edit")
def edit_audience(campaign_id: int) -> Response:
    """Conditions that must all hold, and how many members fit them now."""
    with edge.read() as scope:
        campaign = draft(scope, campaign_id)
        if campaign.kind == queries.GROUPS:
            return edge.redirect("campaigns.edit_groups", campaign_id=campaign_id)
        try:
            rule = queries.rule(queries.version(scope, campaign))
        except BadRule:
            rule = Rule()
        return _audience_page(scope, campaign, Builder.of_rule(scope, rule), rule=rule)


@bp.post("/campaigns/<int:campaign_id>/audience/count", permission="campaigns.edit")
def count_audience(campaign_id: int) -> Response:
    """How many fit what is written just now; nothing is stored."""
    with edge.read() as scope:
        campaign = draft(scope, campaign_id)
        builder = Builder.of_form(scope, request.form)
        return _audience_page(scope, campaign, builder, rule=builder.rule(), block="count")


@bp.post("/campaigns/<int:campaign_id>/audience", permission="campaigns.edit")
def save_audience(campaign_id: int) -> Response:
    """Add or take away a condition, or store them all."""
    with edge.read() as scope:
        campaign = draft(scope, campaign_id)
        builder = Builder.of_form(scope, request.form)
        rule = builder.rule()
        if request.form.get("do") == "add" or "remove" in request.form:
            builder.still_writing()
            return _audience_page(scope, campaign, builder, rule=rule)
        if rule is None:
            return _audience_page(scope, campaign, builder, rule=None, status=422)
    answer = edge.write(lambda scope: drafts.set_audience(scope, campaign_id, rule))
    if isinstance(answer, Refused):
        abort(409, description=wording.refusal(answer))
    flash(_("Saved."), "good")
    with edge.read() as scope:
        written = bool(queries.version(scope, queries.get(scope, campaign_id)).content)
    return edge.redirect("campaigns.show" if written else "campaigns.edit_message", campaign_id=campaign_id)


# ------------------------------------------------------------------------------------------------------------- message


def _message_page(campaign: Campaign, form: MessageForm, status: int = 200) -> Response:
    known = placeholders.of_kind(campaign.kind, has_offer=campaign.gives)
    return page("message.html", campaign=campaign, form=form, placeholders=known, status=status)


@bp.get("/campaigns/<int:campaign_id>/message", permission="campaigns.edit")
def edit_message(campaign_id: int) -> Response:
    """The channel's fields, and what they may be filled with."""
    with edge.read() as scope:
        campaign = draft(scope, campaign_id)
        if campaign.kind == queries.GROUPS:
            return edge.redirect("campaigns.edit_post", campaign_id=campaign_id)
        bound = channel_of(scope, campaign)
        said = queries.version(scope, campaign).content
        form = message_form(bound.impl.fields, words.words(bound.plugin), said)
        if said:
            form.mark(content.check(bound.impl.fields, said, has_offer=campaign.gives))
    return _message_page(campaign, form)


@bp.post("/campaigns/<int:campaign_id>/message", permission="campaigns.edit")
def save_message(campaign_id: int) -> Response:
    """Store what can be sent; what cannot is said beside its field."""
    with edge.read() as scope:
        campaign = draft(scope, campaign_id)
        bound = channel_of(scope, campaign)
        form = message_form(bound.impl.fields, words.words(bound.plugin), None)
        said = form.content()
        wrong = content.check(bound.impl.fields, said, has_offer=campaign.gives)
    if wrong:
        form.mark(wrong)
        return _message_page(campaign, form, 422)
    answer = edge.write(lambda scope: drafts.set_content(scope, campaign_id, said))
    if isinstance(answer, Refused):
        form[f"x_{form.declared[0].key}"].errors = [wording.refusal(answer)]
        return _message_page(campaign, form, 422)
    return edge.redirect("campaigns.preview", campaign_id=campaign_id)


# ------------------------------------------------------------------------------------------------------------- preview


def _filled(
    scope: Scope, campaign: Campaign, member_id: int | None
) -> tuple[Any, dict[str, str], dict[str, list[Any]]]:
    """(the member or None, the content as they would get it, what is wrong with the texts)."""
    bound = channel_of(scope, campaign)
    said = queries.version(scope, campaign).content
    wrong = content.check(bound.impl.fields, said, has_offer=campaign.gives)
    if wrong or not said:
        return None, {}, wrong
    plan = source.plan_of(scope, campaign, bound.impl)
    look = source.Look(scope, plan)
    who = look.people([member_id]).get(member_id) if member_id else None
    sample = placeholders.PLACEHOLDERS
    name, number, store = (
        (who.name, who.number, who.store or "")
        if who is not None
        else (
            str(sample["member.name"].sample),
            str(sample["member.number"].sample),
            str(sample["store.name"].sample),
        )
    )
    return who, plan.fill(name, number, store, look.sample(member_id if who is not None else None)), wrong


@bp.get("/campaigns/<int:campaign_id>/preview", permission="campaigns.edit")
def preview(campaign_id: int) -> Response:
    """The message as real members of the audience would get it, one after another."""
    with edge.read() as scope:
        campaign = draft(scope, campaign_id)
        if campaign.kind == queries.GROUPS:
            return edge.redirect("campaigns.preview_posts", campaign_id=campaign_id)
        at = audience.aim(scope, campaign)
        member_id = request.args.get("member", type=int) or next(iter(audience.some(scope, at)), None)
        who, filled, wrong = _filled(scope, campaign, member_id)
        before, after = audience.neighbours(scope, at, member_id) if member_id else (None, None)
        bound = channel_of(scope, campaign)
        say = words.words(bound.plugin)
        fields = [(one, say(one.label)) for one in bound.impl.fields if one.key in filled]
        own = testing.own_address(scope, bound.impl.identity)
    return page(
        "preview.html",
        campaign=campaign,
        who=who,
        filled=filled,
        wrong=wrong,
        fields=fields,
        before=before,
        after=after,
        own=own,
    )


@bp.get("/campaigns/<int:campaign_id>/preview/<field>", permission="campaigns.edit")
def preview_html(campaign_id: int, field: str) -> Response:
    """One HTML field alone, for the frame."""
    with edge.read() as scope:
        campaign = draft(scope, campaign_id)
        kinds = {one.key: one.kind for one in channel_of(scope, campaign).impl.fields}
        _who, filled, _wrong = _filled(scope, campaign, request.args.get("member", type=int))
    if kinds.get(field) != "html" or field not in filled:
        abort(404)
    html = f'<!doctype html><html><meta charset="utf-8"><title>{field}</title><body>{filled[field]}'
    response = current_app.make_response(html)
    response.headers["Content-Security-Policy"] = FRAME_CSP
    return response


@bp.post("/campaigns/<int:campaign_id>/test", permission="campaigns.edit")
def send_test(campaign_id: int) -> Response:
    """One message to oneself, through the channel, outside all counts."""
    if not limit("campaign-test", str(edge.actor().id), 20, 600):
        flash(_("Too many tests. Please wait ten minutes."), "warn")
        return edge.redirect("campaigns.preview", campaign_id=campaign_id)
    member_id, key = request.form.get("member", type=int), edge.once_key()
    with edge.read() as scope:
        campaign = draft(scope, campaign_id)
        bound = channel_of(scope, campaign)
        _who, filled, wrong = _filled(scope, campaign, member_id)
        own = testing.own_address(scope, bound.impl.identity)
    if wrong or not filled or own is None:
        flash(_("The message is not finished: open it and look at what is marked."), "warn")
        return edge.redirect("campaigns.edit_message", campaign_id=campaign_id)
    outcome = testing.send(edge.database(), scope.brand, edge.actor(), campaign_id, bound, own, filled, key)
    if outcome is None:
        flash(_("This test was sent already."), "plain")
    elif outcome.state == "sent":
        to_list = bound.impl.identity == audience.RECIPIENT
        flash(
            _("It stands among your tasks.") if to_list else _("Sent to %(address)s.", address=own.value),
            "good",
        )
    else:
        why = outcome.detail or wording.reason(outcome.reason)
        flash(_("It was not sent: %(why)s", why=why), "warn")
    return edge.redirect("campaigns.preview", campaign_id=campaign_id, member=member_id)
