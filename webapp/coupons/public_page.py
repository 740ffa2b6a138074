"""The public pages of offers: one of an offer (/get/), one with several (/e/). Their addresses are words that nobody guesses.

How far an offer is, is read from its own row and, where it has a number a day, that day's: telling a crowd that all are
gone costs no more than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from webapp.coupons import queries
from webapp.coupons.models import Coupon, Offer, OfferDay, OfferEvent, OfferTerms
from webapp.kernel import secrets
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope
from webapp.plugin_runtime import calls
from webapp.plugin_runtime.runtime import registry

TOKEN_BYTES = 9  # 72 bits: nobody finds one by guessing
FEW = 3  # so few, or a tenth of all, are "few left"
MOST_OFFERS = 30  # on one page
TITLE, TEXT = 120, 2000

# soon: not yet; open; few: few left; today_gone: this day's are gone; sold_out; over; resting: its type is switched off
Stage = Literal["soon", "open", "few", "today_gone", "sold_out", "over", "resting"]
TAKING = ("open", "few")


def path(token: str) -> str:
    """Of an offer's page; kernel.links.absolute makes it an address."""
    return f"/get/{token}"


def elsewhere(offer: Offer) -> str | None:
    """The page of its plugin on which alone an offer of such a type is taken (CouponType.own_page), if it has a word."""
    plugin, kind = registry().coupon_types.get(offer.type_key, ("", None))
    return f"/x/{plugin}/{offer.token}" if kind is not None and kind.own_page and offer.token else None


def event_path(token: str) -> str:
    """Of a page with several offers."""
    return f"/e/{token}"


# ------------------------------------------------------------------------------------------------------------- an offer


def by_token(session: Session, token: str) -> Offer | None:
    """The offer of a public page; the word itself names the brand. None for a draft: it promises nothing yet."""
    brand_id = secrets.brand_of(token) if len(token) <= 40 else None
    if brand_id is None:
        return None
    found = session.scalars(
        select(Offer).where(Offer.brand_id == brand_id, Offer.token == token)
    ).one_or_none()
    return found if found is not None and found.state != "draft" else None


def publish(scope: Scope, offer_id: int) -> Offer:
    """Give the offer a public page; one that has it keeps its address. Raises NotFound."""
    offer = queries.offer(scope, offer_id)
    done = scope.session.execute(
        update(Offer)
        .where(Offer.brand_id == scope.brand.id, Offer.id == offer_id, Offer.token.is_(None))
        .values(token=secrets.brand_token(scope.brand.id, TOKEN_BYTES))
        .execution_options(synchronize_session=False)
    )
    scope.session.refresh(offer)
    if done.rowcount == 1:  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult
        scope.audit("offer.publish", "offer", offer_id)
    return offer


def take_down(scope: Scope, offer_id: int) -> Offer:
    """Its address leads nowhere from now on, for good: a page that is made later has another one. Raises NotFound."""
    offer = queries.offer(scope, offer_id)
    if offer.token is not None:
        offer.token = None
        scope.session.flush()
        scope.audit("offer.take_down", "offer", offer_id)
    return offer


def stage(scope: Scope, offer: Offer, terms: OfferTerms) -> Stage:
    """Whether its coupons can be taken at this moment, and if not, why."""
    if calls.coupon_type(scope, offer.type_key) is None:
        return "resting"
    ended = offer.claim_until is not None and offer.claim_until <= scope.now
    if offer.state != "open" or ended or (terms.valid_until is not None and terms.valid_until < scope.today):
        return "over"
    if offer.claim_from is not None and offer.claim_from > scope.now:
        return "soon"
    left = None if offer.stock is None else offer.stock - offer.issued
    if left is not None and left <= 0:
        return "few" if _returning(scope, offer.id) else "sold_out"
    if offer.per_day is not None:
        today = scope.session.get(OfferDay, (scope.brand.id, offer.id, scope.today))
        if today is not None and today.used >= offer.per_day:
            return "today_gone"
    few = left is not None and offer.stock is not None and left <= max(FEW, offer.stock // 10)
    return "few" if few else "open"


def _returning(scope: Scope, offer_id: int) -> bool:
    """Kept for somebody whose time has passed: the next who asks gets it (take.py)."""
    return bool(
        scope.session.scalar(
            select(
                exists().where(
                    Coupon.brand_id == scope.brand.id,
                    Coupon.held_until <= scope.now,
                    Coupon.offer_id == offer_id,
                )
            )
        )
    )


# ------------------------------------------------------------------------------------------------- several on one page


@dataclass(frozen=True, slots=True)
class OnPage:
    """An offer of an event's page, as it stands."""

    offer: Offer
    terms: OfferTerms
    stage: Stage


def event(scope: Scope, event_id: int) -> OfferEvent:
    """By id. Raises NotFound."""
    found = scope.session.get(OfferEvent, (scope.brand.id, event_id))
    if found is None:
        raise NotFound(f"event {event_id}")
    return found


def events(scope: Scope) -> Sequence[OfferEvent]:
    """All of the brand's, the newest first."""
    return scope.session.scalars(
        select(OfferEvent).where(OfferEvent.brand_id == scope.brand.id).order_by(OfferEvent.id.desc())
    ).all()


def event_by_token(session: Session, token: str) -> OfferEvent | None:
    """What is shown under a word; None also for one that was taken down."""
    brand_id = secrets.brand_of(token) if len(token) <= 40 else None
    if brand_id is None:
        return None
    return session.scalars(
        select(OfferEvent).where(
            OfferEvent.brand_id == brand_id, OfferEvent.token == token, OfferEvent.shown.is_(True)
        )
    ).one_or_none()


def on_page(scope: Scope, found: OfferEvent) -> list[OnPage]:
    """Its offers in its order, as far as the public may see them: neither drafts nor those whose own page was taken down."""
    rows = scope.session.execute(
        queries.with_terms().where(
            Offer.brand_id == scope.brand.id,
            Offer.id.in_(found.offers),
            Offer.token.is_not(None),
            Offer.state != "draft",
        )
    ).all()
    by_id = {offer.id: OnPage(offer, terms, stage(scope, offer, terms)) for offer, terms in rows}
    return [by_id[offer_id] for offer_id in found.offers if offer_id in by_id]


def choosable(scope: Scope, kept: Sequence[int] = ()) -> list[Offer]:
    """Offers that can stand on a page with several: those with a page of their own that are not closed, and `kept`."""
    return [
        offer
        for offer, _terms in queries.offers(scope)
        if offer.id in kept or (offer.token is not None and offer.state != "closed")
    ]


def save_event(
    scope: Scope, event_id: int | None, title: str, text: str, offers: Sequence[int]
) -> OfferEvent | Refused:
    """A new page, or other words and offers on one. Refused: title, text, offers (facts: field). Raises NotFound."""
    row = event(scope, event_id) if event_id is not None else None
    title, text = " ".join(title.split()), text.strip()
    if not 1 <= len(title) <= TITLE:
        return Refused("title", {"field": "title"})
    if len(text) > TEXT:
        return Refused("text", {"field": "text", "most": TEXT})
    wanted = list(dict.fromkeys(offers))
    known = {offer.id for offer in choosable(scope, row.offers if row is not None else ())}
    if not wanted or len(wanted) > MOST_OFFERS or not known.issuperset(wanted):
        return Refused("offers", {"field": "offers", "most": MOST_OFFERS})
    if row is None:
        row = OfferEvent(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            token=secrets.brand_token(scope.brand.id, TOKEN_BYTES),
            title=title,
            text=text,
            offers=wanted,
            shown=True,
            created_at=scope.now,
        )
        scope.session.add(row)
        verb = "offer_event.new"
    else:
        row.title, row.text, row.offers = title, text, wanted
        verb = "offer_event.change"
    scope.session.flush()
    scope.audit(verb, "offer_event", row.id, offers=wanted)
    return row


def show_event(scope: Scope, event_id: int, shown: bool) -> OfferEvent:
    """Put it up, or take it down; its address stays the same. Raises NotFound."""
    row = event(scope, event_id)
    if row.shown != shown:
        row.shown = shown
        scope.session.flush()
        scope.audit("offer_event.up" if shown else "offer_event.down", "offer_event", row.id)
    return row
