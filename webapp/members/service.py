"""Adding and correcting members, and recording what they agree to.

Events: `member.phone_held` (member_ids) whenever members have come to hold a phone: orders that waited for it join.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.exc import IntegrityError

from webapp.brands.models import Store
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope
from webapp.members import queries
from webapp.members.identities import EMAIL, PHONE, normalise_email, normalise_phone
from webapp.members.models import DRAW_BITS, Consent, ConsentNow, Member, MemberIdentity

MARKETING = "marketing"
SLIP = "task:"  # how the source of a no begins that a colleague noted by a tap, and may take back
GENDERS = ("female", "male", "other")
OLDEST = date(1900, 1, 1)
_DRAW_BELOW = 2**DRAW_BITS - 1


@dataclass(frozen=True, slots=True)
class Details:
    """What is written about a member. None: say nothing about it; blank text clears it. joined_on cannot be cleared.

    store_id 0 clears. birthday: a date, ISO text, or blank.
    """

    number: str | None = None
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    birthday: date | str | None = None
    gender: str | None = None
    store_id: int | None = None
    joined_on: date | None = None


def draw() -> int:
    """A member's place in every experiment: uniform below 2^31 - 1, kept for life."""
    return secrets.randbelow(_DRAW_BELOW)


def add_member(
    scope: Scope,
    details: Details,
    *,
    consents: Mapping[str, bool] | None = None,
    source: str = "counter",
) -> Member | Refused:
    """A new member, who joins today unless `joined_on` is given; a blank number is made up.

    consents: channel -> the answer about marketing. Refusals: number_bad, number_taken, name_long, phone_bad,
    phone_taken, email_bad, birthday_bad, gender_bad, store_unknown, joined_bad; facts name the field, and for what is taken
    the member who has it.
    """
    read = _read(scope, details)
    if isinstance(read, Refused):
        return read
    id_ = scope.new_id()
    number = read.number or str(id_)
    if (other := queries.find_by_number(scope, number)) is not None:
        return Refused("number_taken", {"field": "number", "member_id": other.id, "number": other.number})
    if (taken := _phone_taken(scope, read.phone, id_)) is not None:
        return taken
    member = Member(
        brand_id=scope.brand.id,
        id=id_,
        person_id=id_,
        number=number,
        name=read.name or "",
        birthday=read.birthday or None,
        gender=read.gender or "",
        store_id=read.store_id or None,
        joined_on=read.joined_on or scope.today,
        joined_given=True,
        draw=draw(),
        dirty_on=scope.today,
        facts_seq=1,
        created_at=scope.now,
        updated_at=scope.now,
    )
    try:
        with scope.session.begin_nested():
            scope.session.add(member)
            scope.session.flush()
            for kind, value in ((PHONE, read.phone), (EMAIL, read.email)):
                if value:
                    _set_identity(scope, member.id, kind, value)
            scope.session.flush()
    except IntegrityError:  # somebody else was faster by a blink
        scope.session.expunge_all()
        return _phone_taken(scope, read.phone, id_) or Refused(
            "number_taken", {"field": "number", "number": number}
        )
    for channel, granted in (consents or {}).items():
        set_consent(scope, member.id, channel, MARKETING, granted, source)
    scope.audit("member.new", "member", member.id, source=source)
    if read.phone:
        phone_held(scope, [member.id])
    return member


def correct_member(
    scope: Scope,
    member_id: int,
    details: Details,
    *,
    consents: Mapping[str, bool] | None = None,
    source: str = "counter",
) -> Member | Refused:
    """Correct what `details` says. Raises NotFound; refusals as for add_member."""
    member = queries.in_reach(scope, member_id)
    read = _read(scope, details)
    if isinstance(read, Refused):
        return read
    if read.number and read.number != member.number:
        other = queries.find_by_number(scope, read.number)
        if other is not None:
            return Refused("number_taken", {"field": "number", "member_id": other.id, "number": other.number})
    if (taken := _phone_taken(scope, read.phone, member_id)) is not None:
        return taken
    phones, emails = queries.phones_and_emails(scope, [member_id])
    changed: list[str] = []
    new = {
        "number": read.number or None,
        "name": read.name,
        "birthday": read.birthday,
        "gender": read.gender,
        "store_id": read.store_id,
        "joined_on": read.joined_on,
    }
    before_joined = member.joined_on
    try:
        with scope.session.begin_nested():
            for field, value in new.items():
                cleared = value in ("", 0) and field in ("birthday", "store_id")
                if value is not None and (stored := None if cleared else value) != getattr(member, field):
                    setattr(member, field, stored)
                    changed.append(field)
            for kind, given, had in ((PHONE, read.phone, phones), (EMAIL, read.email, emails)):
                if given is not None and given != had.get(member_id, ""):
                    _set_identity(scope, member_id, kind, given)
                    changed.append(kind)
            if changed:
                member.updated_at = scope.now
            scope.session.flush()
    except IntegrityError:
        scope.session.expire_all()
        return _phone_taken(scope, read.phone, member_id) or Refused(
            "number_taken", {"field": "number", "number": read.number or ""}
        )
    if "joined_on" in changed:
        member.joined_given = True
        scope.session.flush()
        queries.touch(scope, [member.person_id], min(before_joined, member.joined_on))
    for channel, granted in (consents or {}).items():
        set_consent(scope, member_id, channel, MARKETING, granted, source)
    if changed:
        scope.audit("member.correct", "member", member_id, fields=sorted(changed), source=source)
    if PHONE in changed and read.phone:
        phone_held(scope, [member_id])
    return member


def set_consent(scope: Scope, member_id: int, channel: str, purpose: str, granted: bool, source: str) -> bool:
    """Record what a member said; True when it changes what counted. Saying the same again is not recorded twice."""
    now = scope.session.get(ConsentNow, (scope.brand.id, member_id, channel, purpose), with_for_update=True)
    if now is None:
        said = {"brand_id": scope.brand.id, "member_id": member_id, "channel": channel, "purpose": purpose}
        first = insert_or_ignore(scope, ConsentNow).values(**said, granted=granted, at=scope.now)
        laid: Any = scope.session.execute(first)
        if laid.rowcount == 0:  # another unit was first, and has committed
            now = scope.session.get_one(ConsentNow, tuple(said.values()), with_for_update=True)
    changes = now is None or now.granted != granted
    if not changes and (granted or not _slip_counts(scope, member_id, channel, purpose, source)):
        return False
    if now is not None:
        now.granted, now.at = granted, scope.now
    scope.session.add(
        Consent(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            member_id=member_id,
            channel=channel,
            purpose=purpose,
            granted=granted,
            source=source[:60],
            at=scope.now,
        )
    )
    scope.session.flush()
    return changes


def repeat_no(scope: Scope, member_id: int, channel: str, purpose: str, source: str) -> None:
    """A no that counted already was said again: it is written down where the one that counts may yet be unsaid."""
    if _slip_counts(scope, member_id, channel, purpose, source):
        set_consent(scope, member_id, channel, purpose, False, source)


def withdraw(scope: Scope, member_id: int, channel: str, source: str, purpose: str = MARKETING) -> bool:
    """The member wants no more of this. True when it changes what counted."""
    return set_consent(scope, member_id, channel, purpose, False, source)


def unsay(scope: Scope, member_id: int, channel: str, source: str, purpose: str = MARKETING) -> bool:
    """A no of this source was a slip: it was never said, and what was said last without it counts, as it was. True when
    that changes what counts."""
    now = scope.session.get(ConsentNow, (scope.brand.id, member_id, channel, purpose), with_for_update=True)
    if now is None:
        return False
    about = _about(scope, member_id, channel, purpose)
    scope.session.execute(
        delete(Consent)
        .where(*about, Consent.source == source, Consent.granted.is_(False))
        .execution_options(synchronize_session=False)
    )
    last = scope.session.scalars(
        select(Consent).where(*about).order_by(Consent.at.desc(), Consent.id.desc()).limit(1)
    ).first()
    changes = last is None or last.granted != now.granted
    if last is None:
        scope.session.delete(now)
    else:
        now.granted, now.at = last.granted, last.at
    scope.session.flush()
    return changes


def _slip_counts(scope: Scope, member_id: int, channel: str, purpose: str, source: str) -> bool:
    """Does a no count that may yet be unsaid? Then one from elsewhere is written down beside it, and stays."""
    last = scope.session.scalar(
        select(Consent.source)
        .where(*_about(scope, member_id, channel, purpose))
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
    )
    return last is not None and last.startswith(SLIP) and last != source


def _about(scope: Scope, member_id: int, channel: str, purpose: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Consent.brand_id == scope.brand.id,
        Consent.member_id == member_id,
        Consent.channel == channel,
        Consent.purpose == purpose,
    )


def phone_held(scope: Scope, member_ids: Collection[int]) -> None:
    """Tell whoever waits for the phones of these members."""
    scope.emit("member.phone_held", member_ids=sorted(member_ids))


# --- reading what was typed -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Read:
    """Details, normalised. None: nothing said; "" or 0: clear."""

    number: str | None
    name: str | None
    phone: str | None
    email: str | None
    birthday: date | str | None
    gender: str | None
    store_id: int | None
    joined_on: date | None


def read_number(text: str) -> str | None:
    """A member's number without the spaces around it; None when it cannot be one. Leading zeros stay."""
    text = text.strip()
    return text if 0 < len(text) <= 60 and text.isprintable() else None


def read_birthday(text: str, today: date) -> date | None:
    """A day between 1900 and today, written 1990-02-28 or 1990/2/28; None when it is none."""
    match = re.fullmatch(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", text.strip(), re.ASCII)
    if match is None:
        return None
    try:
        day = date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        return None
    return day if OLDEST <= day <= today else None


def _read(scope: Scope, details: Details) -> _Read | Refused:
    number, name, birthday, gender = details.number, details.name, details.birthday, details.gender
    if number is not None and number.strip():
        number = read_number(number)
        if number is None:
            return Refused("number_bad", {"field": "number"})
    else:
        number = None
    if name is not None:
        name = " ".join(name.split())
        if len(name) > 120:
            return Refused("name_long", {"field": "name", "limit": 120})
    phone = email = None
    if details.phone is not None:
        phone = normalise_phone(details.phone, scope.brand.region) if details.phone.strip() else ""
        if phone is None:
            return Refused("phone_bad", {"field": "phone"})
    if details.email is not None:
        email = normalise_email(details.email) if details.email.strip() else ""
        if email is None:
            return Refused("email_bad", {"field": "email"})
    if isinstance(birthday, str) and birthday.strip():
        birthday = read_birthday(birthday, scope.today)
        if birthday is None:
            return Refused("birthday_bad", {"field": "birthday"})
    elif isinstance(birthday, str):
        birthday = ""
    elif birthday is not None and not OLDEST <= birthday <= scope.today:
        return Refused("birthday_bad", {"field": "birthday"})
    if gender and gender not in GENDERS:
        return Refused("gender_bad", {"field": "gender"})
    if details.store_id and not _store_exists(scope, details.store_id):
        return Refused("store_unknown", {"field": "store"})
    if details.joined_on is not None and not OLDEST <= details.joined_on <= scope.today:
        return Refused("joined_bad", {"field": "joined_on"})
    return _Read(number, name, phone, email, birthday, gender, details.store_id, details.joined_on)


def _store_exists(scope: Scope, store_id: int) -> bool:
    return scope.session.get(Store, (scope.brand.id, store_id)) is not None


def _phone_taken(scope: Scope, phone: str | None, member_id: int) -> Refused | None:
    if not phone:
        return None
    row = scope.session.execute(
        select(MemberIdentity.member_id, Member.number)
        .join(Member, (Member.brand_id == MemberIdentity.brand_id) & (Member.id == MemberIdentity.member_id))
        .where(
            MemberIdentity.brand_id == scope.brand.id,
            MemberIdentity.kind == PHONE,
            MemberIdentity.holder == phone,
        )
    ).one_or_none()
    if row is None or row.member_id == member_id:
        return None
    return Refused("phone_taken", {"field": "phone", "member_id": row.member_id, "number": row.number})


def _set_identity(scope: Scope, member_id: int, kind: str, value: str) -> None:
    """Write, replace or (blank) remove a member's phone or address. A phone written by staff is held."""
    scope.session.execute(
        delete(MemberIdentity).where(
            MemberIdentity.brand_id == scope.brand.id,
            MemberIdentity.member_id == member_id,
            MemberIdentity.kind == kind,
        )
    )
    if value:
        scope.session.add(
            MemberIdentity(
                brand_id=scope.brand.id,
                id=scope.new_id(),
                member_id=member_id,
                kind=kind,
                value=value,
                holder=value if kind == PHONE else None,
                verified=kind == PHONE,
            )
        )
