"""Reading touchpoints: by id, by the word in their address, and what a browser that joined is shown again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from webapp.campaigns import landing
from webapp.coupons.models import Coupon
from webapp.kernel import secrets
from webapp.kernel.errors import NotFound
from webapp.kernel.reach import reaches, within
from webapp.kernel.scope import Scope
from webapp.matrix import queries as matrices
from webapp.touchpoints.models import Touchpoint, TouchpointJoin


def path(code: str) -> str:
    """The path that a code's address has for ever."""
    return f"/t/{code}"


def by_code(session: Session, code: str) -> Touchpoint | None:
    """The touchpoint of the word in an address; its brand is in the row."""
    brand_id = secrets.brand_of(code)
    if brand_id is None:
        return None
    return session.scalars(
        select(Touchpoint).where(Touchpoint.brand_id == brand_id, Touchpoint.code == code)
    ).one_or_none()


def get(scope: Scope, touchpoint_id: int) -> Touchpoint:
    """By id, within the actor's stores. Raises NotFound."""
    found = scope.session.get(Touchpoint, (scope.brand.id, touchpoint_id))
    if found is None or not reaches(scope, found.store_id):
        raise NotFound(f"touchpoint {touchpoint_id}")
    return found


def all_of(scope: Scope) -> Sequence[Touchpoint]:
    """Those within the actor's stores: those at work first, newest first."""
    return scope.session.scalars(
        select(Touchpoint)
        .where(Touchpoint.brand_id == scope.brand.id, within(scope, Touchpoint.store_id))
        .order_by(Touchpoint.active.desc(), Touchpoint.id.desc())
    ).all()


def by_matrix(scope: Scope, matrix_id: int) -> list[matrices.Use]:
    """The codes whose welcome a matrix chooses."""
    rows = scope.session.execute(
        select(Touchpoint.id, Touchpoint.name)
        .where(Touchpoint.brand_id == scope.brand.id, Touchpoint.matrix_id == matrix_id)
        .order_by(Touchpoint.id)
    )
    return [matrices.Use("touchpoint", id_, name) for id_, name in rows]


matrices.USERS.append(by_matrix)


def by_slot(scope: Scope, slot: str) -> Touchpoint | None:
    """The joining page that a brand or a store has by itself."""
    return scope.session.scalars(
        select(Touchpoint).where(Touchpoint.brand_id == scope.brand.id, Touchpoint.slot == slot)
    ).one_or_none()


@dataclass(frozen=True, slots=True)
class Known:
    """A member who joined in this browser. token: of their welcome coupon, if they were given one."""

    member_id: int
    token: str | None


def known(scope: Scope, member_id: int) -> Known | None:
    """What somebody who joined by a code is shown again; None: nobody joined so."""
    row = scope.session.execute(
        select(TouchpointJoin.member_id, Coupon.token)
        .join(
            Coupon,
            (Coupon.brand_id == TouchpointJoin.brand_id) & (Coupon.id == TouchpointJoin.coupon_id),
            isouter=True,
        )
        .where(TouchpointJoin.brand_id == scope.brand.id, TouchpointJoin.member_id == member_id)
    ).one_or_none()
    return Known(row.member_id, row.token) if row else None


def join_of(scope: Scope, member_id: int) -> tuple[TouchpointJoin, Touchpoint] | None:
    """By which code a member came in."""
    row = scope.session.execute(
        select(TouchpointJoin, Touchpoint)
        .join(
            Touchpoint,
            (Touchpoint.brand_id == TouchpointJoin.brand_id)
            & (Touchpoint.id == TouchpointJoin.touchpoint_id),
        )
        .where(TouchpointJoin.brand_id == scope.brand.id, TouchpointJoin.member_id == member_id)
    ).one_or_none()
    return (row[0], row[1]) if row else None


def joining_page(scope: Scope, group_id: int) -> str | None:
    """Where somebody who came by a chat group's link may join: the newest code that leads into that group, else the
    brand's own page. None where the shop has neither."""
    found = scope.session.scalars(
        select(Touchpoint)
        .where(
            Touchpoint.brand_id == scope.brand.id,
            Touchpoint.active.is_(True),
            or_(Touchpoint.group_id == group_id, Touchpoint.slot == "brand"),
        )
        .order_by(Touchpoint.group_id.is_(None), Touchpoint.id.desc())
        .limit(1)
    ).first()
    return path(found.code) if found is not None else None


landing.JOINING.append(joining_page)
