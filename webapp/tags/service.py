"""Defining tags, putting them on members and taking them off, and writing notes."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import delete, func, select

from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope
from webapp.members import queries as members
from webapp.tags import queries
from webapp.tags.models import MemberNote, MemberTag, Tag, TagGroup

NAME, NOTE = 60, 1000
MOST_GROUPS, MOST_TAGS = 50, 200  # of a brand; of a group
HAND = "hand"


def _name(text: str) -> str | None:
    name = " ".join(text.split())
    return name if 1 <= len(name) <= NAME and name.isprintable() else None


def add_group(scope: Scope, text: str) -> int | Refused:
    """A new group. Refused: name_length, group_taken, too_many."""
    name = _name(text)
    if name is None:
        return Refused("name_length", {"field": "group"})
    known = {group.name.casefold() for group in queries.groups(scope)}
    if name.casefold() in known:
        return Refused("group_taken", {"field": "group"})
    if len(known) >= MOST_GROUPS:
        return Refused("too_many", {"field": "group"})
    id_ = scope.new_id()
    laid: Any = scope.session.execute(
        insert_or_ignore(scope, TagGroup).values(brand_id=scope.brand.id, id=id_, name=name)
    )
    if not laid.rowcount:
        return Refused("group_taken", {"field": "group"})
    scope.audit("tag_group.new", "tag_group", id_)
    return id_


def add_tag(scope: Scope, group_id: int, text: str) -> int | Refused:
    """A new tag of a group. Refused: name_length, tag_taken, too_many. Raises NotFound."""
    if scope.session.get(TagGroup, (scope.brand.id, group_id)) is None:
        raise NotFound(f"tag group {group_id}")
    name = _name(text)
    if name is None:
        return Refused("name_length", {"field": "tag"})
    group = next(one for one in queries.groups(scope) if one.id == group_id)
    if name.casefold() in {tag.casefold() for _id, tag, _n in group.tags}:
        return Refused("tag_taken", {"field": "tag"})
    if len(group.tags) >= MOST_TAGS:
        return Refused("too_many", {"field": "tag"})
    id_ = scope.new_id()
    laid: Any = scope.session.execute(
        insert_or_ignore(scope, Tag).values(brand_id=scope.brand.id, id=id_, tag_group_id=group_id, name=name)
    )
    if not laid.rowcount:
        return Refused("tag_taken", {"field": "tag"})
    scope.audit("tag.new", "tag", id_)
    return id_


def drop_tag(scope: Scope, tag_id: int) -> Refused | None:
    """Take a tag off the list. Refused: tag_worn (members): somebody has it, or had it until lately. Raises NotFound."""
    queries.tag(scope, tag_id)
    mine = (MemberTag.brand_id == scope.brand.id, MemberTag.tag_id == tag_id)
    scope.session.execute(delete(MemberTag).where(*mine, MemberTag.expires_on < scope.today))
    worn = scope.session.scalar(select(func.count()).select_from(MemberTag).where(*mine)) or 0
    if worn:
        return Refused("tag_worn", {"members": worn})
    scope.session.execute(delete(Tag).where(Tag.brand_id == scope.brand.id, Tag.id == tag_id))
    scope.audit("tag.drop", "tag", tag_id)
    return None


def put(
    scope: Scope, member_id: int, tag_id: int, *, until: date | None = None, source: str = HAND
) -> Refused | None:
    """A member has a tag, until the end of a day or for good; putting it again sets its last day anew.

    Refused: expires_past. Raises NotFound for a member out of reach or a tag that is gone.
    """
    members.in_reach(scope, member_id)
    queries.tag(scope, tag_id)
    if until is not None and until < scope.today:
        return Refused("expires_past", {"field": "until"})
    values = {"source": source[:60], "staff_id": _who(scope), "at": scope.now, "expires_on": until}
    laid: Any = scope.session.execute(
        insert_or_ignore(scope, MemberTag).values(
            brand_id=scope.brand.id, member_id=member_id, tag_id=tag_id, **values
        )
    )
    if not laid.rowcount:
        row = scope.session.get_one(MemberTag, (scope.brand.id, member_id, tag_id), with_for_update=True)
        for name, value in values.items():
            setattr(row, name, value)
    scope.audit("member.tag", "member", member_id, tag=tag_id)
    scope.session.flush()
    return None


def take_off(scope: Scope, member_id: int, tag_id: int) -> bool:
    """True when it was there. Raises NotFound for a member out of reach."""
    members.in_reach(scope, member_id)
    gone: Any = scope.session.execute(
        delete(MemberTag).where(
            MemberTag.brand_id == scope.brand.id,
            MemberTag.member_id == member_id,
            MemberTag.tag_id == tag_id,
        )
    )
    if gone.rowcount:
        scope.audit("member.untag", "member", member_id, tag=tag_id)
    return bool(gone.rowcount)


def write_note(scope: Scope, member_id: int, text: str) -> int | Refused:
    """Refused: note_length. Raises NotFound for a member out of reach."""
    members.in_reach(scope, member_id)
    text = text.strip()
    if not 1 <= len(text) <= NOTE:
        return Refused("note_length", {"field": "note", "most": NOTE})
    id_ = scope.new_id()
    scope.session.add(
        MemberNote(
            brand_id=scope.brand.id,
            id=id_,
            member_id=member_id,
            staff_id=_who(scope),
            text=text,
            at=scope.now,
        )
    )
    scope.session.flush()
    scope.audit("member.note", "member", member_id)
    return id_


def drop_note(scope: Scope, member_id: int, note_id: int) -> bool:
    """Only who wrote it takes it back. Raises NotFound for a member out of reach."""
    members.in_reach(scope, member_id)
    gone: Any = scope.session.execute(
        delete(MemberNote).where(
            MemberNote.brand_id == scope.brand.id,
            MemberNote.id == note_id,
            MemberNote.member_id == member_id,
            MemberNote.staff_id == scope.actor.id,
        )
    )
    return bool(gone.rowcount)


def _who(scope: Scope) -> int | None:
    return scope.actor.id if scope.actor.kind == "staff" else None
