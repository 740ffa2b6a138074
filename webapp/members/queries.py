"""Reading members, and marking those whose facts have changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update

from webapp.brands.models import Store
from webapp.kernel.bulk import among
from webapp.kernel.errors import NotFound
from webapp.kernel.reach import reaches, within
from webapp.kernel.scope import Scope
from webapp.members.identities import (
    EMAIL,
    PHONE,
    mask_email,
    mask_phone,
    normalise_email,
    normalise_phone,
)
from webapp.members.models import AttributeDefinition, ConsentNow, Member, MemberAttribute, MemberIdentity

__all__ = [
    "MemberPage",
    "Profile",
    "consents",
    "find",
    "find_by_email",
    "find_by_number",
    "find_by_phone",
    "get",
    "ids_by_number",
    "in_reach",
    "list_members",
    "mask_email",
    "mask_phone",
    "normalise_email",
    "normalise_phone",
    "phones_and_emails",
    "profile",
    "touch",
    "touch_many",
    "touch_selected",
]

T = TypeVar("T")
BATCH = 500


def batches(items: Collection[T], size: int = BATCH) -> Iterator[list[T]]:
    """Lists of at most `size`, so that no statement carries too many values."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


# --- facts have changed ---------------------------------------------------------------------------------------------


def touch(scope: Scope, person_ids: Collection[int], day: date) -> None:
    """Say that facts of local day `day` have changed for these persons (see touch_many)."""
    touch_many(scope, dict.fromkeys(person_ids, day))


def touch_many(scope: Scope, days: Mapping[int, date]) -> None:
    """person -> the earliest local day whose facts have changed, in this unit.

    A fact of day d is seen by the lifecycle engine on d+1 and not before today: dirty_on becomes the earlier of what it
    is and max(today, d+1). facts_seq is raised, so that an engine which has read older facts does not clear the mark.
    """
    due: dict[date, list[int]] = {}
    for person_id, day in days.items():
        due.setdefault(max(scope.today, day + timedelta(days=1)), []).append(person_id)
    for on, ids in sorted(due.items()):
        for batch in batches(sorted(ids)):
            _mark(scope, among(Member.id, batch), on)


def touch_selected(scope: Scope, person_ids: Select[Any], day: date) -> None:
    """As touch, for the persons that a query yields."""
    _mark(scope, Member.id.in_(person_ids), max(scope.today, day + timedelta(days=1)))


def _mark(scope: Scope, which: ColumnElement[bool], on: date) -> None:
    these = (Member.brand_id == scope.brand.id, which)
    later = or_(Member.dirty_on.is_(None), Member.dirty_on > on)
    # Two statements: dirty_on has an index, and is as it should be already for most.
    for mark in (
        update(Member).where(*these).values(facts_seq=Member.facts_seq + 1),
        update(Member).where(*these, later).values(dirty_on=on),
    ):
        scope.session.execute(mark.execution_options(synchronize_session=False))


# --- finding --------------------------------------------------------------------------------------------------------


def get(scope: Scope, member_id: int) -> Member:
    """By id. Raises NotFound."""
    member = scope.session.get(Member, (scope.brand.id, member_id))
    if member is None:
        raise NotFound(f"member {member_id}")
    return member


def in_reach(scope: Scope, member_id: int) -> Member:
    """By id, if the actor's stores reach this member. Raises NotFound: who is out of reach has no page."""
    member = get(scope, member_id)
    if not reaches(scope, member.store_id):
        raise NotFound(f"member {member_id}")
    return member


def find_by_number(scope: Scope, number: str) -> Member | None:
    """By the member's number, exactly as written."""
    return scope.session.scalars(
        select(Member).where(Member.brand_id == scope.brand.id, Member.number == number.strip())
    ).one_or_none()


def find_by_phone(scope: Scope, phone: str) -> Member | None:
    """The one member who holds this phone, written in any way. None also when it is no phone."""
    value = normalise_phone(phone, scope.brand.region)
    if value is None:
        return None
    return scope.session.scalars(
        select(Member)
        .join(MemberIdentity, _of_member())
        .where(
            MemberIdentity.brand_id == scope.brand.id,
            MemberIdentity.kind == PHONE,
            MemberIdentity.holder == value,
        )
    ).one_or_none()


def find_by_email(scope: Scope, address: str) -> Sequence[Member]:
    """All members with this address: a family may share one."""
    value = normalise_email(address)
    if value is None:
        return []
    return scope.session.scalars(
        select(Member)
        .join(MemberIdentity, _of_member())
        .where(
            MemberIdentity.brand_id == scope.brand.id,
            MemberIdentity.kind == EMAIL,
            MemberIdentity.value == value,
        )
        .order_by(Member.id)
    ).all()


def find(scope: Scope, typed: str) -> Member | None:
    """The one member whom a clerk means: by number, else by phone, else by an address that one member has."""
    found = find_by_number(scope, typed) or find_by_phone(scope, typed)
    if found is None and len(same := find_by_email(scope, typed)) == 1:
        return same[0]
    return found


def ids_by_number(scope: Scope, numbers: Collection[str]) -> dict[str, int]:
    """number -> member id, for those that exist."""
    found: dict[str, int] = {}
    for batch in batches(numbers):
        rows = scope.session.execute(
            select(Member.number, Member.id).where(
                Member.brand_id == scope.brand.id, among(Member.number, batch)
            )
        )
        found.update((number, id_) for number, id_ in rows)
    return found


def phone_holders(scope: Scope, phones: Collection[str]) -> dict[str, str]:
    """phone (E.164) -> number of the member who holds it."""
    found: dict[str, str] = {}
    for batch in batches(phones):
        for phone, number in scope.session.execute(
            select(MemberIdentity.value, Member.number)
            .join(Member, _of_member())
            .where(
                MemberIdentity.brand_id == scope.brand.id,
                MemberIdentity.kind == PHONE,
                among(MemberIdentity.holder, batch),
            )
        ):
            found[phone] = number
    return found


def _of_member() -> ColumnElement[bool]:
    return and_(MemberIdentity.brand_id == Member.brand_id, MemberIdentity.member_id == Member.id)


# --- the list -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MemberPage:
    """Some members, newest first. next: the id to continue after, None at the end."""

    members: list[Member]
    phones: dict[int, str]
    emails: dict[int, str]
    next: int | None


def search(scope: Scope, text: str) -> ColumnElement[bool]:
    """A condition on Member: number begins with, name contains, whole phone or its end, whole address."""
    text = text.strip()
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    either: list[ColumnElement[bool]] = [
        func.lower(Member.number).like(f"{escaped.lower()}%", escape="\\"),
        func.lower(Member.name).like(f"%{escaped.lower()}%", escape="\\"),
    ]
    of_brand = select(MemberIdentity.member_id).where(MemberIdentity.brand_id == scope.brand.id)
    if phone := normalise_phone(text, scope.brand.region):
        either.append(
            Member.id.in_(of_brand.where(MemberIdentity.kind == PHONE, MemberIdentity.value == phone))
        )
    elif text.isascii() and text.isdecimal() and len(text) >= 4:
        end = of_brand.where(MemberIdentity.tail == text[-4:])  # has an index; the rest of them is few
        either.append(Member.id.in_(end.where(MemberIdentity.value.like(f"%{text}"))))
    if address := normalise_email(text):
        either.append(
            Member.id.in_(of_brand.where(MemberIdentity.kind == EMAIL, MemberIdentity.value == address))
        )
    return or_(*either)


def list_members(
    scope: Scope,
    *,
    text: str = "",
    store_id: int | None = None,
    where: Sequence[ColumnElement[bool]] = (),
    after: int | None = None,
    limit: int = 50,
) -> MemberPage:
    """Those within the actor's reach, newest first, in pages by id. `where`: further conditions on Member, for what higher rooms know (stages, tags)."""
    query = select(Member).where(Member.brand_id == scope.brand.id, within(scope, Member.store_id), *where)
    if text.strip():
        query = query.where(search(scope, text))
    if store_id is not None:
        query = query.where(Member.store_id == store_id)
    if after is not None:
        query = query.where(Member.id < after)
    rows = list(scope.session.scalars(query.order_by(Member.id.desc()).limit(limit + 1)))
    members = rows[:limit]
    phones, emails = phones_and_emails(scope, [member.id for member in members])
    return MemberPage(members, phones, emails, members[-1].id if len(rows) > limit else None)


def count_members(scope: Scope, *where: ColumnElement[bool]) -> int:
    """How many members the actor reaches, or how many of them fulfil the conditions."""
    fence = (Member.brand_id == scope.brand.id, within(scope, Member.store_id))
    return scope.session.scalar(select(func.count()).select_from(Member).where(*fence, *where)) or 0


def nth_after(scope: Scope, after: int, n: int) -> int | None:
    """The id of the n-th member behind an id, so that long work looks at so many a unit; None: there are fewer."""
    return scope.session.scalar(
        select(Member.id)
        .where(Member.brand_id == scope.brand.id, Member.id > after)
        .order_by(Member.id)
        .offset(n - 1)
        .limit(1)
    )


def phones_and_emails(scope: Scope, member_ids: Collection[int]) -> tuple[dict[int, str], dict[int, str]]:
    """member id -> phone, and member id -> address, for those who have one."""
    found: dict[str, dict[int, str]] = {PHONE: {}, EMAIL: {}}
    for batch in batches(member_ids):
        for member_id, kind, value in scope.session.execute(
            select(MemberIdentity.member_id, MemberIdentity.kind, MemberIdentity.value).where(
                MemberIdentity.brand_id == scope.brand.id, among(MemberIdentity.member_id, batch)
            )
        ):
            found.setdefault(kind, {})[member_id] = value
    return found[PHONE], found[EMAIL]


# --- one member -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Profile:
    """What stands on a member's card, apart from what higher rooms add. consents: (channel, purpose) -> newest answer."""

    member: Member
    phone: str | None
    email: str | None
    store: str | None
    consents: dict[tuple[str, str], bool]
    attributes: list[tuple[str, str]]  # label, text; by label


def profile(scope: Scope, member_id: int) -> Profile:
    """Everything this room knows of a member within reach. Raises NotFound."""
    member = in_reach(scope, member_id)
    phones, emails = phones_and_emails(scope, [member_id])
    store = None
    if member.store_id is not None:
        store = scope.session.scalar(
            select(Store.name).where(Store.brand_id == scope.brand.id, Store.id == member.store_id)
        )
    rows: Sequence[Any] = scope.session.execute(
        select(AttributeDefinition.label, MemberAttribute.text)
        .join(
            MemberAttribute,
            and_(
                MemberAttribute.brand_id == AttributeDefinition.brand_id,
                MemberAttribute.attribute_id == AttributeDefinition.id,
            ),
        )
        .where(MemberAttribute.brand_id == scope.brand.id, MemberAttribute.member_id == member_id)
        .order_by(AttributeDefinition.label)
    ).all()
    return Profile(
        member,
        phones.get(member_id),
        emails.get(member_id),
        store,
        consents(scope, member_id),
        [(label, text) for label, text in rows],
    )


def consents(scope: Scope, member_id: int) -> dict[tuple[str, str], bool]:
    """(channel, purpose) -> what the member said last. What is not here was never agreed to."""
    rows = scope.session.execute(
        select(ConsentNow.channel, ConsentNow.purpose, ConsentNow.granted).where(
            ConsentNow.brand_id == scope.brand.id, ConsentNow.member_id == member_id
        )
    )
    return {(channel, purpose): granted for channel, purpose, granted in rows}
