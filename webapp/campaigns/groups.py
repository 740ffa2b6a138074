"""Campaigns to groups: chosen one by one, each with its own link; what is posted becomes a task of the group's owner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select

from webapp.brands.models import Store
from webapp.campaigns import content, drafts, placeholders, queries
from webapp.campaigns.audience import Counted
from webapp.campaigns.models import Campaign, CampaignGroup, CampaignPicture
from webapp.coupons import queries as coupons
from webapp.groups import queries as groups
from webapp.groups.models import Group
from webapp.kernel import links, secrets
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.pictures import Picture
from webapp.kernel.scope import Scope
from webapp.outbox.service import Promise
from webapp.outbox.sources import Leased, LeftOut, Parts
from webapp.plugin_api import Address, ContentField

GROUP = "group"  # the outbox's kind of recipient
MOST = 500  # groups of one campaign
CLOSED, NO_OWNER = "group_closed", "no_owner"
TEXT, URL = "text", "url"
FIELDS = (
    ContentField(TEXT, "text", "Text to post", max_length=2000),
    ContentField(URL, "line", "Where the link leads on to", required=False, max_length=500),
)
# The fields' words are the core's own here, not a plugin's.
WORDS: dict[str, Any] = {
    "Text to post": _l("Text to post"),
    "Where the link leads on to": _l("Where the link leads on to"),
}


def say(words: str) -> str:
    """A field's words in the reader's language."""
    return str(WORDS.get(words, words))


def path(token: str) -> str:
    """The address of a group's link, without the host."""
    return f"/g/{token}"


# -- writing -----------------------------------------------------------------------------------------------------------


def set_groups(scope: Scope, campaign_id: int, ids: Iterable[int]) -> Campaign | Refused:
    """Which groups, within the actor's reach; each gets its link. Refused: not_a_draft, not_groups, no_groups, too_many.
    Groups that are not there are passed over."""
    campaign = drafts.draft(scope, campaign_id)
    if isinstance(campaign, Refused):
        return campaign
    if campaign.kind != queries.GROUPS:
        return Refused("not_groups")
    wanted = set(ids)
    if len(wanted) > MOST:
        return Refused("too_many_groups", {"most": MOST})
    reached = scope.session.scalars(
        select(Group.id).where(
            Group.brand_id == scope.brand.id, Group.id.in_(sorted(wanted)), groups.fence(scope)
        )
    ).all()
    if not reached:
        return Refused("no_groups")
    mine = (CampaignGroup.brand_id == scope.brand.id, CampaignGroup.campaign_id == campaign_id)
    scope.session.execute(delete(CampaignGroup).where(*mine, CampaignGroup.group_id.not_in(reached)))
    for group_id in sorted(reached):
        scope.session.execute(
            insert_or_ignore(scope, CampaignGroup).values(
                brand_id=scope.brand.id,
                id=scope.new_id(),
                campaign_id=campaign_id,
                group_id=group_id,
                token=secrets.brand_token(scope.brand.id),
            )
        )
    queries.version(scope, campaign).audience = {queries.GROUPS: sorted(reached)}
    scope.session.flush()
    return campaign


def set_picture(scope: Scope, campaign_id: int, picture: Picture | None) -> Refused | None:
    """What is posted with the text; None takes it away. Refused: not_a_draft."""
    campaign = drafts.draft(scope, campaign_id)
    if isinstance(campaign, Refused):
        return campaign
    scope.session.execute(
        delete(CampaignPicture).where(
            CampaignPicture.brand_id == scope.brand.id, CampaignPicture.campaign_id == campaign_id
        )
    )
    if picture is not None:
        scope.session.add(
            CampaignPicture(
                brand_id=scope.brand.id, campaign_id=campaign_id, mimetype=picture.mimetype, data=picture.data
            )
        )
    scope.session.flush()
    return None


def picture(scope: Scope, campaign_id: int) -> CampaignPicture | None:
    """The picture, whole."""
    return scope.session.get(CampaignPicture, (scope.brand.id, campaign_id))


def has_picture(scope: Scope, campaign_id: int) -> bool:
    """Without reading it."""
    found = scope.session.scalar(
        select(CampaignPicture.campaign_id).where(
            CampaignPicture.brand_id == scope.brand.id, CampaignPicture.campaign_id == campaign_id
        )
    )
    return found is not None


# -- who is reached ----------------------------------------------------------------------------------------------------


def chosen(scope: Scope, campaign_id: int) -> list[tuple[CampaignGroup, Group]]:
    """The campaign's groups by name, with their links."""
    rows = scope.session.execute(
        select(CampaignGroup, Group)
        .join(Group, (Group.brand_id == CampaignGroup.brand_id) & (Group.id == CampaignGroup.group_id))
        .where(CampaignGroup.brand_id == scope.brand.id, CampaignGroup.campaign_id == campaign_id)
        .order_by(Group.name, Group.id)
    )
    return [(link, group) for link, group in rows]


def reason(group: Group) -> str | None:
    """Why nothing is posted in a group; None where it is."""
    if group.closed_at is not None:
        return CLOSED
    return None if group.owner_id is not None else NO_OWNER


def count(scope: Scope, campaign_id: int) -> Counted:
    """The chosen groups, by what would happen if it were sent now."""
    left_out: dict[str, int] = {}
    rows = chosen(scope, campaign_id)
    for _link, group in rows:
        why = reason(group)
        if why is not None:
            left_out[why] = left_out.get(why, 0) + 1
    return Counted(len(rows), len(rows) - sum(left_out.values()), left_out)


def promises(scope: Scope, campaign_id: int) -> list[Promise]:
    """A delivery for each chosen group. No arm is drawn: a group is not a sample."""
    return [
        Promise(
            group.id,
            recipient_kind=GROUP,
            state="left_out" if reason(group) else "queued",
            reason=reason(group),
        )
        for _link, group in chosen(scope, campaign_id)
    ]


# -- what is said ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted in one group: the text with the link in it, the link alone, and where it leads on to."""

    text: str
    link: str
    url: str
    picture: bool


def compiled(said: Mapping[str, str]) -> content.Compiled:
    """The texts, ready to be filled. They must have been checked."""
    return content.compiled(FIELDS, said)


def post_of(scope: Scope, campaign: Campaign, link: CampaignGroup, group: Group) -> Post:
    """As it is posted in this group. A text that does not carry the link gets it as its last line. Raises what filling
    raises."""
    said = queries.version(scope, campaign).content
    address = links.absolute(None, path(link.token))
    filled = compiled(said).fill(
        placeholders.namespace(_facts(scope, campaign, group, address), queries.GROUPS)
    )
    text = filled.get(TEXT, "").strip()
    if address not in text:
        text = f"{text}\n{address}".strip()
    return Post(text, address, filled.get(URL, ""), has_picture(scope, campaign.id))


def _facts(scope: Scope, campaign: Campaign, group: Group, address: str) -> placeholders.Facts:
    store = scope.session.get(Store, (scope.brand.id, group.store_id)) if group.store_id else None
    coupon = None
    if campaign.offer_id is not None:
        offer = coupons.offer(scope, campaign.offer_id)
        terms = coupons.terms(scope, offer.id, offer.terms_version)
        lines = coupons.describe(scope, offer, terms, scope.brand.locale)
        coupon = placeholders.CouponFacts(
            url="",
            code="",
            until=placeholders.last_day(terms.valid_until, terms.valid_days, scope.brand.locale),
            terms=placeholders.joined(lines or [offer.name], scope.brand.locale),
            name=offer.name,
        )
    return placeholders.Facts(
        "", "", store.name if store else "", scope.brand.name, coupon, group=group.name, link=address
    )


def render(scope: Scope, campaign_id: int, batch: Sequence[Leased]) -> dict[int, Parts | LeftOut]:
    """What the outbox hands to the channel: one task a group. A group that was closed meanwhile is left out."""
    campaign = queries.get(scope, campaign_id)
    known = {group.id: (link, group) for link, group in chosen(scope, campaign_id)}
    answers: dict[int, Parts | LeftOut] = {}
    for row in batch:
        pair = known.get(row.recipient_id)
        why = "gone" if pair is None else reason(pair[1])
        if pair is None or why is not None:
            answers[row.id] = LeftOut(why or "gone")
            continue
        try:
            post = post_of(scope, campaign, *pair)
        except Exception:
            answers[row.id] = LeftOut("render")
            continue
        title = placeholders.in_words(placeholders.POST_IN, scope.brand.locale) % {"group": pair[1].name}
        page = links.absolute(None, f"/campaigns/{campaign_id}/post/{row.recipient_id}")
        answers[row.id] = Parts(
            Address(f"{GROUP}:{row.recipient_id}", pair[1].name),
            {"subject": title, "text": post.text, "link": page},
        )
    return answers
