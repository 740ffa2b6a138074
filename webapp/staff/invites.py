"""Invitations by link: made by an owner, good for some days, once, until withdrawn."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select, update

from webapp.kernel import secrets
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope
from webapp.plugin_runtime.context import box
from webapp.staff import people, queries, service
from webapp.staff.models import Staff, StaffInvite, StaffRole
from webapp.staff.permissions import ROLES
from webapp.staff.service import PasswordHash

LIVES = timedelta(days=7)


def waiting(scope: Scope) -> Sequence[StaffInvite]:
    """Those that can still be accepted, newest first."""
    return scope.session.scalars(
        select(StaffInvite).where(*_open(scope)).order_by(StaffInvite.id.desc())
    ).all()


def invite(
    scope: Scope, *, email: str, role: str, stores: Collection[int], key: str
) -> tuple[StaffInvite, str] | Refused:
    """Invite an address; the word of its link. An older invitation of the address ends. Raises UserError.

    key: of the form, so that a form sent twice makes one link. Refused: role_unknown, stores_unknown, works_here.
    """
    if role not in ROLES:
        return Refused("role_unknown")
    if isinstance(kept := people.clean_stores(scope, role, stores), Refused):
        return kept
    address = service.clean_email(email)
    known = queries.by_email(scope, address)
    if known is not None and any(brand.id == scope.brand.id for brand, _ in queries.roles(scope, known.id)):
        return Refused("works_here")
    token = _token(scope.brand.id, key)
    digest = secrets.digest(token)
    made = scope.session.scalars(
        select(StaffInvite).where(StaffInvite.brand_id == scope.brand.id, StaffInvite.digest == digest)
    ).one_or_none()
    if made is not None:
        return made, token
    scope.session.execute(
        update(StaffInvite).where(*_open(scope), StaffInvite.email == address).values(withdrawn_at=scope.now)
    )
    made = StaffInvite(
        brand_id=scope.brand.id,
        id=scope.new_id(),
        digest=digest,
        email=address,
        role=role,
        stores=kept,
        invited_by=scope.actor.id,
        created_at=scope.now,
        expires_at=scope.now + LIVES,
    )
    scope.session.add(made)
    scope.session.flush()
    scope.audit("staff.invite", "staff_invite", made.id, role=role)
    return made, token


def mailed(scope: Scope, invite_id: int) -> None:
    """The link went out by e-mail as well."""
    scope.session.execute(
        update(StaffInvite)
        .where(StaffInvite.brand_id == scope.brand.id, StaffInvite.id == invite_id)
        .values(mailed=True)
    )


def withdraw(scope: Scope, invite_id: int) -> bool:
    """The link leads nowhere from now on. False where it was used or had ended. Raises NotFound."""
    if scope.session.get(StaffInvite, (scope.brand.id, invite_id)) is None:
        raise NotFound(f"invitation {invite_id}")
    done = scope.session.execute(
        update(StaffInvite)
        .where(*_open(scope), StaffInvite.id == invite_id)
        .values(withdrawn_at=scope.now)
        .execution_options(synchronize_session=False)
    )
    scope.audit("staff.withdraw_invite", "staff_invite", invite_id)
    return bool(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


def find(scope: Scope, token: str) -> StaffInvite | None:
    """The invitation of a link, in the scope's brand, if it is still good."""
    return scope.session.scalars(
        select(StaffInvite).where(*_open(scope), StaffInvite.digest == secrets.digest(token))
    ).one_or_none()


def needs_sign_in(scope: Scope, invite: StaffInvite) -> bool:
    """Has the address an account that is in use? Then a link proves too little: its own password does."""
    account = queries.by_email(scope, invite.email)
    if account is None:
        return False
    elsewhere = scope.session.scalar(
        select(func.count())
        .select_from(StaffRole)
        .where(StaffRole.staff_id == account.id, StaffRole.brand_id != scope.brand.id)
    )
    return bool(account.password or elsewhere)


def accept_new(scope: Scope, token: str, *, name: str, hashed: PasswordHash) -> Staff | Refused:
    """A new colleague chooses name and password and is in. Refused: link_spent, sign_in_first."""
    found = find(scope, token)
    if found is None:
        return Refused("link_spent")
    if needs_sign_in(scope, found):
        return Refused("sign_in_first")
    if not _spend(scope, found):
        return Refused("link_spent")
    staff = service.let_in(scope, email=found.email, role=found.role, name=name, stores=_stores(scope, found))
    staff.name = name.strip()[:120]
    service.set_password(scope, staff, hashed)
    return staff


def accept_known(scope: Scope, token: str, staff_id: int) -> Staff | Refused:
    """Somebody who has an account, and is signed in with it, joins. Refused: link_spent, another_account."""
    found = find(scope, token)
    if found is None:
        return Refused("link_spent")
    staff = scope.session.get_one(Staff, staff_id)
    if staff.email != found.email:
        return Refused("another_account")
    if not _spend(scope, found):
        return Refused("link_spent")
    return service.let_in(scope, email=found.email, role=found.role, stores=_stores(scope, found))


def _open(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return (
        StaffInvite.brand_id == scope.brand.id,
        StaffInvite.used_at.is_(None),
        StaffInvite.withdrawn_at.is_(None),
        StaffInvite.expires_at > scope.now,
    )


def _spend(scope: Scope, invite: StaffInvite) -> bool:
    """Once, also when it is opened on two phones."""
    done = scope.session.execute(
        update(StaffInvite)
        .where(*_open(scope), StaffInvite.id == invite.id)
        .values(used_at=scope.now)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


def _stores(scope: Scope, invite: StaffInvite) -> list[int]:
    kept = people.clean_stores(scope, invite.role, invite.stores)
    return kept if isinstance(kept, list) else []


def _token(brand_id: int, key: str) -> str:
    """Unguessable without the instance's key, and the same for a form that is sent twice."""
    secret = bytes.fromhex(box().derive(f"invitation {brand_id} {key}"))[:18]
    return base64.urlsafe_b64encode(secrets.packed(brand_id) + secret).rstrip(b"=").decode()
