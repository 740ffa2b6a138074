"""What staff wrote about an offer, and why it cannot stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as filled
from datetime import date, datetime
from typing import Any

from webapp.brands import queries as brands
from webapp.coupons import queries
from webapp.coupons.conditions import MINUTES, Conditions
from webapp.coupons.models import Offer
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.plugin_api import Problem
from webapp.plugin_runtime import calls

MOST_PER_PERSON = 1000
MOST_DAYS = 3660
MOST_STOCK = 10**9
MOST_MINOR = 10**13
MOST_WORDS = 200  # products or categories that one offer names
WORD = 120  # characters of one
MOST_PLACE = 99
MOST_REMIND = 60  # days before the last one
LATEST = date(2999, 12, 31)  # days are added to it when a coupon is taken


@dataclass(frozen=True, slots=True)
class OfferDetails:
    """What staff write about an offer. terms: typed, as its coupon type declares them (money in minor units).

    code blank: one is made. stock, per_day, budget_minor None: unlimited. claim_from, claim_until: aware. At least one of valid_days and valid_until is set.
    """

    name: str
    terms: Mapping[str, Any]
    code: str = ""
    stock: int | None = None
    per_person: int = 1
    valid_from: date | None = None
    valid_days: int | None = None
    valid_until: date | None = None
    per_day: int | None = None
    budget_minor: int | None = None
    claim_from: datetime | None = None
    claim_until: datetime | None = None
    by_code: bool = False
    place: int = 0
    remind_days: int | None = None
    conditions: Conditions = filled(default_factory=Conditions)


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that cannot stand. field: of OfferDetails, or a field of the terms where `problem` is the type's own."""

    field: str
    code: str
    facts: Mapping[str, Any] = filled(default_factory=dict)
    problem: Problem | None = None


def check(scope: Scope, type_key: str, details: OfferDetails, offer: Offer | None) -> Iterator[Wrong]:
    """Everything that is wrong, in the form's order. `type_key` is one that the brand has; offer: the one that is changed."""
    bound = calls.coupon_type(scope, type_key)
    assert bound is not None, type_key
    if not 1 <= len(details.name.strip()) <= 120 or not details.name.strip().isprintable():
        yield Wrong("name", "name_length")
    code = details.code.strip()
    if code and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", code):
        yield Wrong("code", "code_bad")
    elif (
        code
        and (held := queries.offer_by_code(scope, code)) is not None
        and (offer is None or held.id != offer.id)
    ):
        yield Wrong("code", "code_taken")
    if details.stock is not None and not 1 <= details.stock <= MOST_STOCK:
        yield Wrong("stock", "out_of_range", {"least": 1, "most": MOST_STOCK})
    elif details.stock is not None and offer is not None and details.stock < offer.issued:
        yield Wrong("stock", "stock_below_issued", {"issued": offer.issued})
    if not 1 <= details.per_person <= MOST_PER_PERSON:
        yield Wrong("per_person", "out_of_range", {"least": 1, "most": MOST_PER_PERSON})
    yield from _check_window(scope, details, offer)
    yield from _check_giving(details, offer)
    yield from _check_conditions(scope, details.conditions)
    found = calls.decide(bound.plugin, lambda: bound.impl.check(details.terms))
    if isinstance(found, Refused):
        yield Wrong("name", found.code, found.facts)
    else:
        yield from (Wrong(problem.field, "terms", problem.facts, problem) for problem in found)


def _check_window(scope: Scope, details: OfferDetails, offer: Offer | None) -> Iterator[Wrong]:
    if details.valid_days is None and details.valid_until is None:
        yield Wrong("valid_days", "no_end")
    if details.valid_days is not None and not 1 <= details.valid_days <= MOST_DAYS:
        yield Wrong("valid_days", "out_of_range", {"least": 1, "most": MOST_DAYS})
    if details.valid_from is not None and details.valid_from > LATEST:
        yield Wrong("valid_from", "out_of_range", {"least": scope.today, "most": LATEST})
    if details.valid_until is None:
        return
    if details.valid_from is not None and details.valid_until < details.valid_from:
        yield Wrong("valid_until", "ends_before_it_begins")
    elif details.valid_until < scope.today:
        known = None if offer is None else queries.terms(scope, offer.id, offer.terms_version).valid_until
        if known != details.valid_until:  # an offer that is over may still be renamed
            yield Wrong("valid_until", "ends_in_the_past")


def _check_giving(details: OfferDetails, offer: Offer | None) -> Iterator[Wrong]:
    if details.per_day is not None and not 1 <= details.per_day <= MOST_STOCK:
        yield Wrong("per_day", "out_of_range", {"least": 1, "most": MOST_STOCK})
    if details.budget_minor is not None and not 1 <= details.budget_minor <= MOST_MINOR:
        yield Wrong("budget", "amount")
    elif details.budget_minor is not None and offer is not None and details.budget_minor < offer.saved_minor:
        yield Wrong("budget", "budget_below_saved", {"saved_minor": offer.saved_minor})
    if details.claim_from and details.claim_until and details.claim_until <= details.claim_from:
        yield Wrong("claim_until", "ends_before_it_begins")
    if not 0 <= details.place <= MOST_PLACE:
        yield Wrong("place", "out_of_range", {"least": 0, "most": MOST_PLACE})
    if details.remind_days is not None and not 1 <= details.remind_days <= MOST_REMIND:
        yield Wrong("remind_days", "out_of_range", {"least": 1, "most": MOST_REMIND})


def _check_conditions(scope: Scope, said: Conditions) -> Iterator[Wrong]:
    if not set(said.weekdays) <= set(range(7)):
        yield Wrong("weekdays", "choose")
    if said.hours is not None:
        first, end = said.hours
        if not (0 <= first < MINUTES and 0 <= end <= MINUTES) or first == end:
            yield Wrong("hours_until", "hours")
    if set(said.stores) - {store.id for store in brands.stores(scope)}:
        yield Wrong("stores", "choose")
    for name in ("products", "products_out", "categories", "categories_out"):
        listed: tuple[str, ...] = getattr(said, name)
        if len(listed) > MOST_WORDS or any(len(word) > WORD for word in listed):
            yield Wrong(name, "words", {"most": MOST_WORDS, "length": WORD})
    for name in ("products", "categories"):
        both = set(getattr(said, name)) & set(getattr(said, f"{name}_out"))
        if both:
            yield Wrong(f"{name}_out", "in_and_out", {"word": min(both)})
    if not 0 <= said.least_minor <= MOST_MINOR:
        yield Wrong("least", "amount")
