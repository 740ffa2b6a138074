"""Taking members back, as if an import had never brought or changed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select

from webapp.kernel import bulk
from webapp.kernel.model import Base
from webapp.kernel.scope import Scope
from webapp.members.models import Consent, ConsentNow, Member, MemberAttribute, MemberIdentity, tail_of
from webapp.members.queries import touch_many
from webapp.members.service import MARKETING

OWN: tuple[type[Base], ...] = (ConsentNow, Consent, MemberAttribute, MemberIdentity)


def remove(scope: Scope, member_ids: Sequence[int], derived: Sequence[type[Base]] = ()) -> int:
    """Members go, with what stands in this room about them and in `derived` (what other rooms work out from facts). The
    database refuses where anything else refers to them. Returns how many there were."""
    rows: Any
    for model in (*derived, *OWN):
        columns = model.__table__.c
        scope.session.execute(
            delete(model.__table__).where(  # type: ignore[arg-type]
                columns.brand_id == scope.brand.id, bulk.among(columns.member_id, member_ids)
            )
        )
    rows = scope.session.execute(
        delete(Member)
        .where(Member.brand_id == scope.brand.id, bulk.among(Member.id, member_ids))
        .execution_options(synchronize_session=False)
    )
    return int(rows.rowcount)


def changed_since(scope: Scope, before: Mapping[int, Mapping[str, Any]]) -> set[int]:
    """Those members that somebody has corrected, or who have answered about consent, since the import changed them."""
    ids = list(before)
    of = Member.brand_id == scope.brand.id, bulk.among(Member.id, ids)
    rows = scope.session.execute(select(Member.id, Member.updated_at).where(*of)).all()
    now = {row.id: row.updated_at for row in rows}
    changed = {id_ for id_, was in before.items() if now.get(id_) != datetime.fromisoformat(was["at"])}
    said = select(Consent.member_id, Consent.id, Consent.at).where(
        Consent.brand_id == scope.brand.id, bulk.among(Consent.member_id, ids)
    )
    for member_id, id_, at in scope.session.execute(said):
        was = before[member_id]
        if id_ not in was["said"] and at > datetime.fromisoformat(was["at"]):
            changed.add(member_id)
    return changed


def restore(scope: Scope, before: Mapping[int, Mapping[str, Any]]) -> int:
    """Members become what they were (bulk.Recorded.before); those who were changed again since are left. Returns how many
    were restored."""
    left = changed_since(scope, before)
    ids = [id_ for id_ in before if id_ not in left]
    members = scope.session.scalars(
        select(Member).where(Member.brand_id == scope.brand.id, bulk.among(Member.id, ids))
    ).all()
    touched: dict[int, date] = {}
    for member in members:
        was = before[member.id]
        for name, value in was["fields"].items():
            if name == "joined_on":
                value = date.fromisoformat(value)
                touched[member.person_id] = min(value, member.joined_on)
            elif name == "birthday" and value:
                value = date.fromisoformat(value)
            setattr(member, name, value)
        member.updated_at = datetime.fromisoformat(was["updated_at"])
        for kind, old in was["identities"].items():
            _identity(scope, member.id, kind, old)
        for attribute, value in was["attributes"].items():
            _attribute(scope, member.id, int(attribute), value)
        _consents(scope, member.id, was)
    scope.session.flush()
    touch_many(scope, touched)
    return len(members)


def _identity(scope: Scope, member_id: int, kind: str, old: Sequence[Any] | None) -> None:
    row = scope.session.scalars(
        select(MemberIdentity).where(
            MemberIdentity.brand_id == scope.brand.id,
            MemberIdentity.member_id == member_id,
            MemberIdentity.kind == kind,
        )
    ).one_or_none()
    if row is None:
        return
    if old is None:
        scope.session.delete(row)
        return
    value, holder, verified = old
    if holder is not None and _held_by_another(scope, member_id, kind, holder):
        holder, verified = None, False  # somebody else has come to hold it meanwhile
    row.value, row.holder, row.verified, row.tail = value, holder, verified, tail_of(kind, value)


def _held_by_another(scope: Scope, member_id: int, kind: str, holder: str) -> bool:
    found = select(MemberIdentity.id).where(
        MemberIdentity.brand_id == scope.brand.id,
        MemberIdentity.kind == kind,
        MemberIdentity.holder == holder,
        MemberIdentity.member_id != member_id,
    )
    return scope.session.scalar(found) is not None


def _attribute(scope: Scope, member_id: int, attribute_id: int, old: Sequence[Any] | None) -> None:
    row = scope.session.get(MemberAttribute, (scope.brand.id, member_id, attribute_id))
    if row is None:
        return
    if old is None:
        scope.session.delete(row)
    else:
        row.text, row.number, row.day = old[0], old[1], old[2] and date.fromisoformat(old[2])


def _consents(scope: Scope, member_id: int, was: Mapping[str, Any]) -> None:
    """What the file said was never said; nobody has written on the strength of it, or the undoing is refused."""
    if was["said"]:
        scope.session.execute(
            delete(Consent)
            .where(Consent.brand_id == scope.brand.id, bulk.among(Consent.id, was["said"]))
            .execution_options(synchronize_session=False)
        )
    for channel, old in was["consents"].items():
        row = scope.session.get(ConsentNow, (scope.brand.id, member_id, channel, MARKETING))
        if row is None:
            continue
        if old is None:
            scope.session.delete(row)
        else:
            row.granted, row.at = old[0], datetime.fromisoformat(old[1])
