"""Reading tags, who has them, and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from webapp.kernel.errors import NotFound
from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.staff.models import Staff
from webapp.tags.models import MemberNote, MemberTag, Tag, TagGroup


@dataclass(frozen=True, slots=True)
class Group:
    """A group with its tags by name, and how many members have each of them today."""

    id: int
    name: str
    tags: list[tuple[int, str, int]]


class Worn(NamedTuple):
    """A tag that a member has today."""

    tag_id: int
    name: str
    group: str
    expires_on: date | None


class Note(NamedTuple):
    """A note with the name of who wrote it."""

    note: MemberNote
    who: str


def counts_today(scope: Scope) -> ColumnElement[bool]:
    """A MemberTag that has not expired."""
    return or_(MemberTag.expires_on.is_(None), MemberTag.expires_on >= scope.today)


def groups(scope: Scope) -> list[Group]:
    """All of the brand, by name."""
    worn = (
        select(MemberTag.tag_id, func.count().label("n"))
        .where(MemberTag.brand_id == scope.brand.id, counts_today(scope))
        .group_by(MemberTag.tag_id)
        .subquery()
    )
    rows = scope.session.execute(
        select(TagGroup.id, TagGroup.name, Tag.id, Tag.name, func.coalesce(worn.c.n, 0))
        .outerjoin(Tag, and_(Tag.brand_id == TagGroup.brand_id, Tag.tag_group_id == TagGroup.id))
        .outerjoin(worn, worn.c.tag_id == Tag.id)
        .where(TagGroup.brand_id == scope.brand.id)
        .order_by(TagGroup.name, TagGroup.id, Tag.name)
    )
    found: dict[int, Group] = {}
    for group_id, name, tag_id, tag, number in rows:
        group = found.setdefault(group_id, Group(group_id, name, []))
        if tag_id is not None:
            group.tags.append((tag_id, tag, number))
    return list(found.values())


def choices(scope: Scope) -> list[tuple[str, str]]:
    """(id, "group: tag") of every tag, for filters and rules."""
    return [(str(id_), f"{group.name}: {name}") for group in groups(scope) for id_, name, _n in group.tags]


def has(scope: Scope, tag_ids: Sequence[int]) -> ColumnElement[bool]:
    """A condition on Member: has one of these tags today."""
    return exists().where(
        MemberTag.brand_id == Member.brand_id,
        MemberTag.member_id == Member.id,
        MemberTag.tag_id.in_(tag_ids),
        counts_today(scope),
    )


def of_member(scope: Scope, member_id: int) -> list[Worn]:
    """A member's tags of today, by group and name."""
    rows = scope.session.execute(
        select(Tag.id, Tag.name, TagGroup.name, MemberTag.expires_on)
        .join(MemberTag, and_(MemberTag.brand_id == Tag.brand_id, MemberTag.tag_id == Tag.id))
        .join(TagGroup, and_(TagGroup.brand_id == Tag.brand_id, TagGroup.id == Tag.tag_group_id))
        .where(Tag.brand_id == scope.brand.id, MemberTag.member_id == member_id, counts_today(scope))
        .order_by(TagGroup.name, Tag.name)
    )
    return [Worn(*row) for row in rows]


def tag(scope: Scope, tag_id: int) -> Tag:
    """By id. Raises NotFound."""
    found = scope.session.get(Tag, (scope.brand.id, tag_id))
    if found is None:
        raise NotFound(f"tag {tag_id}")
    return found


def notes(scope: Scope, member_id: int, limit: int = 20) -> list[Note]:
    """Newest first."""
    rows = scope.session.execute(
        select(MemberNote, Staff.name, Staff.email)
        .outerjoin(Staff, Staff.id == MemberNote.staff_id)
        .where(MemberNote.brand_id == scope.brand.id, MemberNote.member_id == member_id)
        .order_by(MemberNote.id.desc())
        .limit(limit)
    )
    return [Note(note, name or email or "") for note, name, email in rows]
