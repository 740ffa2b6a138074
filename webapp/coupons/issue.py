"""Giving coupons. Limits are kept by the database: a unique key, then conditional updates, the hottest row last.

The order in which a unit touches rows is always: coupons by member, allowances by person, the offer. So two units wait for
one another, and never each for the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import delete, insert, or_, select, update

from webapp.coupons import queries
from webapp.coupons.models import Coupon, CouponChange, Offer, OfferAllowance, OfferTerms
from webapp.kernel import secrets
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope
from webapp.members import queries as members

CODE_LENGTH = 9  # the last one is a check letter
BATCH = 500

People = Sequence[tuple[int, int]]  # (member_id, person_id)
Answers = dict[int, "Coupon | Refused"]


def issue_for_campaign(scope: Scope, offer_id: int, people: People, campaign_id: int) -> Answers:
    """A coupon for each member of a chunk of a campaign's audience: member id -> its coupon, or why not.

    Asked again it gives the same coupons. At most 200 members a unit: that is 60 to 120 ms (law 3).
    """
    return issue(scope, offer_id, people, occurrence=f"campaign:{campaign_id}", campaign_id=campaign_id)


def give(scope: Scope, offer_id: int, member_id: int, key: str) -> Coupon | Refused:
    """One coupon by hand. `key`: of the form that was posted; the same key gives the same coupon."""
    member = members.get(scope, member_id)
    word = hashlib.sha256(key.encode()).hexdigest()[:24]
    answer = issue(scope, offer_id, [(member.id, member.person_id)], occurrence=f"staff:{word}")[member.id]
    if isinstance(answer, Coupon):
        scope.audit("coupon.give", "coupon", answer.id, offer=offer_id, member=member_id)
    return answer


def issue(
    scope: Scope, offer_id: int, people: People, *, occurrence: str, campaign_id: int | None = None
) -> Answers:
    """Coupons for members, in the order given when there are too few for all. Refused: not_open, over, parked, sold_out,
    per_person. Idempotent by (member, occurrence)."""
    wanted = dict(people)
    answers: Answers = dict(_existing(scope, offer_id, wanted, occurrence))
    rest = [member_id for member_id in wanted if member_id not in answers]
    offer = queries.offer(scope, offer_id)
    scope.session.refresh(offer)
    terms = queries.terms(scope, offer_id, offer.terms_version)
    refusal = _refusal(scope, offer, terms)
    if refusal is None and offer.stock is not None:
        # Read without a lock: spares the work where it is plainly in vain; the update at the end decides.
        left = max(0, offer.stock - offer.issued)
        answers |= dict.fromkeys(rest[left:], Refused("sold_out"))
        rest = rest[:left]
    if refusal is not None:
        answers |= dict.fromkeys(rest, refusal)
        rest = []
    if not rest:
        return {member_id: answers[member_id] for member_id in wanted}
    fresh = _insert(scope, offer, terms, [(m, wanted[m]) for m in rest], occurrence, campaign_id)
    beaten = set(rest) - {coupon.member_id for coupon in fresh}
    answers |= _existing(
        scope, offer_id, {m: wanted[m] for m in beaten}, occurrence
    )  # another unit was first
    if beaten - answers.keys():
        raise RuntimeError("another unit has just drawn the same code: try again")
    given = _allow(scope, offer, fresh, answers)
    given = _take_stock(scope, offer, given, answers)
    answers |= {coupon.member_id: coupon for coupon in given}
    return {member_id: answers[member_id] for member_id in wanted}


def _refusal(scope: Scope, offer: Offer, terms: OfferTerms) -> Refused | None:
    if offer.state != "open":
        return Refused("not_open", {"state": offer.state})
    if terms.valid_until is not None and terms.valid_until < scope.today:
        return Refused("over", {"until": terms.valid_until.isoformat()})
    return None


def _existing(scope: Scope, offer_id: int, wanted: dict[int, int], occurrence: str) -> dict[int, Coupon]:
    found: dict[int, Coupon] = {}
    for some in _batches(sorted(wanted)):
        rows = scope.session.scalars(
            select(Coupon).where(
                Coupon.brand_id == scope.brand.id,
                Coupon.offer_id == offer_id,
                Coupon.member_id.in_(some),
                Coupon.occurrence == occurrence,
            )
        )
        found |= {coupon.member_id: coupon for coupon in rows}
    return found


def _insert(
    scope: Scope, offer: Offer, terms: OfferTerms, people: People, occurrence: str, campaign_id: int | None
) -> list[Coupon]:
    """Rows for those whom no other unit was first with. Order: by member, as every unit does."""
    first = max(scope.today, terms.valid_from or scope.today)
    codes = _fresh_codes(scope, len(people))
    ids = scope.new_ids(len(people))
    rows = [
        {
            "brand_id": scope.brand.id,
            "id": id_,
            "offer_id": offer.id,
            "member_id": member_id,
            "person_id": person_id,
            "occurrence": occurrence,
            "campaign_id": campaign_id,
            "terms_version": terms.version,
            "token": secrets.brand_token(scope.brand.id),
            "code": code,
            "state": "issued",
            "valid_from": first,
            # With days from the claim, the end is known once it is claimed.
            "valid_until": terms.valid_until,
            "issued_at": scope.now,
        }
        for (member_id, person_id), id_, code in zip(sorted(people), ids, codes, strict=True)
    ]
    made = scope.session.scalars(insert_or_ignore(scope, Coupon).returning(Coupon.id), rows).all()
    loaded: dict[int, Coupon] = {}
    for some_ids in _batches(made):
        found = scope.session.scalars(
            select(Coupon).where(Coupon.brand_id == scope.brand.id, Coupon.id.in_(some_ids))
        )
        loaded |= {coupon.id: coupon for coupon in found}
    order = {member_id: at for at, (member_id, _) in enumerate(people)}
    return sorted(loaded.values(), key=lambda coupon: order[coupon.member_id])


def _fresh_codes(scope: Scope, n: int) -> list[str]:
    """Codes that no coupon of the brand has: among a million coupons, one batch in a thousand would hit one."""
    codes: set[str] = set()
    while len(codes) < n:
        fresh = {secrets.typed_code(CODE_LENGTH) for _ in range(n - len(codes))} - codes
        for some in _batches(sorted(fresh)):
            taken = scope.session.scalars(
                select(Coupon.code).where(Coupon.brand_id == scope.brand.id, Coupon.code.in_(some))
            )
            codes |= set(some) - set(taken)
    return sorted(codes, key=lambda _: secrets.token(4))


def _allow(scope: Scope, offer: Offer, given: list[Coupon], answers: Answers) -> list[Coupon]:
    """Count one more for each person, where the limit allows it. A person with two members in the chunk counts twice."""
    kept: set[int] = set()
    rounds: list[dict[int, Coupon]] = []
    for coupon in given:
        for one in rounds:
            if coupon.person_id not in one:
                one[coupon.person_id] = coupon
                break
        else:
            rounds.append({coupon.person_id: coupon})
    for one in rounds:
        allowed = set(_use_allowances(scope, offer, sorted(one)))
        kept |= {coupon.id for person_id, coupon in one.items() if person_id in allowed}
    refused = [coupon for coupon in given if coupon.id not in kept]
    _take_back(scope, refused)
    answers |= {coupon.member_id: Refused("per_person", {"limit": offer.per_person}) for coupon in refused}
    return [coupon for coupon in given if coupon.id in kept]


def _use_allowances(scope: Scope, offer: Offer, person_ids: list[int]) -> Sequence[int]:
    """The persons of whom one more was counted: one conditional upsert for all of them."""
    statement = _upsert(scope, OfferAllowance).on_conflict_do_update(
        index_elements=["brand_id", "offer_id", "person_id"],
        set_={"used": OfferAllowance.used + 1},
        where=OfferAllowance.used < offer.per_person,
    )
    rows = [
        {"brand_id": scope.brand.id, "offer_id": offer.id, "person_id": person_id, "used": 1}
        for person_id in person_ids
    ]
    return scope.session.scalars(statement.returning(OfferAllowance.person_id), rows).all()


def _take_stock(scope: Scope, offer: Offer, given: list[Coupon], answers: Answers) -> list[Coupon]:
    """The last and hottest row: one conditional update for the whole batch. If there is too little left, the row is
    locked, as many as remain are given, and the others are taken back."""
    if not given:
        return []
    _record(scope, given)
    if _add_issued(scope, offer, len(given)):
        return given
    now = scope.session.execute(
        select(Offer.state, Offer.stock, Offer.issued)
        .where(Offer.brand_id == scope.brand.id, Offer.id == offer.id)
        .with_for_update()
    ).one()
    left = len(given) if now.stock is None else max(0, now.stock - now.issued)
    refusal = Refused("sold_out")
    if now.state != "open":
        left, refusal = 0, Refused("not_open", {"state": now.state})
    surplus = given[left:]
    _take_back(scope, surplus)
    _give_allowances_back(scope, offer.id, surplus)
    answers |= {coupon.member_id: refusal for coupon in surplus}
    if left and not _add_issued(scope, offer, left):
        raise RuntimeError(f"offer {offer.id}: the locked stock has moved")
    return given[:left]


def _add_issued(scope: Scope, offer: Offer, n: int) -> bool:
    done = scope.session.execute(
        update(Offer)
        .where(
            Offer.brand_id == scope.brand.id,
            Offer.id == offer.id,
            Offer.state == "open",
            or_(Offer.stock.is_(None), Offer.issued + n <= Offer.stock),
        )
        .values(issued=Offer.issued + n)
        .execution_options(synchronize_session=False)
    )
    scope.session.expire(offer)
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


def _record(scope: Scope, given: list[Coupon]) -> None:
    """The first transition of each."""
    ids = scope.new_ids(len(given))
    scope.session.execute(
        insert(CouponChange),
        [
            {
                "brand_id": scope.brand.id,
                "id": id_,
                "coupon_id": coupon.id,
                "from_state": None,
                "state": "issued",
                "at": scope.now,
                "actor_kind": scope.actor.kind,
                "actor_id": scope.actor.id,
                "detail": {},
            }
            for coupon, id_ in zip(given, ids, strict=True)
        ],
    )


def _take_back(scope: Scope, coupons: list[Coupon]) -> None:
    """Rows of this very unit that nobody has seen."""
    for coupon in coupons:
        scope.session.expunge(coupon)
    for some in _batches([coupon.id for coupon in coupons]):
        for model, column in ((CouponChange, CouponChange.coupon_id), (Coupon, Coupon.id)):
            scope.session.execute(
                delete(model)
                .where(model.brand_id == scope.brand.id, column.in_(some))
                .execution_options(synchronize_session=False)
            )


def return_to_stock(scope: Scope, coupons: Sequence[Coupon]) -> None:
    """Coupons that are no longer out: their persons may have another one, and so may the offer. Allowances first."""
    by_offer: dict[int, list[Coupon]] = {}
    for coupon in coupons:
        by_offer.setdefault(coupon.offer_id, []).append(coupon)
    for offer_id in sorted(by_offer):
        _give_allowances_back(scope, offer_id, by_offer[offer_id])
    for offer_id in sorted(by_offer):
        scope.session.execute(
            update(Offer)
            .where(Offer.brand_id == scope.brand.id, Offer.id == offer_id)
            .values(issued=Offer.issued - len(by_offer[offer_id]))
            .execution_options(synchronize_session=False)
        )
        offer = scope.session.get(Offer, (scope.brand.id, offer_id))
        if offer is not None:
            scope.session.expire(offer)


def _give_allowances_back(scope: Scope, offer_id: int, coupons: Sequence[Coupon]) -> None:
    for person_id in sorted(coupon.person_id for coupon in coupons):
        scope.session.execute(
            update(OfferAllowance)
            .where(
                OfferAllowance.brand_id == scope.brand.id,
                OfferAllowance.offer_id == offer_id,
                OfferAllowance.person_id == person_id,
            )
            .values(used=OfferAllowance.used - 1)
            .execution_options(synchronize_session=False)
        )


def _upsert(scope: Scope, model: Any) -> Any:
    from sqlalchemy.dialects import postgresql, sqlite

    dialect = scope.session.get_bind().dialect.name
    build: dict[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    return build[dialect](model)


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
