"""Taking a coupon on an offer's public page, by a member whose browser is known or by somebody whom nobody has seen.

Whoever types a phone or an address gets the same answer whether it is known or not: a membership of its own, unconfirmed,
with this one coupon. Nothing is looked up by what was typed, so there is nothing to be told. What keeps an offer to as many
as one person may have is the counter: so often it is used per phone or address (docs/decisions/claiming.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, exists, or_, select, update

from webapp.coupons import queries as coupons
from webapp.coupons import redeem, verb
from webapp.coupons.models import Coupon
from webapp.coupons.take import Tell, take
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import Idempotency, insert_or_ignore, once
from webapp.kernel.model import table_of
from webapp.kernel.scope import Scope
from webapp.members import confirming
from webapp.members import service as members
from webapp.members.identities import EMAIL, PHONE, normalise_phone
from webapp.members.models import ConsentNow, Member, MemberIdentity
from webapp.touchpoints.joining import Joining, contact_of
from webapp.touchpoints.models import PublicClaim, WelcomeUsed


@dataclass(frozen=True, slots=True)
class Claimed:
    """A coupon that was taken, and whose it is."""

    member_id: int
    token: str


class _Back(Exception):
    """Nothing was given, so nobody joins."""

    def __init__(self, why: Refused) -> None:
        self.why = why


def claim_unknown(scope: Scope, offer_id: int, typed: Joining, key: str, code: str = "") -> Claimed | Refused:
    """A coupon for somebody who typed a phone or an address, once for each key. Refused: contact_none, phone_bad, email_bad,
    and as coupons.take; nobody joins then."""

    def work() -> dict[str, Any]:
        try:
            with scope.session.begin_nested():
                claimed = _claim_unknown(scope, offer_id, typed, key, code)
        except _Back as back:
            return {"refused": back.why.code, "facts": back.why.facts}
        return {"member": claimed.member_id, "token": claimed.token}

    return _told(once(scope, key, f"claim:{offer_id}", work))


def answered(scope: Scope, offer_id: int, key: str) -> Claimed | Refused | None:
    """What an unknown person was told under this key, for a tap that comes once more: their browser may be known by now, and
    the offer sold out. None: the key is new, or somebody else's business."""
    row = scope.session.get(Idempotency, (scope.brand.id, key))
    return (
        _told(row.answer) if row is not None and row.purpose == f"claim:{offer_id}" and row.answer else None
    )


def _told(answer: dict[str, Any]) -> Claimed | Refused:
    if "refused" in answer:
        return Refused(answer["refused"], answer["facts"])
    return Claimed(answer["member"], answer["token"])


def _claim_unknown(scope: Scope, offer_id: int, typed: Joining, key: str, code: str) -> Claimed:
    contact = contact_of(scope, typed)
    if isinstance(contact, Refused):
        raise _Back(contact)
    source = f"claim:{offer_id}"
    member = members.add_member(scope, members.Details(email=typed.email), source=source)
    if isinstance(member, Refused):
        raise _Back(member)
    phone = normalise_phone(typed.phone, scope.brand.region) if typed.phone.strip() else None
    if phone:
        confirming.note_phone(scope, member.id, phone)
    inner = hashlib.sha256(f"claim:{key}".encode()).hexdigest()[:40]  # the outer one is this unit's own
    coupon = take(scope, offer_id, member.id, inner, code=code)
    if isinstance(coupon, Refused):
        raise _Back(coupon)
    _note(scope, coupon, contact)
    scope.audit("offer.claim", "offer", offer_id, member=member.id)
    if said := [list(key) for key, ticked in typed.consents.items() if ticked]:
        # Looked at later, so that the answer takes as long for who said no as for anybody else.
        scope.emit("offer.ticked", member_id=member.id, said=said, source=source)
    return Claimed(member.id, coupon.token)


def agree(scope: Scope, member_id: int, said: Sequence[tuple[str, str]], source: str) -> None:
    """Record what was ticked, but for what somebody with this phone or address has said no to: a box that anybody can tick
    does not outweigh that. said: (channel, purpose)."""
    values = [row.value for row in _contacts(scope, member_id).values()]
    noes = {
        (channel, purpose)
        for channel, purpose in scope.session.execute(
            select(ConsentNow.channel, ConsentNow.purpose)
            .join(
                MemberIdentity,
                (MemberIdentity.brand_id == ConsentNow.brand_id)
                & (MemberIdentity.member_id == ConsentNow.member_id),
            )
            .where(
                MemberIdentity.brand_id == scope.brand.id,
                MemberIdentity.value.in_(values),
                ConsentNow.granted.is_(False),
            )
        )
    }
    for channel, purpose in said:
        if (channel, purpose) not in noes:
            members.set_consent(scope, member_id, channel, purpose, True, source)


def claim_known(
    scope: Scope,
    offer_id: int,
    member_id: int,
    key: str,
    code: str = "",
    *,
    sure: bool = False,
    tell: Tell | None = None,
) -> Coupon | Refused:
    """A coupon for a member whose browser is known. sure: by their private link; else their unconfirmed phone or address
    counts as if they had typed it again. tell and Refused: as coupons.take."""
    coupon = take(scope, offer_id, member_id, key, code=code, tell=tell)
    if isinstance(coupon, Coupon) and not sure:
        contact = unconfirmed(scope, member_id)
        if contact is not None:
            _note(scope, coupon, contact)
    return coupon


@dataclass(frozen=True, slots=True)
class Named:
    """A member whom a till names. sure: no phone or address of theirs waits to be confirmed (`unconfirmed`)."""

    id: int
    sure: bool


def of_number(scope: Scope, number: str) -> Named | None:
    """By the member's number, exactly as written."""
    found = scope.send(_of_number(), {"of_brand": scope.brand.id, "of_number": number.strip()})
    return next((Named(id_, not waits) for id_, waits in found), None)


def of_phone(scope: Scope, phone: str) -> Named | None:
    """The one member who holds this phone, written in any way: it is theirs."""
    value = normalise_phone(phone, scope.brand.region)
    if value is None:
        return None
    found = scope.send(_of_phone(), {"of_brand": scope.brand.id, "of_holder": value})
    return next((Named(id_, True) for (id_,) in found), None)


@cache
def _of_number() -> Any:
    """Built once a process: a crowd sends it."""
    member, of = table_of(Member), table_of(MemberIdentity)
    waits = exists().where(
        of.c.brand_id == member.c.brand_id,
        of.c.member_id == member.c.id,
        or_(
            and_(of.c.kind == PHONE, of.c.holder.is_(None)),
            and_(of.c.kind == EMAIL, of.c.verified.is_(False)),
        ),
    )
    return select(member.c.id, waits).where(
        member.c.brand_id == bindparam("of_brand"), member.c.number == bindparam("of_number")
    )


@cache
def _of_phone() -> Any:
    """Likewise."""
    of = table_of(MemberIdentity)
    return select(of.c.member_id).where(
        of.c.brand_id == bindparam("of_brand"), of.c.kind == PHONE, of.c.holder == bindparam("of_holder")
    )


def unconfirmed(scope: Scope, member_id: int) -> str | None:
    """The contact of a membership that somebody made on a public page and nobody has confirmed since: of its phone, else of
    its address. None: staff know them, or there is nothing to know them by."""
    kept = _contacts(scope, member_id)
    phone = kept.get(PHONE)
    if phone is not None:
        return None if phone.holder is not None else _hash(scope, phone=phone.value)
    email = kept.get(EMAIL)
    return None if email is None or email.verified else _hash(scope, email=email.value)


def from_public_page(scope: Scope, coupon: Coupon) -> bool:
    """Whether somebody took it whom nobody has seen: its page then leads to nobody's private page."""
    return (
        coupon.occurrence.startswith("welcome:")
        or scope.session.get(PublicClaim, (scope.brand.id, coupon.id)) is not None
    )


def _note(scope: Scope, coupon: Coupon, contact: str) -> None:
    scope.session.execute(
        insert_or_ignore(scope, PublicClaim).values(
            brand_id=scope.brand.id, coupon_id=coupon.id, contact=contact
        )
    )


def note_unconfirmed(scope: Scope, coupon: Coupon) -> None:
    """A coupon that somebody took on a plugin's page whom nobody has seen: their phone or address counts as it does here."""
    contact = unconfirmed(scope, coupon.member_id)
    if contact is not None:
        _note(scope, coupon, contact)


def _contacts(scope: Scope, member_id: int) -> dict[str, MemberIdentity]:
    rows = scope.session.scalars(
        select(MemberIdentity).where(
            MemberIdentity.brand_id == scope.brand.id, MemberIdentity.member_id == member_id
        )
    )
    return {row.kind: row for row in rows}


def _hash(scope: Scope, *, phone: str = "", email: str = "") -> str | None:
    contact = contact_of(scope, Joining(phone=phone, email=email))
    return contact if isinstance(contact, str) else None


# --------------------------------------------------------------------------------------------------------- the counter


def as_often_as_one_may(scope: Scope, some: Sequence[Coupon], using: bool) -> dict[int, Refused]:
    """A guard of the counter: what was taken on a public page is used, per phone or address, as often as one person may.

    A member whom staff know is never refused by it, since anybody could have typed their phone; but what they use of an
    offer with a public page counts.
    """
    values = {"brand": scope.brand.id, "coupons": [coupon.id for coupon in some]}
    claimed = dict(scope.session.execute(_CLAIMED, values).all())
    said = {coupon.id: _too_often(scope, coupon, claimed.get(coupon.id), using) for coupon in some}
    return {id_: why for id_, why in said.items() if why is not None}


# Built once, since every quote asks it. Binds brand, coupons.
_CLAIMED = select(PublicClaim.coupon_id, PublicClaim.contact).where(
    PublicClaim.brand_id == bindparam("brand"),
    PublicClaim.coupon_id.in_(bindparam("coupons", expanding=True)),
)


def _too_often(scope: Scope, coupon: Coupon, claimed: str | None, using: bool) -> Refused | None:
    """claimed: the contact for which it was taken on a public page."""
    if claimed is None and not using:
        return None
    offer = coupons.offer(scope, coupon.offer_id)
    if claimed is not None:
        contact: str | None = claimed
    elif offer.token is not None:
        kept = _contacts(scope, coupon.member_id)
        phone, email = kept.get(PHONE), kept.get(EMAIL)
        contact = _hash(scope, phone=phone.value if phone else "", email=email.value if email else "")
    else:
        return None
    if contact is None:
        return None
    free = _place(scope, coupon, contact, offer.per_person, using)
    return None if free or claimed is None else Refused("claim_used", {"limit": offer.per_person})


def _place(scope: Scope, coupon: Coupon, contact: str, per_person: int, using: bool) -> bool:
    """Whether this coupon has, or may have, one of the contact's places; using: it takes it. A place is a row under a unique
    key, so that two tills at once cannot take the same; a coupon that was taken away since leaves its own."""
    places = [_place_key(contact, n) for n in range(per_person)]
    for _attempt in range(per_person + 1):
        rows = scope.session.execute(
            select(WelcomeUsed.contact, WelcomeUsed.coupon_id, Coupon.state)
            .join(Coupon, (Coupon.brand_id == WelcomeUsed.brand_id) & (Coupon.id == WelcomeUsed.coupon_id))
            .where(
                WelcomeUsed.brand_id == scope.brand.id,
                WelcomeUsed.offer_id == coupon.offer_id,
                WelcomeUsed.contact.in_(places),
            )
        ).all()
        held = {place: (coupon_id, state) for place, coupon_id, state in rows}
        if any(coupon_id == coupon.id for coupon_id, _state in held.values()):
            return True
        free = next((place for place in places if place not in held or held[place][1] == "void"), None)
        if free is None or not using:
            return free is not None
        if _take_place(scope, coupon, free, held.get(free)):
            return True
    return False


def _take_place(scope: Scope, coupon: Coupon, place: str, left_by: tuple[int, str] | None) -> bool:
    key = {"brand_id": scope.brand.id, "offer_id": coupon.offer_id, "contact": place}
    if left_by is None:
        done: Any = scope.session.execute(
            insert_or_ignore(scope, WelcomeUsed).values(**key, coupon_id=coupon.id)
        )
    else:
        done = scope.session.execute(
            update(WelcomeUsed)
            .filter_by(**key, coupon_id=left_by[0])
            .values(coupon_id=coupon.id)
            .execution_options(synchronize_session=False)
        )
    return bool(done.rowcount == 1)


def _place_key(contact: str, n: int) -> str:
    """The first place is the contact itself, which a welcome of the same offer uses as well."""
    return contact if n == 0 else hashlib.sha256(f"{contact}:{n}".encode()).hexdigest()[:40]


redeem.GUARDS.append(as_often_as_one_may)
verb.TAKEN.append(note_unconfirmed)
