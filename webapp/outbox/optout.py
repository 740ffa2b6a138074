"""Leaving by the link in a message, and coming back by the same page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.members import service as members
from webapp.members.models import Consent
from webapp.outbox import service, sources
from webapp.outbox.models import Delivery

SOURCE = "unsubscribe"  # what the consent's row says of where it was said


@dataclass(frozen=True, slots=True)
class Standing:
    """What the person behind a link has agreed to. channel: its key. left: no more messages. own: by this page, so that
    this page may take it back."""

    delivery_id: int
    members: tuple[int, ...]
    channel: str
    purpose: str
    left: bool
    own: bool


def standing(scope: Scope, delivery_id: int) -> Standing | None:
    """None where the link leads to nobody (a staff message, a campaign of a plugin that is gone)."""
    row = scope.session.execute(
        select(
            Delivery.campaign_id, Delivery.recipient_kind, Delivery.recipient_id, Delivery.person_id
        ).where(Delivery.brand_id == scope.brand.id, Delivery.id == delivery_id)
    ).one_or_none()
    found = row and sources.of(scope, row.campaign_id)
    if row is None or not found or row.recipient_kind != "member":
        return None
    channel, purpose = found[1].channel, found[1].purpose
    newest = scope.session.execute(
        select(Consent.granted, Consent.source)
        .where(
            Consent.brand_id == scope.brand.id,
            Consent.member_id == row.recipient_id,
            Consent.channel == channel,
            Consent.purpose == purpose,
        )
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
    ).one_or_none()
    left = newest is None or not newest.granted
    own = newest is not None and left and newest.source == SOURCE
    who = dict.fromkeys(id_ for id_ in (row.recipient_id, row.person_id) if id_)
    return Standing(delivery_id, tuple(who), channel, purpose, left, own)


def leave(scope: Scope, delivery_id: int) -> Standing | None:
    """No more of this purpose over this channel, from this moment. Harmless when said again."""
    known = standing(scope, delivery_id)
    if known is None:
        return None
    changed = [
        members.set_consent(scope, id_, known.channel, known.purpose, False, SOURCE) for id_ in known.members
    ]
    service.receipt(scope, delivery_id, "unsubscribed", once=True)
    if any(changed):
        scope.audit("consent.withdrawn", "member", known.members[0], channel=known.channel, by=SOURCE)
    return standing(scope, delivery_id)


def come_back(scope: Scope, delivery_id: int) -> Standing | Refused | None:
    """Take back what was said on this page. Refused(not_by_this_page): it was said elsewhere, so an old link in a
    forwarded message does not undo it."""
    known = standing(scope, delivery_id)
    if known is None or not known.left:
        return known
    if not known.own:
        return Refused("not_by_this_page")
    for id_ in known.members:
        members.set_consent(scope, id_, known.channel, known.purpose, True, "resubscribe")
    scope.audit("consent.given", "member", known.members[0], channel=known.channel, by="resubscribe")
    return standing(scope, delivery_id)
