"""Letting people in: accounts, one-time links, passwords, sessions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import NewType

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, func, select, update

from webapp.kernel import secrets
from webapp.kernel.errors import Refused, UserError
from webapp.kernel.scope import Scope
from webapp.staff import queries
from webapp.staff.models import Staff, StaffLink, StaffRole, StaffSession, StaffStore
from webapp.staff.permissions import ROLES

LINK_LIVES = timedelta(days=3)
SESSION_LIVES = timedelta(days=30)
QUICK_LIVES = timedelta(hours=14)
SEEN_EVERY = timedelta(minutes=10)
MIN_PASSWORD, MAX_PASSWORD = 10, 200

PasswordHash = NewType("PasswordHash", str)

# 19 MiB and two passes: the published minimum for argon2id, and what a small machine can afford per sign-in.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# an unknown address costs as much time as a known one
_NOBODY = _hasher.hash("nobody")


def permissions_of(role: str) -> frozenset[str]:
    """What a role may do; an unknown role may nothing."""
    return ROLES.get(role, frozenset())


def clean_email(text: str) -> str:
    """The address in small letters. Raises UserError."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as why:
        raise UserError(f"{text!r} is no e-mail address: {why}") from why


def clean_password(text: str) -> str | Refused:
    """At least MIN_PASSWORD characters; anything else is the person's own business."""
    if len(text) < MIN_PASSWORD:
        return Refused("password_short", {"minimum": MIN_PASSWORD})
    if len(text) > MAX_PASSWORD:
        return Refused("password_long", {"maximum": MAX_PASSWORD})
    return text


def let_in(
    scope: Scope,
    *,
    email: str,
    role: str,
    name: str = "",
    store_id: int | None = None,
    stores: Collection[int] = (),
) -> Staff:
    """Give an address a role in the scope's brand; the account is made if it is new. Raises UserError.

    store_id: the one that the counter offers first; stores: all in which the role holds (none: in the whole brand).
    """
    if role not in ROLES:
        raise UserError(f"role {role!r}: use one of {', '.join(ROLES)}")
    address = clean_email(email)
    staff = queries.by_email(scope, address)
    if staff is None:
        staff = Staff(
            id=scope.new_id(), email=address, name=name.strip(), locale="", active=True, created_at=scope.now
        )
        scope.session.add(staff)
        scope.session.flush()
    where = (StaffRole.brand_id == scope.brand.id, StaffRole.staff_id == staff.id)
    held = scope.session.scalars(select(StaffRole).where(*where)).one_or_none()
    if held is None:
        held = StaffRole(
            brand_id=scope.brand.id, id=scope.new_id(), staff_id=staff.id, role=role, store_id=store_id
        )
        scope.session.add(held)
    else:
        held.role, held.store_id, held.off_at = role, store_id, None
    scope.session.flush()
    set_stores(scope, held, stores)
    scope.audit("staff.let_in", "staff", staff.id, role=role)
    return staff


def set_stores(scope: Scope, role: StaffRole, stores: Collection[int]) -> None:
    """The stores in which a role holds; none: in the whole brand."""
    scope.session.execute(
        delete(StaffStore).where(StaffStore.brand_id == role.brand_id, StaffStore.role_id == role.id)
    )
    scope.session.add_all(
        StaffStore(brand_id=role.brand_id, role_id=role.id, store_id=store_id)
        for store_id in sorted(set(stores))
    )
    scope.session.flush()


def new_link(scope: Scope, staff_id: int) -> str:
    """A one-time link's token; older links of the account end."""
    scope.session.execute(
        delete(StaffLink).where(StaffLink.staff_id == staff_id, StaffLink.used_at.is_(None))
    )
    token = secrets.token(24)
    scope.session.add(
        StaffLink(
            digest=secrets.digest(token), staff_id=staff_id, expires_at=scope.now + LINK_LIVES, used_at=None
        )
    )
    scope.session.flush()
    return token


def hash_password(text: str) -> PasswordHash | Refused:
    """What is stored of a password. Slow on purpose (a quarter of a second): call it outside any unit of work.

    Refused: password_short, password_long.
    """
    checked = clean_password(text)
    return checked if isinstance(checked, Refused) else PasswordHash(_hasher.hash(checked))


def use_link(scope: Scope, token: str, hashed: PasswordHash) -> Staff | Refused:
    """Set the first (or a new) password by a one-time link: the link is spent, all sessions end. Refused: link_spent."""
    found = queries.open_link(scope, token)
    if found is None:
        return Refused("link_spent")
    _link, staff = found
    spent = scope.session.execute(
        update(StaffLink)
        .where(StaffLink.digest == secrets.digest(token), StaffLink.used_at.is_(None))
        .values(used_at=scope.now)
    )
    if spent.rowcount == 0:  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult
        return Refused("link_spent")
    set_password(scope, staff, hashed)
    return staff


def set_password(scope: Scope, staff: Staff, hashed: PasswordHash, *, keep: str = "") -> None:
    """Store it; whoever was signed in is signed out, but for the session of the token `keep`."""
    staff.password = hashed
    end_sessions(scope, staff.id, but=secrets.digest(keep))
    scope.session.execute(
        delete(StaffLink).where(StaffLink.staff_id == staff.id, StaffLink.used_at.is_(None))
    )
    scope.audit("staff.password", "staff", staff.id)


def end_sessions(scope: Scope, staff_id: int, *, but: str = "", only: str = "") -> int:
    """Sign an account out: everywhere, everywhere but in the session of the digest `but`, or `only` in the one whose
    digest begins so. How many ended."""
    where = [StaffSession.staff_id == staff_id, StaffSession.digest != but]
    if only:
        where.append(func.substr(StaffSession.digest, 1, len(only)) == only)
    ended = scope.session.execute(delete(StaffSession).where(*where))
    return int(ended.rowcount)  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult


def check_password(scope: Scope, email: str, password: str) -> Staff | Refused:
    """The account, if the password is right. Hashes outside any lock: call it in a reading scope."""
    staff = queries.by_email(scope, email)
    known = staff.password if staff is not None and staff.active and staff.password else None
    try:
        _hasher.verify(known or _NOBODY, password[:MAX_PASSWORD])
    except (Argon2Error, InvalidHashError):
        return Refused("wrong_sign_in")
    return staff if staff is not None and known else Refused("wrong_sign_in")


def open_session(
    scope: Scope,
    staff_id: int,
    *,
    agent: str = "",
    address: str = "",
    how: str = "password",
    brand_id: int | None = None,
) -> str:
    """A new session; its token goes into the cookie and only its digest is kept.

    how: a quick session is bound to `brand_id` and ends after a day's work.
    """
    token = secrets.token(24)
    held = queries.roles(scope, staff_id)
    if brand_id is None and len(held) == 1:
        brand_id = held[0][0].id
    scope.session.add(
        StaffSession(
            digest=secrets.digest(token),
            staff_id=staff_id,
            brand_id=brand_id,
            created_at=scope.now,
            seen_at=scope.now,
            expires_at=scope.now + (QUICK_LIVES if how == queries.QUICK else SESSION_LIVES),
            agent=agent[:200],
            how=how,
            address=address[:45] or None,
        )
    )
    scope.session.execute(delete(StaffSession).where(StaffSession.expires_at <= scope.now))
    scope.audit("staff.sign_in", "staff", staff_id, how=how)
    return token


def choose_brand(scope: Scope, token: str, staff_id: int, brand_id: int) -> bool:
    """Work in another brand from now on; False where the account has no role there, or the session is a quick one."""
    session = scope.session.get(StaffSession, secrets.digest(token))
    if session is None or session.how == queries.QUICK:
        return False
    if all(brand.id != brand_id for brand, _ in queries.roles(scope, staff_id)):
        return False
    scope.session.execute(
        update(StaffSession).where(StaffSession.digest == secrets.digest(token)).values(brand_id=brand_id)
    )
    return True


def close_session(scope: Scope, token: str) -> None:
    """Sign out."""
    scope.session.execute(delete(StaffSession).where(StaffSession.digest == secrets.digest(token)))


def touch_session(scope: Scope, token: str) -> None:
    """Seen now: the session lives on from here; a quick one ends when it was going to end."""
    mine = update(StaffSession).where(StaffSession.digest == secrets.digest(token))
    scope.session.execute(mine.values(seen_at=scope.now))
    scope.session.execute(
        mine.where(StaffSession.how != queries.QUICK).values(expires_at=scope.now + SESSION_LIVES)
    )
