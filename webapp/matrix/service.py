"""Making and changing matrices, and giving coupons by one."""

from __future__ import annotations

from sqlalchemy import delete, select

from webapp.coupons import queries as coupons
from webapp.coupons.issue import Answers, People, issue_many
from webapp.coupons.models import Coupon
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope
from webapp.matrix import queries
from webapp.matrix.models import MatrixRow, OfferMatrix
from webapp.segments import compile as segments
from webapp.segments.rules import BadRule, Rule, dump, load

NAME = 120
MOST_ROWS = 30
BATCH = 500


# ------------------------------------------------------------------------------------------------------------- the table


def new(scope: Scope, name: str) -> OfferMatrix | Refused:
    """An empty one. Refused: name_length."""
    named = _name(name)
    if isinstance(named, Refused):
        return named
    made = OfferMatrix(brand_id=scope.brand.id, id=scope.new_id(), name=named, created_at=scope.now)
    scope.session.add(made)
    scope.session.flush()
    scope.audit("matrix.new", "matrix", made.id, name=named)
    return made


def rename(scope: Scope, matrix_id: int, name: str) -> OfferMatrix | Refused:
    """Refused: name_length. Raises NotFound."""
    matrix = queries.get(scope, matrix_id, hold=True)
    named = _name(name)
    if isinstance(named, Refused):
        return named
    matrix.name = named
    scope.session.flush()
    scope.audit("matrix.change", "matrix", matrix_id, name=named)
    return matrix


def remove(scope: Scope, matrix_id: int) -> Refused | None:
    """Away with it and its rows; coupons that were given stay. Refused: in_use (how many places, the first one's name).
    Raises NotFound."""
    matrix = queries.get(scope, matrix_id, hold=True)
    used = queries.uses(scope, matrix_id)
    if used:
        return Refused("in_use", {"places": len(used), "name": used[0].name})
    scope.session.execute(
        delete(MatrixRow).where(MatrixRow.brand_id == scope.brand.id, MatrixRow.matrix_id == matrix_id)
    )
    scope.session.delete(matrix)
    scope.session.flush()
    scope.audit("matrix.remove", "matrix", matrix_id, name=matrix.name)
    return None


def _name(name: str) -> str | Refused:
    named = " ".join(name.split())
    if not 1 <= len(named) <= NAME or not named.isprintable():
        return Refused("name_length", {"most": NAME})
    return named


# -------------------------------------------------------------------------------------------------------------- its rows


def add_row(scope: Scope, matrix_id: int, rule: Rule, offer_id: int) -> MatrixRow | Refused:
    """One more, after the others; an empty rule is the row for everybody else, which stays last.

    Refused: no_offer, bad_rule (why), rest_there, too_many (most). Raises NotFound.
    """
    queries.get(scope, matrix_id, hold=True)
    there = queries.rows(scope, matrix_id)
    if len(there) >= MOST_ROWS:
        return Refused("too_many", {"most": MOST_ROWS})
    refused = _check(scope, there, rule, offer_id)
    if refused is not None:
        return refused
    row = MatrixRow(
        brand_id=scope.brand.id,
        id=scope.new_id(),
        matrix_id=matrix_id,
        place=0,
        rule=dump(rule) if rule.all else None,
        offer_id=offer_id,
    )
    scope.session.add(row)
    _order(scope, [*there, row])
    scope.audit("matrix.row", "matrix", matrix_id, row=row.id, offer=offer_id, rule=row.rule)
    return row


def change_row(scope: Scope, matrix_id: int, row_id: int, rule: Rule, offer_id: int) -> MatrixRow | Refused:
    """Whom it means and what they get; its place stays, but an empty rule goes to the end. Refused as add_row."""
    queries.get(scope, matrix_id, hold=True)
    there = queries.rows(scope, matrix_id)
    row = _row(there, row_id)
    refused = _check(scope, [one for one in there if one is not row], rule, offer_id)
    if refused is not None:
        return refused
    row.rule, row.offer_id = dump(rule) if rule.all else None, offer_id
    _order(scope, there)
    scope.audit("matrix.row", "matrix", matrix_id, row=row_id, offer=offer_id, rule=row.rule)
    return row


def move_row(scope: Scope, matrix_id: int, row_id: int, *, up: bool) -> None:
    """One place up or down, as far as it goes; the row for everybody else stays last. Raises NotFound."""
    queries.get(scope, matrix_id, hold=True)
    there = queries.rows(scope, matrix_id)
    row = _row(there, row_id)
    at = there.index(row)
    to = max(0, at - 1) if up else min(len(there) - 1, at + 1)
    there.insert(to, there.pop(at))
    if _order(scope, there):
        scope.audit("matrix.move", "matrix", matrix_id, row=row_id, place=row.place)


def remove_row(scope: Scope, matrix_id: int, row_id: int) -> None:
    """Away with it. One that is gone already is no mistake: it was asked twice. Raises NotFound for the matrix."""
    queries.get(scope, matrix_id, hold=True)
    there = queries.rows(scope, matrix_id)
    for row in there:
        if row.id == row_id:
            scope.session.delete(row)
            _order(scope, [one for one in there if one is not row])
            scope.audit("matrix.row_removed", "matrix", matrix_id, row=row_id, offer=row.offer_id)


def _row(there: list[MatrixRow], row_id: int) -> MatrixRow:
    for row in there:
        if row.id == row_id:
            return row
    raise NotFound(f"row {row_id} of a matrix")


def _check(scope: Scope, others: list[MatrixRow], rule: Rule, offer_id: int) -> Refused | None:
    try:
        coupons.offer(scope, offer_id)  # of this brand
    except NotFound:
        return Refused("no_offer")
    try:
        segments.conditions(scope, load(dump(rule)), scope.today)
    except BadRule as why:
        return Refused("bad_rule", {"why": why.code})
    if not rule.all and any(one.rule is None for one in others):
        return Refused("rest_there")
    return None


def _order(scope: Scope, there: list[MatrixRow]) -> bool:
    """Number the places; the row for everybody else is last. Did anything move?"""
    moved = False
    for place, row in enumerate(sorted(there, key=lambda one: one.rule is None), 1):
        moved, row.place = moved or row.place != place, place
    scope.session.flush()
    return moved


# ---------------------------------------------------------------------------------------------------------------- giving


def issue(
    scope: Scope, matrix_id: int, people: People, *, occurrence: str, campaign_id: int | None = None
) -> Answers:
    """A coupon for each member, of the offer of the first row that fits and gives coupons now: member id -> its coupon, or
    why not. One a member and occurrence, whatever the rows say when it is asked again.

    Refused: no_row, and what coupons.issue refuses by: an offer that is used up is no reason to look at the next row.
    """
    wanted = dict(people)
    answers: Answers = dict(given(scope, list(wanted), occurrence))
    rest = {member_id: wanted[member_id] for member_id in wanted if member_id not in answers}
    chosen = queries.choose(scope, matrix_id, rest.values()) if rest else {}
    by_offer: dict[int, list[tuple[int, int]]] = {}
    for member_id, person_id in rest.items():
        offer_id = chosen.get(person_id)
        if offer_id is None:
            answers[member_id] = Refused("no_row")
        else:
            by_offer.setdefault(offer_id, []).append((member_id, person_id))
    answers |= issue_many(scope, by_offer, occurrence=occurrence, campaign_id=campaign_id)
    return {member_id: answers[member_id] for member_id in wanted}


def given(scope: Scope, member_ids: list[int], occurrence: str) -> dict[int, Coupon]:
    """The coupons that these members have for an occurrence, of whichever offer."""
    found: dict[int, Coupon] = {}
    for start in range(0, len(member_ids), BATCH):
        rows = scope.session.scalars(
            select(Coupon)
            .where(
                Coupon.brand_id == scope.brand.id,
                Coupon.member_id.in_(member_ids[start : start + BATCH]),
                Coupon.occurrence == occurrence,
            )
            .order_by(Coupon.id.desc())  # the first one is kept
        )
        found |= {coupon.member_id: coupon for coupon in rows}
    return found
