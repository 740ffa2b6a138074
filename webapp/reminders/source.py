"""What the outbox asks of reminders: how a day's run stands, and what each person is told, looked at on the way out.

Looked at there, in the unit that marks a message in flight: whether they agree (their answer is held until that unit ends, so
that a withdrawal comes before it and is seen, or after it), where they are reached, and which of the coupons they can still
use. What was used, taken away or has ended since the reminder was laid is not named; where nothing is left, nothing is sent.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import and_, select, update

from webapp.coupons import queries as coupons
from webapp.coupons.models import Coupon, Offer, OfferTerms
from webapp.coupons.service import coupon_url
from webapp.kernel import i18n
from webapp.kernel.scope import Scope
from webapp.outbox import reaching, sources
from webapp.outbox.models import Delivery
from webapp.outbox.reaching import Reached
from webapp.outbox.sources import Called, Leased, LeftOut, Parts, Run
from webapp.plugin_runtime import calls
from webapp.reminders import queries, wording
from webapp.reminders.models import RemindedCoupon, ReminderRun
from webapp.reminders.wording import Named

log = logging.getLogger("regulars.reminders")
PURPOSE = "marketing"  # nobody is reminded who did not agree to be written to


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
        reached = reaching.look(scope, self.run(scope, campaign_id), batch)
        named = _named(scope, list(reached))
        answers: dict[int, Parts | LeftOut] = {}
        for id_, who in reached.items():
            if isinstance(who, LeftOut):
                answers[id_] = who
            elif not named[id_]:
                answers[id_] = LeftOut("used_since")
            else:
                answers[id_] = _write(scope, who, named[id_])
        return answers

    def finished(self, scope: Scope, campaign_id: int) -> None:
        """Nothing is on the way."""
        _to(scope, campaign_id, "sending", "done")

    def reopen(self, scope: Scope, campaign_id: int) -> bool:
        """One more message."""
        _to(scope, campaign_id, "done", "sending")
        return True

    def called(self, scope: Scope, some: Sequence[Delivery]) -> Mapping[int, Called]:
        """What they are on a member's profile."""
        ids = {one.campaign_id for one in some}
        mine = set(
            scope.session.scalars(
                select(ReminderRun.id).where(ReminderRun.brand_id == scope.brand.id, ReminderRun.id.in_(ids))
            )
        )
        title = wording.profile(i18n.pick_locale())
        return {one.id: Called(title) for one in some if one.campaign_id in mine}


def _to(scope: Scope, run_id: int, before: str, after: str) -> None:
    scope.session.execute(
        update(ReminderRun)
        .where(ReminderRun.brand_id == scope.brand.id, ReminderRun.id == run_id, ReminderRun.state == before)
        .values(state=after)
        .execution_options(synchronize_session=False)
    )


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


def _write(scope: Scope, who: Reached, some: Sequence[tuple[Coupon, Offer, OfferTerms]]) -> Parts | LeftOut:
    """A message: to members in their own language, to the guide who says it with a line in the shop's."""
    own, locale = scope.brand.locale, who.locale
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
        line = wording.task(named, own) if who.told else wording.subject(named, locale)
        return Parts(who.to, {"subject": line, "text": wording.text(who.to.name, named, locale)})
    except Exception:
        log.exception("a reminder could not be written")
        return LeftOut("render")


SOURCE = Reminders()
sources.register("reminders", SOURCE)
