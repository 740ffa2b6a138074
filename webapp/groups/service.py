"""Making groups, and letting members in and out of them. How many are in one is kept by a conditional update."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import delete, or_, select, update

from webapp.brands.models import Store
from webapp.groups import queries, words
from webapp.groups.models import Group, GroupPicture, GroupStay, GroupType
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.pictures import Picture
from webapp.kernel.reach import reaches
from webapp.kernel.scope import Scope
from webapp.members import queries as members
from webapp.members.models import Member
from webapp.staff import queries as staff

NAME, TYPE, LINK = 80, 40, 500
MOST_TYPES = 50
MOST_LINES = 500  # of a pasted list
MOST_LIST = 40_000  # characters of it
MOST_CAPACITY = 100_000


@dataclass(frozen=True, slots=True)
class Details:
    """What is written about a group. None and 0: none. kind: the type's name, one of the list."""

    name: str
    kind: str = ""
    store_id: int | None = None
    owner_id: int | None = None
    link: str = ""
    until_on: date | None = None
    capacity: int | None = None


def add(scope: Scope, details: Details) -> Group | Refused:
    """A new group. Refused (facts: field): name_length, name_taken, type_unknown, store_unknown, owner_unknown, link_bad,
    capacity_bad."""
    refused = _wrong(scope, details, None)
    if refused is not None:
        return refused
    group = Group(
        brand_id=scope.brand.id,
        id=scope.new_id(),
        name=details.name.strip(),
        group_type_id=_type_id(scope, details.kind),
        store_id=details.store_id or None,
        owner_id=details.owner_id or None,
        link=details.link.strip(),
        until_on=details.until_on,
        capacity=details.capacity,
        members=0,
        created_at=scope.now,
    )
    scope.session.add(group)
    scope.session.flush()
    scope.audit("group.new", "group", group.id)
    return group


def change(scope: Scope, group_id: int, details: Details) -> Group | Refused:
    """Refused as `add`, and capacity_below (members): more are in it already. Raises NotFound."""
    group = queries.get(scope, group_id, hold=True)
    refused = _wrong(scope, details, group)
    if refused is not None:
        return refused
    if details.capacity is not None and details.capacity < group.members:
        return Refused("capacity_below", {"field": "capacity", "members": group.members})
    group.name = details.name.strip()
    group.group_type_id = _type_id(scope, details.kind)
    group.store_id, group.owner_id = details.store_id or None, details.owner_id or None
    group.link, group.until_on, group.capacity = details.link.strip(), details.until_on, details.capacity
    scope.session.flush()
    scope.audit("group.change", "group", group.id)
    return group


def set_picture(scope: Scope, group_id: int, picture: Picture | None) -> None:
    """The QR code as a picture; None takes it away. Raises NotFound."""
    queries.get(scope, group_id, hold=True)
    scope.session.execute(
        delete(GroupPicture).where(GroupPicture.brand_id == scope.brand.id, GroupPicture.group_id == group_id)
    )
    if picture is not None:
        scope.session.add(
            GroupPicture(
                brand_id=scope.brand.id,
                group_id=group_id,
                mimetype=picture.mimetype,
                width=picture.width,
                height=picture.height,
                data=picture.data,
                updated_at=scope.now,
            )
        )
    scope.session.flush()
    scope.audit("group.picture", "group", group_id, there=picture is not None)


def close(scope: Scope, group_id: int, *, closed: bool = True) -> None:
    """The group is over, or goes on after all. Raises NotFound."""
    group = queries.get(scope, group_id, hold=True)
    if (group.closed_at is not None) != closed:
        group.closed_at = scope.now if closed else None
        scope.session.flush()
        scope.audit("group.close" if closed else "group.reopen", "group", group_id)


# -- types -------------------------------------------------------------------------------------------------------------


def own_types(scope: Scope) -> Sequence[GroupType]:
    """The brand's own list; the first time it is the defaults, in the language of who asks."""
    found = queries.types(scope)
    if found:
        return found
    for position, name in enumerate(words.DEFAULT_TYPES):
        scope.session.execute(
            insert_or_ignore(scope, GroupType).values(
                brand_id=scope.brand.id, id=scope.new_id(), name=str(name), position=position
            )
        )
    return queries.types(scope)


def add_type(scope: Scope, name: str) -> Refused | None:
    """One more at the end. Refused: type_length, type_taken, too_many."""
    name = " ".join(name.split())
    known = own_types(scope)
    if not 1 <= len(name) <= TYPE:
        return Refused("type_length", {"field": "name"})
    if any(one.name.casefold() == name.casefold() for one in known):
        return Refused("type_taken", {"field": "name"})
    if len(known) >= MOST_TYPES:
        return Refused("too_many", {"field": "name"})
    scope.session.add(
        GroupType(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            name=name,
            position=max((one.position for one in known), default=0) + 1,
        )
    )
    scope.session.flush()
    return None


def drop_type(scope: Scope, name: str) -> Refused | None:
    """Take one off the list. Refused: type_used, type_last; harmless where it is gone already."""
    known = own_types(scope)
    found = next((one for one in known if one.name == name), None)
    if found is None:
        return None
    if len(known) == 1:
        return Refused("type_last")
    if queries.types_in_use(scope).get(found.id):
        return Refused("type_used")
    scope.session.delete(found)
    scope.session.flush()
    return None


# -- in and out --------------------------------------------------------------------------------------------------------

Joined = Literal["joined", "already"]


def join(scope: Scope, group_id: int, member_id: int, source: str) -> Joined | Refused:
    """The member is in the group from now on. source: staff, list, touchpoint:<id> ... Not fenced by the actor's stores:
    whoever may bring a member in has been asked already. Refused: group_full (capacity), group_closed. Raises NotFound.
    """
    member = members.get(scope, member_id)
    inside = select(GroupStay.id).where(
        GroupStay.brand_id == scope.brand.id,
        GroupStay.group_id == group_id,
        GroupStay.member_id == member_id,
        GroupStay.current.is_(True),
    )
    if scope.session.scalar(inside) is not None:
        return "already"
    room = or_(Group.capacity.is_(None), Group.members < Group.capacity)
    if not _count(scope, group_id, +1, Group.closed_at.is_(None), room):
        group = scope.session.get(Group, (scope.brand.id, group_id), populate_existing=True)
        if group is None:
            raise NotFound(f"group {group_id}")
        if group.closed_at is not None:
            return Refused("group_closed")
        return Refused("group_full", {"capacity": group.capacity})
    laid: Any = scope.session.execute(
        insert_or_ignore(scope, GroupStay).values(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            group_id=group_id,
            member_id=member_id,
            person_id=member.person_id,
            current=True,
            joined_at=scope.now,
            source=source[:60],
            left_source="",
        )
    )
    if not laid.rowcount:  # another unit was first
        _count(scope, group_id, -1)
        return "already"
    scope.emit("group.joined", group_id=group_id, member_id=member_id, source=source[:60])
    return "joined"


def leave(scope: Scope, group_id: int, member_id: int, source: str) -> bool:
    """The member is out from now on. False if they were not in it."""
    left: Any = scope.session.execute(
        update(GroupStay)
        .where(
            GroupStay.brand_id == scope.brand.id,
            GroupStay.group_id == group_id,
            GroupStay.member_id == member_id,
            GroupStay.current.is_(True),
        )
        .values(current=None, left_at=scope.now, left_source=source[:60])
        .execution_options(synchronize_session=False)
    )
    if not left.rowcount:
        return False
    _count(scope, group_id, -1)
    scope.emit("group.left", group_id=group_id, member_id=member_id, source=source[:60])
    return True


def _count(scope: Scope, group_id: int, step: int, *where: Any) -> bool:
    changed: Any = scope.session.execute(
        update(Group)
        .where(Group.brand_id == scope.brand.id, Group.id == group_id, *where)
        .values(members=Group.members + step)
        .execution_options(synchronize_session=False)
    )
    scope.session.expire_all()
    return bool(changed.rowcount)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a pasted list. found: joined, already, nobody, several (members have this address), full, closed."""

    number: int
    text: str
    found: str
    member_id: int | None = None


def join_list(scope: Scope, group_id: int, text: str) -> list[Line] | Refused:
    """Members by a list: on each line a number, a whole phone or an address; each line is told. Part of a phone finds
    nobody. Refused: list_empty, list_long (most). Raises NotFound."""
    queries.get(scope, group_id)
    lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1) if line.strip(" \t,;，；")]
    if not lines:
        return Refused("list_empty", {"field": "list"})
    if len(lines) > MOST_LINES or len(text) > MOST_LIST:
        return Refused("list_long", {"field": "list", "most": MOST_LINES})
    told = []
    for n, line in lines:
        typed = re.split(r"[,;\t，；]", line)[0].strip()
        who = members.find(scope, typed) if typed and len(typed) <= 200 else None
        if who is None:
            several = len(members.find_by_email(scope, typed)) > 1
            told.append(Line(n, line[:80], "several" if several else "nobody"))
            continue
        answer = join(scope, group_id, who.id, "list")
        word = answer.code.removeprefix("group_") if isinstance(answer, Refused) else answer
        told.append(Line(n, line[:80], word, who.id))
    scope.audit(
        "group.list", "group", group_id, lines=len(told), joined=sum(x.found == "joined" for x in told)
    )
    return told


def candidates(scope: Scope, group_id: int, text: str, limit: int = 10) -> list[tuple[Member, bool]]:
    """Members whom a search on the group's page means, each with whether they are in it: by name or number among those
    that the actor sees, and anybody by whole number or phone."""
    if not text.strip():
        return []
    where = [] if scope.actor.stores is None else [Member.store_id.in_(sorted(scope.actor.stores))]
    found = {one.id: one for one in members.list_members(scope, text=text, where=where, limit=limit).members}
    exact = members.find(scope, text)
    if exact is not None:
        found = {exact.id: exact} | found
    inside = set(
        scope.session.scalars(
            select(GroupStay.member_id).where(
                GroupStay.brand_id == scope.brand.id,
                GroupStay.group_id == group_id,
                GroupStay.member_id.in_(sorted(found)),
                GroupStay.current.is_(True),
            )
        )
    )
    return [(one, id_ in inside) for id_, one in found.items()]


# -- how one gets in ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a page may show to somebody who is to come in. link and picture: blank and False once they let nobody in."""

    group_id: int
    name: str
    link: str
    picture: bool
    until_on: date | None
    open: bool


def invitation(scope: Scope, group_id: int) -> Invitation | None:
    """How one gets into a group, whatever the actor's reach; None where there is no such group."""
    group = scope.session.get(Group, (scope.brand.id, group_id))
    if group is None:
        return None
    full = group.capacity is not None and group.members >= group.capacity
    live = group.closed_at is None and not full
    over = group.until_on is not None and group.until_on < scope.today
    picture = live and not over and queries.has_picture(scope, group_id)
    return Invitation(group_id, group.name, group.link if live else "", picture, group.until_on, live)


# -- reading what was typed --------------------------------------------------------------------------------------------


def _wrong(scope: Scope, details: Details, group: Group | None) -> Refused | None:
    if not 1 <= len(details.name.strip()) <= NAME:
        return Refused("name_length", {"field": "name"})
    other = scope.session.scalar(
        select(Group.id).where(Group.brand_id == scope.brand.id, Group.name == details.name.strip())
    )
    if other is not None and (group is None or other != group.id):
        return Refused("name_taken", {"field": "name"})
    if details.kind and all(one.name != details.kind for one in own_types(scope)):
        return Refused("type_unknown", {"field": "kind"})
    had_store = group.store_id if group is not None else None
    if (details.store_id or None) != had_store or group is None:
        if details.store_id and scope.session.get(Store, (scope.brand.id, details.store_id)) is None:
            return Refused("store_unknown", {"field": "store"})
        if not reaches(scope, details.store_id or None):
            return Refused("store_unknown", {"field": "store"})
    had_owner = group.owner_id if group is not None else None
    owners = {0, None, had_owner, *(one.id for one in staff.colleagues(scope))}
    if details.owner_id not in owners:
        return Refused("owner_unknown", {"field": "owner"})
    if details.link.strip() and not web_address(details.link.strip()):
        return Refused("link_bad", {"field": "link"})
    if details.capacity is not None and not 1 <= details.capacity <= MOST_CAPACITY:
        return Refused("capacity_bad", {"field": "capacity"})
    return None


def web_address(text: str) -> bool:
    """A whole http(s) address of at most 500 plain characters."""
    if len(text) > LINK or not text.isprintable() or any(c.isspace() or c in "\"'<>\\" for c in text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _type_id(scope: Scope, kind: str) -> int | None:
    return next((one.id for one in own_types(scope) if one.name == kind), None) if kind else None
