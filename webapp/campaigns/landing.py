"""What a group's link brings: browsers that opened it, counted once a day, and members who said who they are.

A phone or an address that is typed here is nobody's proof: it counts, it may earn its member a coupon that is given at the
till, and it shows nothing. The answer is the same whether we know it or not. Only a browser that came by the member's own
page before (`known`) is led to the coupon itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from webapp.campaigns import queries
from webapp.campaigns.models import Campaign, CampaignGroup, GroupVisit, GroupVisitor
from webapp.coupons import service as coupons
from webapp.coupons.models import Coupon
from webapp.coupons.queries import coupon_path
from webapp.groups.models import Group
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope
from webapp.kernel.secrets import packed, unpacked
from webapp.members import queries as members
from webapp.plugin_runtime.context import box

_MAC = 10
# Where somebody who is no member yet may join, by the group they came from; the room of joining pages registers.
JOINING: list[Callable[[Scope, int], str | None]] = []


@dataclass(frozen=True, slots=True)
class Place:
    """A group's link and what stands behind it."""

    link: CampaignGroup
    group: Group
    campaign: Campaign

    @property
    def live(self) -> bool:
        """Is it posted, and not taken back?"""
        return self.campaign.state in ("laying", "sending", "paused", "done")


def find(scope: Scope, token: str) -> Place | None:
    """The place of a link of this brand."""
    row = scope.session.execute(
        select(CampaignGroup, Group, Campaign)
        .join(Group, (Group.brand_id == CampaignGroup.brand_id) & (Group.id == CampaignGroup.group_id))
        .join(
            Campaign,
            (Campaign.brand_id == CampaignGroup.brand_id) & (Campaign.id == CampaignGroup.campaign_id),
        )
        .where(CampaignGroup.brand_id == scope.brand.id, CampaignGroup.token == token)
    ).one_or_none()
    return None if row is None else Place(*row)


# -- the browser -------------------------------------------------------------------------------------------------------


def cookie(brand_id: int) -> str:
    """The name of a brand's cookie."""
    return f"rg_v_{brand_id}"


def new_visitor() -> int:
    """A number for a browser that has none."""
    return 1 + secrets.randbelow(2**62)


def seal(brand_id: int, visitor: int) -> str:
    """The cookie of a browser: its number for this brand, signed. It says nothing about anybody."""
    body = packed(brand_id) + packed(visitor)
    return base64.urlsafe_b64encode(body + _mac(body)).rstrip(b"=").decode()


def unseal(brand_id: int, word: str) -> int | None:
    """The number in a cookie; None for one that this shop did not make for this brand."""
    if not 16 <= len(word) <= 100:
        return None
    try:
        raw = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    body, mac = raw[:-_MAC], raw[-_MAC:]
    if not hmac.compare_digest(mac, _mac(body)):
        return None
    brand, rest = unpacked(body)
    visitor, rest = unpacked(rest)
    return visitor if brand == brand_id and not rest and 0 < visitor < 2**63 else None


def _mac(body: bytes) -> bytes:
    key = box().derive("campaigns.visitor").encode()
    return hmac.new(key, body, hashlib.sha256).digest()[:_MAC]


def visitor_of(scope: Scope, visitor: int | None) -> GroupVisitor | None:
    """What this browser answered; None: it was not asked yet."""
    return None if visitor is None else scope.session.get(GroupVisitor, (scope.brand.id, visitor))


# -- counting ----------------------------------------------------------------------------------------------------------


def visit(scope: Scope, place: Place, visitor: int) -> None:
    """This browser opened the link: once a day."""
    known = visitor_of(scope, visitor)
    member_id = known.member_id if known else None
    scope.session.execute(
        insert_or_ignore(scope, GroupVisit).values(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            campaign_group_id=place.link.id,
            visitor=visitor,
            visited_on=scope.today,
            at=scope.now,
            member_id=member_id,
            person_id=members.get(scope, member_id).person_id if member_id else None,
        )
    )


def answer(scope: Scope, place: Place, visitor: int, typed: str) -> None:
    """Who sits there, by their own word (blank: they go on without). Says nothing back. An earlier answer stays."""
    member_id = None
    if typed.strip():
        found = members.find_by_phone(scope, typed)
        if found is None and len(same := members.find_by_email(scope, typed)) == 1:
            found = same[0]
        member_id = found.id if found is not None else None
    remember(scope, visitor, member_id, known=False)
    visit(scope, place, visitor)
    settled = visitor_of(scope, visitor)
    if settled is None or settled.member_id is None:
        return
    who = members.get(scope, settled.member_id)
    scope.session.execute(
        update(GroupVisit)
        .where(
            GroupVisit.brand_id == scope.brand.id,
            GroupVisit.campaign_group_id == place.link.id,
            GroupVisit.visitor == visitor,
            GroupVisit.member_id.is_(None),
        )
        .values(member_id=who.id, person_id=who.person_id)
        .execution_options(synchronize_session=False)
    )
    if place.campaign.offer_id is not None and place.live:
        # Given later, so that the answer takes as long for a number that we know as for one that we do not.
        scope.emit("campaign.answered", campaign_id=place.campaign.id, member_id=who.id)


def remember(scope: Scope, visitor: int, member_id: int | None, *, known: bool) -> None:
    """What this browser answered, for good; `known`: it came by the member's own page, which outweighs what was typed."""
    scope.session.execute(
        insert_or_ignore(scope, GroupVisitor).values(
            brand_id=scope.brand.id, id=visitor, member_id=member_id, known=known, asked_at=scope.now
        )
    )
    if known:
        scope.session.execute(
            update(GroupVisitor)
            .where(GroupVisitor.brand_id == scope.brand.id, GroupVisitor.id == visitor)
            .values(member_id=member_id, known=True)
            .execution_options(synchronize_session=False)
        )
    scope.session.expire_all()


def give(scope: Scope, campaign_id: int, member_id: int) -> Coupon | None:
    """The member's coupon of a campaign to groups: one, however often and by however many groups they come. None where
    the offer gives none (sold out, over, had as many as one may)."""
    campaign = queries.get(scope, campaign_id)
    if campaign.offer_id is None or campaign.state in ("draft", "cancelled"):
        return None
    who = members.get(scope, member_id)
    given = coupons.issue_for_campaign(scope, campaign.offer_id, [(who.id, who.person_id)], campaign_id)[
        who.id
    ]
    return given if isinstance(given, Coupon) else None


def coupon_of(scope: Scope, place: Place, known: GroupVisitor | None) -> str | None:
    """The path of their coupon, for a browser that is known to be the member's; given now if it was not yet."""
    if known is None or not known.known or known.member_id is None or place.campaign.offer_id is None:
        return None
    given = give(scope, place.campaign.id, known.member_id)
    return coupon_path(given.token) if given is not None else None


def joining(scope: Scope, group_id: int) -> str | None:
    """A page at which one may join, if the shop has one."""
    found: Any = (look(scope, group_id) for look in JOINING)
    return next((path for path in found if path), None)
