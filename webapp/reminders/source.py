"""What the outbox asks of reminders: how a day's run stands, and what each person is told, looked at on the way out.

Looked at there, in the unit that marks a message in flight: whether they agree (their answer is held until that unit ends, so
that a withdrawal comes before it and is seen, or after it), where they are reached, and which of the coupons they can still
use. What was used, taken away or has ended since the reminder was laid is not named; where nothing is left, nothing is sent.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, select, update

from webapp.coupons import queries as coupons
from webapp.coupons.models import Coupon, Offer, OfferTerms
from webapp.coupons.service import coupon_url
from webapp.kernel.i18n import LANGUAGES
from webapp.kernel.scope import Scope
from webapp.members.models import ConsentNow, Member, MemberIdentity
from webapp.outbox import sources
from webapp.outbox.sources import Leased, LeftOut, Parts, Run
from webapp.plugin_api import Address
from webapp.plugin_runtime import calls
from webapp.reminders import queries, wording
from webapp.reminders.models import RemindedCoupon, ReminderRun
from webapp.reminders.wording import Named

log = logging.getLogger("regulars.reminders")
PURPOSE = "marketing"  # nobody is reminded who did not agree to be written to
TOLD = "recipient"  # the identity of a channel that is told who is meant: "member:17"


class Reminders:
    """The outbox's source (webapp.outbox.sources.Source)."""

    def active(self, scope: Scope) -> list[tuple[int, int]]:
        """Runs that are laid and not yet sent, of all brands."""
        rows = scope.session.execute(
            select(ReminderRun.brand_id, ReminderRun.id).where(ReminderRun.state == "sending")
        )
        return [(row.brand_id, row.id) for row in rows]

    def run(self, scope: Scope, campaign_id: int) -> Run | None:
        """How a run stands."""
        found = scope.session.execute(
            select(ReminderRun.channel, ReminderRun.state).where(
                ReminderRun.brand_id == scope.brand.id, ReminderRun.id == campaign_id
            )
        ).one_or_none()
        if found is None:
            return None
        return Run(found.channel, PURPOSE, "sending" if found.state == "sending" else "held")

    def render(
        self, scope: Scope, campaign_id: int, batch: Sequence[Leased]
    ) -> Mapping[int, Parts | LeftOut]:
        """The messages of a batch, and who is left out after all."""
        run = self.run(scope, campaign_id)
        bound = calls.channel(scope, run.channel) if run else None
        if run is None or bound is None:
            return {}
        members = [row.recipient_id for row in batch]
        agreed = _agreed(scope, run.channel, members)  # first: what is read after it stands
        people = _people(scope, bound.impl.identity, members)
        named = _named(scope, [row.id for row in batch])
        told = bound.impl.identity == TOLD
        answers: dict[int, Parts | LeftOut] = {}
        for row in batch:
            who = people.get(row.recipient_id)
            if who is None:
                answers[row.id] = LeftOut("gone")
            elif not told and not who.value:
                answers[row.id] = LeftOut("no_address")
            elif row.recipient_id not in agreed:
                answers[row.id] = LeftOut("no_consent")
            elif not named[row.id]:
                answers[row.id] = LeftOut("used_since")
            else:
                to = Address(f"member:{who.id}" if told else who.value, who.name)
                answers[row.id] = _write(scope, to, who.locale or "", named[row.id], told=told)
        return answers

    def finished(self, scope: Scope, campaign_id: int) -> None:
        """Nothing is on the way."""
        _to(scope, campaign_id, "sending", "done")

    def reopen(self, scope: Scope, campaign_id: int) -> bool:
        """One more message."""
        _to(scope, campaign_id, "done", "sending")
        return True


def _to(scope: Scope, run_id: int, before: str, after: str) -> None:
    scope.session.execute(
        update(ReminderRun)
        .where(ReminderRun.brand_id == scope.brand.id, ReminderRun.id == run_id, ReminderRun.state == before)
        .values(state=after)
        .execution_options(synchronize_session=False)
    )


def _agreed(scope: Scope, channel: str, ids: Sequence[int]) -> set[int]:
    """Those who agree, held until this unit ends."""
    return set(
        scope.session.scalars(
            select(ConsentNow.member_id)
            .where(
                ConsentNow.brand_id == scope.brand.id,
                ConsentNow.member_id.in_(ids),
                ConsentNow.channel == channel,
                ConsentNow.purpose == PURPOSE,
                ConsentNow.granted.is_(True),
            )
            .order_by(ConsentNow.member_id)
            .with_for_update(read=True)
        )
    )


def _people(scope: Scope, identity: str, ids: Sequence[int]) -> dict[int, Any]:
    """member id -> id, name, locale, value (the address)."""
    rows = scope.session.execute(
        select(Member.id, Member.name, Member.locale, MemberIdentity.value)
        .outerjoin(
            MemberIdentity,
            and_(
                MemberIdentity.brand_id == Member.brand_id,
                MemberIdentity.member_id == Member.id,
                MemberIdentity.kind == identity,
            ),
        )
        .where(Member.brand_id == scope.brand.id, Member.id.in_(ids))
    )
    return {row.id: row for row in rows}


def _named(scope: Scope, delivery_ids: Sequence[int]) -> dict[int, list[tuple[Coupon, Offer, OfferTerms]]]:
    """delivery id -> the coupons that it names and that can still be used; their offers still remind."""
    rows = scope.session.execute(
        select(RemindedCoupon.delivery_id, Coupon, Offer, OfferTerms)
        .join(Coupon, and_(Coupon.brand_id == RemindedCoupon.brand_id, Coupon.id == RemindedCoupon.coupon_id))
        .join(Offer, coupons.ITS_OFFER)
        .join(OfferTerms, coupons.ITS_TERMS)
        .where(
            RemindedCoupon.brand_id == scope.brand.id,
            RemindedCoupon.delivery_id.in_(delivery_ids),
            queries.alive(scope),
            Offer.remind_days.is_not(None),
        )
        .order_by(Coupon.valid_until, Coupon.id)
    )
    found: dict[int, list[tuple[Coupon, Offer, OfferTerms]]] = defaultdict(list)
    for delivery_id, coupon, offer, terms in rows:
        if calls.coupon_type(scope, offer.type_key) is not None:  # one that is switched off cannot be used
            found[delivery_id].append((coupon, offer, terms))
    return found


def _write(
    scope: Scope, to: Address, locale: str, some: Sequence[tuple[Coupon, Offer, OfferTerms]], *, told: bool
) -> Parts | LeftOut:
    """A message: to members in their own language, to the guide who says it with a line in the shop's."""
    own = scope.brand.locale
    locale = locale if locale in LANGUAGES else own
    try:
        named = [
            Named(
                offer.name,
                tuple(coupons.describe(scope, offer, terms, locale) or ()),
                coupon.code,
                coupon_url(coupon.token),
                coupon.valid_until or scope.today,
            )
            for coupon, offer, terms in some
        ]
        line = wording.task(named, own) if told else wording.subject(named, locale)
        return Parts(to, {"subject": line, "text": wording.text(to.name, named, locale)})
    except Exception:
        log.exception("a reminder could not be written")
        return LeftOut("render")


SOURCE = Reminders()
sources.register("reminders", SOURCE)
