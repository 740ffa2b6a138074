"""Giving coupons. Limits are kept by the database: a unique key, then conditional updates, the hottest row last.

The order in which a unit touches rows is always: coupons by member, allowances by person, days, codes, the offer. So two
units wait for one another, and never each for the other.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, insert, select

from webapp.coupons import counters, queries
from webapp.coupons.models import Coupon, CouponChange, Offer, OfferTerms
from webapp.coupons.who import fitting
from webapp.kernel import secrets
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope
from webapp.members import queries as members
from webapp.plugin_api import CouponType
from webapp.plugin_runtime import calls

CODE_LENGTH = 9  # the last one is a check letter
BATCH = 500
BY_CODE = "code:"  # an occurrence that begins so names the code that brought it

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
    """Coupons for members, in the order given when there are too few for all. Idempotent by (member, occurrence).

    Refused: not_open, over, parked (its plugin is off), own_page, too_early, too_late, who_unknown, not_for_you, sold_out, per_day,
    per_person. Whether an offer is for holders of a code only is asked where members take coupons themselves (take.py).
    """
    return issue_many(scope, {offer_id: people}, occurrence=occurrence, campaign_id=campaign_id)


def issue_many(
    scope: Scope, by_offer: Mapping[int, People], *, occurrence: str, campaign_id: int | None = None
) -> Answers:
    """The same of several offers in one unit, for different members. Refused as by `issue`."""
    answers: Answers = {}
    rounds: list[tuple[Offer, list[Coupon]]] = []
    for offer_id in sorted(by_offer):
        wanted = dict(by_offer[offer_id])
        known: Answers = dict(_existing(scope, offer_id, wanted, occurrence))
        offer = queries.offer(scope, offer_id)
        scope.session.refresh(offer)
        terms = queries.terms(scope, offer_id, offer.terms_version)
        rest = _screened(scope, offer, terms, {m: wanted[m] for m in wanted if m not in known}, known)
        if rest:
            fresh = _insert(scope, offer, terms, [(m, wanted[m]) for m in rest], occurrence, campaign_id)
            beaten = set(rest) - {coupon.member_id for coupon in fresh}
            known |= _existing(
                scope, offer_id, {m: wanted[m] for m in beaten}, occurrence
            )  # another unit was first
            if beaten - known.keys():
                raise RuntimeError("another unit has just drawn the same code: try again")
            rounds.append((offer, fresh))
        answers |= known
    for count in (_allow, _count_day, _take_stock):  # each for all offers: the hottest rows last
        rounds = [(offer, count(scope, offer, given, answers)) for offer, given in rounds]
    for _offer, given in rounds:
        answers |= {coupon.member_id: coupon for coupon in given}
    return {member_id: answers[member_id] for people in by_offer.values() for member_id in dict(people)}


def _screened(
    scope: Scope, offer: Offer, terms: OfferTerms, people: dict[int, int], answers: Answers
) -> list[int]:
    """The members who may have one as far as can be read without a lock; why the others may not goes to the answers. What
    is read of the counters spares work where it is plainly in vain; the updates decide."""
    rest = list(people)
    if not rest:
        return rest
    refusal = refusal_of(scope, offer, terms.valid_until, calls.coupon_type(scope, offer.type_key))
    fit = fitting(scope, offer.who, people.values()) if refusal is None else refusal
    if isinstance(fit, Refused):
        answers |= dict.fromkeys(rest, fit)
        return []
    answers |= {member_id: Refused("not_for_you") for member_id in rest if people[member_id] not in fit}
    rest = [member_id for member_id in rest if people[member_id] in fit]
    if offer.stock is not None:
        left = max(0, offer.stock - offer.issued)
        answers |= dict.fromkeys(rest[left:], Refused("sold_out"))
        rest = rest[:left]
    if offer.per_day is not None:
        left = counters.left_on(scope, offer.id, offer.per_day, scope.today)
        answers |= dict.fromkeys(rest[left:], Refused("per_day", {"limit": offer.per_day}))
        rest = rest[:left]
    return rest


def refusal_of(
    scope: Scope,
    offer: Any,
    valid_until: date | None,
    bound: calls.Bound[CouponType] | None,
    through: str = "",
) -> Refused | None:
    """Why an offer gives nobody a coupon now. offer: its row, or what was read of it. through: the plugin that asks for it,
    blank: nobody's page but the core's."""
    claim_from, claim_until = offer.claim_from, offer.claim_until
    if offer.state != "open":
        return Refused("not_open", {"state": offer.state})
    if valid_until is not None and valid_until < scope.today:
        return Refused("over", {"until": valid_until.isoformat()})
    if claim_until is not None and claim_until <= scope.now:
        return Refused("too_late", {"until": claim_until.isoformat()})
    if claim_from is not None and scope.now < claim_from:
        return Refused("too_early", {"from": claim_from.isoformat()})
    if bound is None:
        return Refused("parked", {"type": offer.type_key})
    if bound.impl.own_page and through != bound.plugin:
        return Refused("own_page", {"type": offer.type_key})
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
        allowed = set(counters.count_persons(scope, offer.id, offer.per_person, list(one)))
        kept |= {coupon.id for person_id, coupon in one.items() if person_id in allowed}
    refused = [coupon for coupon in given if coupon.id not in kept]
    _take_back(scope, refused)
    answers |= {coupon.member_id: Refused("per_person", {"limit": offer.per_person}) for coupon in refused}
    return [coupon for coupon in given if coupon.id in kept]


def _count_day(scope: Scope, offer: Offer, given: list[Coupon], answers: Answers) -> list[Coupon]:
    """Count them on the local day, as many as it has left; the others are taken back."""
    if not given or offer.per_day is None:
        return given
    left = counters.count_day(scope, offer.id, offer.per_day, scope.today, len(given))
    surplus = given[left:]
    _take_back(scope, surplus)
    counters.persons_back(scope, offer.id, [coupon.person_id for coupon in surplus])
    answers |= {coupon.member_id: Refused("per_day", {"limit": offer.per_day}) for coupon in surplus}
    return given[:left]


def _take_stock(scope: Scope, offer: Offer, given: list[Coupon], answers: Answers) -> list[Coupon]:
    """The last and hottest row: one conditional update for the whole batch. If there is too little left, the row is
    locked, as many as remain are given, and the others are taken back."""
    if not given:
        return []
    offer_id, day = offer.id, scope.today if offer.per_day is not None else None
    _record(scope, given, {"day": day.isoformat()} if day else {})
    if counters.count_stock(scope, offer_id, len(given)):
        return given
    now = scope.session.execute(
        select(Offer.state, Offer.stock, Offer.issued)
        .where(Offer.brand_id == scope.brand.id, Offer.id == offer_id)
        .with_for_update()
    ).one()
    left = len(given) if now.stock is None else max(0, now.stock - now.issued)
    refusal = Refused("sold_out")
    if now.state != "open":
        left, refusal = 0, Refused("not_open", {"state": now.state})
    surplus = given[left:]
    _take_back(scope, surplus)
    counters.persons_back(scope, offer_id, [coupon.person_id for coupon in surplus])
    if day is not None:
        counters.days_back(scope, offer_id, {day: len(surplus)})
    answers |= {coupon.member_id: refusal for coupon in surplus}
    if left and not counters.count_stock(scope, offer_id, left):
        raise RuntimeError(f"offer {offer_id}: the locked stock has moved")
    return given[:left]


def _record(scope: Scope, given: list[Coupon], detail: dict[str, Any]) -> None:
    """The first transition of each. detail: the local day on which it was counted, where the offer counts days."""
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
                "detail": detail,
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
    """Coupons that are no longer out: their persons may have another one, and so may the day on which they were given, the
    code that brought them, and the offer. In the order of giving."""
    return_shares(scope, coupons)
    for offer_id, n in sorted(Counter(coupon.offer_id for coupon in coupons).items()):
        counters.stock_back(scope, offer_id, n)


def return_shares(scope: Scope, coupons: Sequence[Coupon]) -> None:
    """The same without the offers' own rows: for whoever has more to write there, each once and by id."""
    by_offer: dict[int, list[Coupon]] = {}
    for coupon in coupons:
        by_offer.setdefault(coupon.offer_id, []).append(coupon)
    for offer_id in sorted(by_offer):
        counters.persons_back(scope, offer_id, [coupon.person_id for coupon in by_offer[offer_id]])
    days = _counted_days(scope, coupons)
    for offer_id in sorted(by_offer):
        counted = Counter(days[coupon.id] for coupon in by_offer[offer_id] if coupon.id in days)
        counters.days_back(scope, offer_id, counted)
    counters.codes_back(scope, [id_ for coupon in coupons if (id_ := code_of(coupon)) is not None])


def _counted_days(scope: Scope, coupons: Sequence[Coupon]) -> dict[int, date]:
    """coupon -> the local day on which it was counted, of those that were."""
    days: dict[int, date] = {}
    for some in _batches([coupon.id for coupon in coupons]):
        rows = scope.session.execute(
            select(CouponChange.coupon_id, CouponChange.detail).where(
                CouponChange.brand_id == scope.brand.id,
                CouponChange.coupon_id.in_(some),
                CouponChange.from_state.is_(None),
            )
        )
        days |= {row.coupon_id: date.fromisoformat(row.detail["day"]) for row in rows if "day" in row.detail}
    return days


def code_of(coupon: Coupon) -> int | None:
    """The id of the code that brought a coupon."""
    word = coupon.occurrence
    return int(word[len(BY_CODE) :].partition(":")[0]) if word.startswith(BY_CODE) else None


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
