"""Phones that nobody has confirmed yet: typed on a public page, they show nobody's wallet and merge nothing."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.members import queries, service
from webapp.members.identities import PHONE
from webapp.members.models import MemberIdentity


def note_phone(scope: Scope, member_id: int, phone: str) -> None:
    """A phone (E.164) that a new member typed: an address to be confirmed, held by nobody."""
    scope.session.add(
        MemberIdentity(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            member_id=member_id,
            kind=PHONE,
            value=phone,
            holder=None,
            verified=False,
        )
    )
    scope.session.flush()


def unconfirmed_phone(scope: Scope, member_id: int) -> str | None:
    """The phone that still waits to be confirmed."""
    row = _phone_of(scope, member_id)
    return row.value if row is not None and row.holder is None else None


def confirm_phone(scope: Scope, member_id: int) -> bool | Refused:
    """A clerk has seen that this is their phone: from now on they hold it, and orders that waited for it join them.

    True when that is new. Raises NotFound. Refused: phone_taken (another member holds it; facts name them), phone_none.
    """
    queries.get(scope, member_id)
    row = _phone_of(scope, member_id)
    if row is None:
        return Refused("phone_none", {"field": "phone"})
    if row.holder is not None:
        return False
    value = row.value
    try:
        with scope.session.begin_nested():
            row.holder, row.verified = value, True
            scope.session.flush()
    except IntegrityError:
        scope.session.expire_all()
        other = queries.find_by_phone(scope, value)
        facts = {"member_id": other.id, "number": other.number} if other is not None else {}
        return Refused("phone_taken", {"field": "phone", **facts})
    scope.audit("member.phone_confirmed", "member", member_id)
    service.phone_held(scope, [member_id])
    return True


def _phone_of(scope: Scope, member_id: int) -> MemberIdentity | None:
    return scope.session.scalars(
        select(MemberIdentity).where(
            MemberIdentity.brand_id == scope.brand.id,
            MemberIdentity.member_id == member_id,
            MemberIdentity.kind == PHONE,
        )
    ).one_or_none()
