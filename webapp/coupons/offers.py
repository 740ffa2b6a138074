"""Making, changing, opening, closing and removing offers. What an offer promises is a version; coupons keep theirs."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, delete, select, true, update
from sqlalchemy.exc import IntegrityError

from webapp.coupons import conditions, queries
from webapp.coupons.checking import OfferDetails, Wrong, check
from webapp.coupons.models import Offer, OfferCode, OfferEvent, OfferTerms
from webapp.kernel.errors import Refused, UserError
from webapp.kernel.scope import Scope
from webapp.plugin_runtime import calls
from webapp.segments import rules
from webapp.segments.rules import Rule


def new_offer(
    scope: Scope, type_key: str, details: OfferDetails, *, state: str = "draft"
) -> Offer | list[Wrong]:
    """A new offer of a coupon type, and its first terms. Raises UserError when the brand has no such type."""
    details = _complete(scope, type_key, details)
    wrong = list(check(scope, type_key, details, None))
    if wrong:
        return wrong
    offer_id = scope.new_id()
    offer = Offer(
        brand_id=scope.brand.id,
        id=offer_id,
        code=_code(scope, details, offer_id),
        name=details.name.strip(),
        type_key=type_key,
        terms_version=1,
        state="draft",
        stock=details.stock,
        issued=0,
        per_person=details.per_person,
        created_at=scope.now,
        **_giving(details),
    )
    scope.session.add(offer)
    scope.session.flush()
    _add_version(scope, offer, details)
    scope.audit("offer.new", "offer", offer.id, type=type_key)
    if state == "open":
        opened = open_offer(scope, offer.id)
        if isinstance(opened, Refused):
            return [Wrong("valid_until", opened.code, opened.facts)]
    return offer


def change_offer(scope: Scope, offer_id: int, details: OfferDetails) -> Offer | list[Wrong]:
    """Correct an offer. Other terms or another window are a new version: coupons that are out keep the old one."""
    offer = queries.offer(scope, offer_id)
    details = _complete(scope, offer.type_key, details)
    wrong = list(check(scope, offer.type_key, details, offer))
    if wrong:
        return wrong
    # Neither the stock nor the budget may fall below what is given, and that may rise at this very moment.
    enough = and_(
        true() if details.stock is None else Offer.issued <= details.stock,
        true() if details.budget_minor is None else Offer.saved_minor <= details.budget_minor,
    )
    kept = scope.session.execute(
        update(Offer)
        .where(Offer.brand_id == scope.brand.id, Offer.id == offer_id, enough)
        .values(
            name=details.name.strip(),
            code=details.code.strip() or offer.code,
            stock=details.stock,
            per_person=details.per_person,
            **_giving(details),
        )
        .execution_options(synchronize_session=False)
    )
    scope.session.refresh(offer)
    if kept.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult
        return list(check(scope, offer.type_key, details, offer))
    now = queries.terms(scope, offer_id, offer.terms_version)
    before = (now.terms, now.conditions, now.valid_from, now.valid_days, now.valid_until)
    after = (
        dict(details.terms),
        conditions.dump(details.conditions),
        details.valid_from,
        details.valid_days,
        details.valid_until,
    )
    if before != after:
        offer.terms_version += 1
        _add_version(scope, offer, details)
    scope.session.flush()
    scope.audit("offer.change", "offer", offer.id, version=offer.terms_version)
    return offer


def open_offer(scope: Scope, offer_id: int) -> Offer | Refused:
    """Coupons can be given from now on."""
    offer = queries.offer(scope, offer_id)
    if offer.state == "open":
        return offer
    if calls.coupon_type(scope, offer.type_key) is None:
        return Refused("parked", {"type": offer.type_key})
    terms = queries.terms(scope, offer_id, offer.terms_version)
    if terms.valid_until is not None and terms.valid_until < scope.today:
        return Refused("over", {"until": terms.valid_until.isoformat()})
    offer.state = "open"
    scope.session.flush()
    scope.audit("offer.open", "offer", offer.id)
    return offer


def close_offer(scope: Scope, offer_id: int) -> Offer:
    """No new coupons; those that are out stay good."""
    offer = queries.offer(scope, offer_id)
    if offer.state == "open":
        offer.state = "closed"
        scope.session.flush()
        scope.audit("offer.close", "offer", offer.id)
    return offer


def remove_draft(scope: Scope, offer_id: int) -> Refused | None:
    """Away with a draft that nothing else names, and with its codes. An offer that was open once stays: coupons and figures
    tell of it.

    Refused: not_draft (state), in_use, codes_good (some were not stopped: they may be on paper). Raises NotFound.
    """
    offer = queries.offer(scope, offer_id)
    if offer.state != "draft":
        return Refused("not_draft", {"state": offer.state})
    name, events = offer.name, select(OfferEvent.offers).where(OfferEvent.brand_id == scope.brand.id)
    if any(offer_id in there for there in scope.session.scalars(events)):
        return Refused("in_use")
    of_codes = (OfferCode.brand_id == scope.brand.id, OfferCode.offer_id == offer_id)
    stopped = OfferCode.most == OfferCode.used
    if scope.session.scalar(select(OfferCode.id).where(*of_codes, stopped.is_not(True)).limit(1)) is not None:
        return Refused("codes_good")
    try:
        with scope.session.begin_nested() as tried:
            terms = delete(OfferTerms).where(
                OfferTerms.brand_id == scope.brand.id, OfferTerms.offer_id == offer_id
            )
            # A draft, still: somebody may be opening it at this very moment.
            draft = delete(Offer).where(
                Offer.brand_id == scope.brand.id, Offer.id == offer_id, Offer.state == "draft"
            )
            unsynced = {"synchronize_session": False}
            codes = delete(OfferCode).where(*of_codes, stopped)
            scope.session.execute(codes, execution_options=unsynced)
            scope.session.execute(terms, execution_options=unsynced)
            gone: Any = scope.session.execute(draft, execution_options=unsynced)
            if gone.rowcount != 1:
                tried.rollback()
                return Refused("not_draft", {"state": "open"})
    except (
        IntegrityError
    ):  # campaigns, matrices, places, a code made just now: whatever names it has a key to it
        return Refused("in_use")
    scope.session.expunge(offer)
    scope.audit("offer.remove", "offer", offer_id, name=name)
    return None


def allow_each(scope: Scope, offer_id: int, per_person: int) -> None:
    """How many coupons of it one person may have from now on; the rest of it stays."""
    offer = queries.offer(scope, offer_id)
    offer.per_person = per_person
    scope.session.flush()
    scope.audit("offer.change", "offer", offer_id, per_person=per_person)


def _giving(details: OfferDetails) -> dict[str, Any]:
    """What is said of giving, as columns: it counts at once, for every coupon that is given from now on."""
    return {
        name: getattr(details, name)
        for name in (
            "per_day",
            "budget_minor",
            "claim_from",
            "claim_until",
            "by_code",
            "place",
            "remind_days",
        )
    }


def who(offer: Offer) -> Rule:
    """Who may have a coupon of it; an empty rule, which means everybody, where nothing is said."""
    return rules.load(offer.who or {})


def set_who(scope: Scope, offer_id: int, rule: Rule) -> Offer:
    """Who may have a coupon of it from now on: the members whom a rule means; an empty one: anybody."""
    offer = queries.offer(scope, offer_id)
    offer.who = rules.dump(rule) if rule.all else None
    scope.session.flush()
    scope.audit("offer.who", "offer", offer.id)
    return offer


def _add_version(scope: Scope, offer: Offer, details: OfferDetails) -> None:
    bound = calls.coupon_type(scope, offer.type_key)
    scope.session.add(
        OfferTerms(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            offer_id=offer.id,
            version=offer.terms_version,
            type_version=bound.impl.terms_version if bound else 1,
            terms=dict(details.terms),
            conditions=conditions.dump(details.conditions),
            valid_from=details.valid_from,
            valid_days=details.valid_days,
            valid_until=details.valid_until,
            created_at=scope.now,
        )
    )
    scope.session.flush()


def _complete(scope: Scope, type_key: str, details: OfferDetails) -> OfferDetails:
    """With the defaults of terms that were not given. Raises UserError for a type or a term that nobody knows."""
    bound = calls.coupon_type(scope, type_key)
    if bound is None:
        raise UserError(f"coupon type {type_key!r} is not there for this brand: switch its plugin on")
    defaults = {term.key: term.default for term in bound.impl.fields}
    unknown = sorted(details.terms.keys() - defaults.keys())
    if unknown:
        raise UserError(f"{type_key} has no term {unknown[0]!r}: it has {', '.join(defaults)}")
    return replace(details, terms=defaults | dict(details.terms))


def _code(scope: Scope, details: OfferDetails, offer_id: int) -> str:
    """The one that was typed, or one made of the name, or of the id where that is taken or says nothing."""
    if details.code.strip():
        return details.code.strip()
    plain = unicodedata.normalize("NFKD", details.name).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:30].strip("-")
    return (
        made if made and queries.offer_by_code(scope, made) is None else f"{made or 'offer'}-{offer_id}"[:40]
    )
