"""Joining by a code, by somebody whom nobody has seen: the phone is not confirmed, and what they learn says nothing of others.

Whoever types a phone or an address that is known already gets the same answer as anybody else: a membership of its own and a
welcome coupon. What keeps it to one welcome is the counter: an offer's welcome is used once per phone or address.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select

from webapp.coupons import redeem
from webapp.coupons import service as coupons
from webapp.coupons.models import Coupon
from webapp.groups import service as groups
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import insert_or_ignore, once
from webapp.kernel.scope import Scope
from webapp.matrix import service as matrices
from webapp.members import confirming, guides
from webapp.members import service as members
from webapp.members.identities import normalise_email, normalise_phone
from webapp.plugin_runtime.context import box
from webapp.touchpoints import guides as duty
from webapp.touchpoints.models import Touchpoint, TouchpointJoin, TouchpointScan, WelcomeUsed


@dataclass(frozen=True, slots=True)
class Joining:
    """What was typed. consents: (channel, purpose) of the boxes that were ticked."""

    phone: str = ""
    email: str = ""
    name: str = ""
    birthday: date | str = ""
    consents: Mapping[tuple[str, str], bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Joined:
    """A new member. token: of the welcome coupon, None where there is none to give (no offer, sold out, closed)."""

    member_id: int
    token: str | None


def scanned(scope: Scope, touchpoint: Touchpoint, browser: str) -> bool:
    """The page was opened. True when it is this browser's first time today."""
    row: Any = scope.session.execute(
        insert_or_ignore(scope, TouchpointScan).values(
            brand_id=scope.brand.id,
            touchpoint_id=touchpoint.id,
            day=scope.today,
            browser=browser[:24],
            at=scope.now,
            store_id=touchpoint.store_id,
            place=touchpoint.place,
        )
    )
    return bool(row.rowcount)


def contact_of(scope: Scope, typed: Joining) -> str | Refused:
    """A keyed hash of the phone, else of the address, as it is read. Refused: contact_none, phone_bad, email_bad."""
    phone = normalise_phone(typed.phone, scope.brand.region) if typed.phone.strip() else ""
    if phone is None:
        return Refused("phone_bad", {"field": "phone"})
    email = normalise_email(typed.email) if typed.email.strip() else ""
    if email is None:
        return Refused("email_bad", {"field": "email"})
    if not phone and not email:
        return Refused("contact_none", {"field": "phone"})
    key = box().derive("touchpoints.contact").encode()
    what = f"{scope.brand.id}:{phone or email.lower()}"
    return hmac.new(key, what.encode(), hashlib.sha256).hexdigest()[:40]


def join(scope: Scope, touchpoint: Touchpoint, typed: Joining, key: str) -> Joined | Refused:
    """A new member by this code, once for each key. Refused: contact_none, phone_bad, email_bad, name_long, birthday_bad."""

    def work() -> dict[str, Any]:
        answer = _join(scope, touchpoint, typed)
        if isinstance(answer, Refused):
            return {"refused": answer.code, "facts": answer.facts}
        return {"member": answer.member_id, "token": answer.token}

    answer = once(scope, key, f"join:{touchpoint.id}", work)
    if "refused" in answer:
        return Refused(answer["refused"], answer["facts"])
    return Joined(answer["member"], answer["token"])


def _join(scope: Scope, touchpoint: Touchpoint, typed: Joining) -> Joined | Refused:
    contact = contact_of(scope, typed)
    if isinstance(contact, Refused):
        return contact
    source = f"touchpoint:{touchpoint.code}"
    member = members.add_member(
        scope,
        members.Details(
            name=typed.name, email=typed.email, birthday=typed.birthday, store_id=touchpoint.store_id
        ),
        source=source,
    )
    if isinstance(member, Refused):
        return member
    phone = normalise_phone(typed.phone, scope.brand.region) if typed.phone.strip() else None
    if phone:
        confirming.note_phone(scope, member.id, phone)
    for (channel, purpose), ticked in typed.consents.items():
        if ticked:
            members.set_consent(scope, member.id, channel, purpose, True, source)
    serves = duty.choose(scope, touchpoint)
    if serves is not None:
        guides.assign(scope, member.id, serves, guides.SERVES)
    if touchpoint.brought_by_id:
        guides.assign(scope, member.id, touchpoint.brought_by_id, guides.BROUGHT_BY)
    if touchpoint.group_id:
        groups.join(scope, touchpoint.group_id, member.id, f"touchpoint:{touchpoint.id}")
    coupon = _welcome(scope, touchpoint, member.id)
    scope.session.add(
        TouchpointJoin(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            touchpoint_id=touchpoint.id,
            member_id=member.id,
            at=scope.now,
            joined_on=scope.today,
            store_id=touchpoint.store_id,
            place=touchpoint.place,
            serves_id=serves,
            brought_by_id=touchpoint.brought_by_id,
            coupon_id=coupon.id if coupon else None,
            contact=contact,
        )
    )
    scope.session.flush()
    scope.audit("touchpoint.join", "touchpoint", touchpoint.id, member=member.id, serves=serves)
    return Joined(member.id, coupon.token if coupon else None)


def _welcome(scope: Scope, touchpoint: Touchpoint, member_id: int) -> Coupon | None:
    """The coupon of the welcome, taken at once: its code is on the page that follows. None: there is none to give now."""
    people, occurrence = [(member_id, member_id)], f"welcome:{touchpoint.id}"
    if touchpoint.matrix_id is not None:
        answer = matrices.issue(scope, touchpoint.matrix_id, people, occurrence=occurrence)[member_id]
    elif touchpoint.offer_id is not None:
        answer = coupons.issue(scope, touchpoint.offer_id, people, occurrence=occurrence)[member_id]
    else:
        return None
    if isinstance(answer, Refused):
        return None
    taken = coupons.claim(scope, answer.id)
    return None if isinstance(taken, Refused) else taken


def welcome_once(scope: Scope, some: Sequence[Coupon], using: bool) -> dict[int, Refused]:
    """A guard of the counter: the welcome of an offer is used once per phone or address that was typed."""
    welcomes = {coupon.id: coupon for coupon in some if coupon.occurrence.startswith("welcome:")}
    if not welcomes:
        return {}
    rows = scope.session.execute(
        select(TouchpointJoin.coupon_id, TouchpointJoin.contact).where(
            TouchpointJoin.brand_id == scope.brand.id, TouchpointJoin.coupon_id.in_(welcomes)
        )
    )
    typed = {row.coupon_id: row.contact for row in rows}
    refused: dict[int, Refused] = {}
    for coupon_id in typed:
        key = {
            "brand_id": scope.brand.id,
            "offer_id": welcomes[coupon_id].offer_id,
            "contact": typed[coupon_id],
        }
        if using:
            scope.session.execute(insert_or_ignore(scope, WelcomeUsed).values(**key, coupon_id=coupon_id))
        holder = scope.session.scalar(select(WelcomeUsed.coupon_id).filter_by(**key))
        if holder not in (None, coupon_id):
            refused[coupon_id] = Refused("welcome_used")
    return refused


redeem.GUARDS.append(welcome_once)
