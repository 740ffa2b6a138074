"""Writing a campaign to groups: which groups, what is posted, and how it looks in each."""

from __future__ import annotations

from flask import Response, abort, flash, request
from flask_babel import gettext as _

from webapp.campaigns import content, drafts, groups, placeholders, queries, wording
from webapp.campaigns.forms import MessageForm, message_form
from webapp.campaigns.models import Campaign
from webapp.campaigns.routes.base import bp, draft, page
from webapp.coupons import queries as coupons
from webapp.groups import queries as all_groups
from webapp.groups import words as group_words
from webapp.kernel import edge
from webapp.kernel.errors import Refused
from webapp.kernel.pictures import MOST_BYTES, BadPicture, Picture, read
from webapp.kernel.scope import Scope


def _of_groups(scope: Scope, campaign_id: int) -> Campaign:
    """A draft of this kind; 404 for another."""
    campaign = draft(scope, campaign_id)
    if campaign.kind != queries.GROUPS:
        abort(404)
    return campaign


@bp.get("/campaigns/<int:campaign_id>/groups", permission="campaigns.edit")
def edit_groups(campaign_id: int) -> Response:
    """The brand's open groups to choose from."""
    return _groups_page(campaign_id)


def _groups_page(campaign_id: int, problem: str = "", status: int = 200) -> Response:
    with edge.read() as scope:
        campaign = _of_groups(scope, campaign_id)
        picked = {group.id for _link, group in groups.chosen(scope, campaign_id)}
        listed = all_groups.groups(scope, limit=groups.MOST)
        kinds = {one.id: one.name for one in all_groups.types(scope)}
    return page(
        "groups.html",
        status=status,
        campaign=campaign,
        listed=listed,
        picked=picked,
        kinds=kinds,
        problem=problem,
        why=groups.reason,
    )


@bp.post("/campaigns/<int:campaign_id>/groups", permission="campaigns.edit")
def save_groups(campaign_id: int) -> Response:
    """Store the choice."""
    ids = request.form.getlist("group", type=int)
    answer = edge.write(lambda scope: groups.set_groups(scope, campaign_id, ids))
    if isinstance(answer, Refused):
        said = _("Choose at least one group.") if answer.code == "no_groups" else wording.refusal(answer)
        return _groups_page(campaign_id, said, 422)
    flash(_("Saved."), "good")
    with edge.read() as scope:
        written = bool(queries.version(scope, queries.get(scope, campaign_id)).content)
    return edge.redirect("campaigns.show" if written else "campaigns.edit_post", campaign_id=campaign_id)


# -- what is posted ----------------------------------------------------------------------------------------------------


def _post_page(
    scope: Scope, campaign: Campaign, form: MessageForm, problem: str = "", status: int = 200
) -> Response:
    offer = coupons.offer(scope, campaign.offer_id) if campaign.offer_id else None
    return page(
        "post.html",
        status=status,
        campaign=campaign,
        form=form,
        offer=offer,
        there=groups.has_picture(scope, campaign.id),
        problem=problem,
        placeholders=placeholders.of_kind(queries.GROUPS, has_offer=offer is not None),
    )


@bp.get("/campaigns/<int:campaign_id>/post", permission="campaigns.edit")
def edit_post(campaign_id: int) -> Response:
    """Text, picture, and where the link leads on to."""
    with edge.read() as scope:
        campaign = _of_groups(scope, campaign_id)
        said = queries.version(scope, campaign).content
        form = message_form(groups.FIELDS, groups.say, said)
        if said:
            form.mark(_wrong(campaign, said))
        return _post_page(scope, campaign, form)


def _wrong(campaign: Campaign, said: dict[str, str]) -> dict[str, list[content.Wrong]]:
    found = content.check(groups.FIELDS, said, has_offer=campaign.offer_id is not None, kind=queries.GROUPS)
    url = said.get(groups.URL, "").strip()
    if url and groups.URL not in found and not url.startswith(("https://", "http://")):
        found[groups.URL] = [content.Wrong("no_address")]
    return found


@bp.post("/campaigns/<int:campaign_id>/post", permission="campaigns.edit")
def save_post(campaign_id: int) -> Response:
    """Store it; what cannot stand is said beside its field."""
    form = message_form(groups.FIELDS, groups.say, None)
    said = form.content()
    problem, found = "", None
    file = request.files.get("picture")
    if file is not None and file.filename:
        try:
            found = read(file.stream.read(MOST_BYTES + 1))
        except BadPicture as why:
            problem = group_words.refusal(why.code)
    with edge.read() as scope:
        campaign = _of_groups(scope, campaign_id)
        wrong = _wrong(campaign, said)
        if wrong or problem:
            form.mark(wrong)
            return _post_page(scope, campaign, form, problem, 422)
    answer = edge.write(lambda scope: _store(scope, campaign_id, said, found))
    if isinstance(answer, Refused):
        abort(409, description=wording.refusal(answer))
    return edge.redirect("campaigns.preview_posts", campaign_id=campaign_id)


def _store(scope: Scope, campaign_id: int, said: dict[str, str], found: Picture | None) -> Refused | None:
    answer = drafts.set_content(scope, campaign_id, said)
    if isinstance(answer, Refused):
        return answer
    if found is not None or request.form.get("drop_picture"):
        return groups.set_picture(scope, campaign_id, found)
    return None


@bp.get("/campaigns/<int:campaign_id>/posts", permission="campaigns.edit")
def preview_posts(campaign_id: int) -> Response:
    """As it will be posted, group by group."""
    with edge.read() as scope:
        campaign = _of_groups(scope, campaign_id)
        said = queries.version(scope, campaign).content
        wrong = _wrong(campaign, said)
        rows = groups.chosen(scope, campaign_id)
        shown = (
            []
            if wrong
            else [(group, groups.post_of(scope, campaign, link, group)) for link, group in rows[:20]]
        )
        there = groups.has_picture(scope, campaign_id)
    return page(
        "posts.html", campaign=campaign, shown=shown, more=len(rows) - len(shown), wrong=wrong, there=there
    )


@bp.get("/campaigns/<int:campaign_id>/picture", permission="tasks.do")
def picture(campaign_id: int) -> Response:
    """What is posted with the text."""
    with edge.read() as scope:
        queries.get(scope, campaign_id)
        found = groups.picture(scope, campaign_id)
    if found is None:
        abort(404)
    return edge.picture(found.data, found.mimetype)
