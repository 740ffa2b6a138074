"""Reading matrices: their rows, what each row gives now, whom each row means, where a matrix is used."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, false, func, null, select

from webapp.coupons import queries as coupons
from webapp.coupons.issue import refusal_of
from webapp.coupons.models import Offer
from webapp.groups import fields as groups  # noqa: F401  registers the group as a field of rules
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope
from webapp.lifecycle import fields  # noqa: F401  registers the stage as a field of rules
from webapp.matrix.models import MatrixRow, OfferMatrix
from webapp.members.models import Member
from webapp.plugin_runtime import calls
from webapp.segments import compile as segments
from webapp.segments import rules
from webapp.segments.rules import Rule

BATCH = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its offer. refused: why the offer gives nobody a coupon now, so that the row is passed over."""

    row: MatrixRow
    offer: Offer
    refused: Refused | None

    @property
    def rest(self) -> bool:
        """Is it the row for everybody else?"""
        return self.row.rule is None


class Use(NamedTuple):
    """A place that gives coupons by a matrix. kind: campaign, touchpoint, birthday; id: of its row; name: for people."""

    kind: str
    id: int
    name: str


# Where a matrix is used is known by the rooms that use it; they register.
USERS: list[Callable[[Scope, int], Sequence[Use]]] = []


def get(scope: Scope, matrix_id: int, *, hold: bool = False) -> OfferMatrix:
    """By id; `hold`: nobody else changes its rows until this unit ends. Raises NotFound."""
    query = select(OfferMatrix).where(OfferMatrix.brand_id == scope.brand.id, OfferMatrix.id == matrix_id)
    found = scope.session.scalars(query.with_for_update() if hold else query).one_or_none()
    if found is None:
        raise NotFound(f"matrix {matrix_id}")
    return found


def matrices(scope: Scope) -> Sequence[OfferMatrix]:
    """All of the brand, newest first."""
    return scope.session.scalars(
        select(OfferMatrix).where(OfferMatrix.brand_id == scope.brand.id).order_by(OfferMatrix.id.desc())
    ).all()


def sizes(scope: Scope) -> dict[int, int]:
    """matrix -> how many rows it has."""
    rows: Sequence[Any] = scope.session.execute(
        select(MatrixRow.matrix_id, func.count())
        .where(MatrixRow.brand_id == scope.brand.id)
        .group_by(MatrixRow.matrix_id)
    ).all()
    return dict(rows)


def rows(scope: Scope, matrix_id: int) -> list[MatrixRow]:
    """Its rows in their order."""
    return list(
        scope.session.scalars(
            select(MatrixRow)
            .where(MatrixRow.brand_id == scope.brand.id, MatrixRow.matrix_id == matrix_id)
            .order_by(MatrixRow.place, MatrixRow.id)
        )
    )


def lines(scope: Scope, matrix_id: int) -> list[Line]:
    """Its rows in their order, each with its offer as it stands now."""
    found = []
    for row in rows(scope, matrix_id):
        offer = coupons.offer(scope, row.offer_id)
        terms = coupons.terms(scope, offer.id, offer.terms_version)
        bound = calls.coupon_type(scope, offer.type_key)
        found.append(Line(row, offer, refusal_of(scope, offer, terms.valid_until, bound)))
    return found


def giving(scope: Scope, matrix_id: int) -> list[Line]:
    """Those of its rows whose offer gives coupons now: the first of these that fits a member counts."""
    return [one for one in lines(scope, matrix_id) if one.refused is None]


def rule(row: MatrixRow) -> Rule:
    """Whom a row means; an empty rule, which means everybody, where it is for the rest. Raises BadRule."""
    return rules.load(row.rule or {})


def fits(scope: Scope, row: MatrixRow) -> ColumnElement[bool]:
    """What must hold of a Member today. A rule that cannot be read holds for nobody, and neither does one that asks about
    what is not known of a member."""
    try:
        return func.coalesce(and_(*segments.conditions(scope, rule(row), scope.today)), false())
    except rules.BadRule:
        return false()


def position(scope: Scope, found: Sequence[Line]) -> ColumnElement[Any]:
    """Which of these rows counts for a Member, from 0; NULL: none."""
    if not found:
        return null()
    return case(*((fits(scope, one.row), at) for at, one in enumerate(found)), else_=null())


def choose(scope: Scope, matrix_id: int, person_ids: Collection[int]) -> dict[int, int]:
    """person -> the offer of the first row that fits and gives coupons now; whom no row fits is left away."""
    found = giving(scope, matrix_id)
    if not found:
        return {}
    which = position(scope, found)
    chosen: dict[int, int] = {}
    for some in _batches(sorted(set(person_ids))):
        at = select(Member.id, which).where(
            Member.brand_id == scope.brand.id, Member.person_id == Member.id, Member.id.in_(some)
        )
        for person_id, place in scope.session.execute(at):
            if place is not None:
                chosen[person_id] = found[place].offer.id
    return chosen


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be chosen now. by_row: row id -> how many members; nothing: how many get none; both sum to `total`."""

    by_row: dict[int, int]
    nothing: int

    @property
    def total(self) -> int:
        """All who were looked at."""
        return sum(self.by_row.values()) + self.nothing

    def by_offer(self, found: Sequence[Line]) -> dict[int, int]:
        """offer id -> how many, in the order of the rows."""
        sums: dict[int, int] = {}
        for one in found:
            sums[one.offer.id] = sums.get(one.offer.id, 0) + self.by_row.get(one.row.id, 0)
        return sums


def preview(scope: Scope, matrix_id: int, among: Rule | None = None) -> Preview:
    """Counted by the database: over all members, or over those whom a rule means. Raises BadRule of `among`."""
    found = giving(scope, matrix_id)
    each = (
        select(position(scope, found).label("at"))
        .select_from(Member)
        .where(*segments.conditions(scope, among or Rule(), scope.today))
        .subquery()
    )
    rows: Sequence[Any] = scope.session.execute(select(each.c.at, func.count()).group_by(each.c.at)).all()
    counted: dict[int | None, int] = dict(rows)
    return Preview(
        {one.row.id: counted.get(at, 0) for at, one in enumerate(found)},
        counted.get(None, 0),
    )


def uses(scope: Scope, matrix_id: int) -> list[Use]:
    """Every place that gives coupons by it."""
    return [one for look in USERS for one in look(scope, matrix_id)]


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
