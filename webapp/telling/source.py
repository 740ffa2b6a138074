"""What the outbox asks of tellings: what each member is told, and whether they may still be written to."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from sqlalchemy import exists, select

from webapp.kernel.i18n import pick_locale
from webapp.kernel.scope import Scope
from webapp.outbox import reaching, sources
from webapp.outbox.models import Delivery
from webapp.outbox.queries import ON_THE_WAY
from webapp.outbox.reaching import Reached
from webapp.outbox.sources import Called, Leased, LeftOut, Parts, Run
from webapp.telling import wording
from webapp.telling.models import Telling, Told

log = logging.getLogger("regulars.telling")


class Tellings:
    """The outbox's source (webapp.outbox.sources.Source)."""

    def active(self, scope: Scope) -> list[tuple[int, int]]:
        """Those with something to send, of all brands: at most a handful a brand, each by the index of what is due."""
        left = [
            exists().where(
                Delivery.brand_id == Telling.brand_id,
                Delivery.campaign_id == Telling.id,
                Delivery.state == state,
            )
            for state in ON_THE_WAY
        ]
        rows = scope.session.execute(select(Telling.brand_id, Telling.id).where(left[0] | left[1] | left[2]))
        return [(row.brand_id, row.id) for row in rows]

    def run(self, scope: Scope, campaign_id: int) -> Run | None:
        """It goes on for ever."""
        found = scope.session.execute(
            select(Telling.channel, Telling.purpose).where(
                Telling.brand_id == scope.brand.id, Telling.id == campaign_id
            )
        ).one_or_none()
        return None if found is None else Run(found.channel, found.purpose, "sending")

    def render(
        self, scope: Scope, campaign_id: int, batch: Sequence[Leased]
    ) -> Mapping[int, Parts | LeftOut]:
        """The messages of a batch, and who is left out after all."""
        reached = reaching.look(scope, self.run(scope, campaign_id), batch)
        told = _told(
            scope, campaign_id, {row.recipient_id for row in batch}, {row.occurrence for row in batch}
        )
        answers: dict[int, Parts | LeftOut] = {}
        for row in (row for row in batch if row.id in reached):
            who, what = reached[row.id], told.get((row.recipient_id, row.occurrence))
            if isinstance(who, LeftOut):
                answers[row.id] = who
            elif what is not None:
                answers[row.id] = _write(scope, who, what)
        return answers

    def finished(self, scope: Scope, campaign_id: int) -> None:
        """There may be more at any moment."""

    def reopen(self, scope: Scope, campaign_id: int) -> bool:
        """It is never over."""
        return True

    def called(self, scope: Scope, some: Sequence[Delivery]) -> Mapping[int, Called]:
        """By the line above it."""
        told: dict[tuple[int, int, int], Told] = {}
        for run_id in {one.campaign_id for one in some}:
            these = [one for one in some if one.campaign_id == run_id]
            found = _told(
                scope, run_id, {one.recipient_id for one in these}, {one.occurrence for one in these}
            )
            told |= {(run_id, *key): what for key, what in found.items()}
        names: dict[int, Called] = {}
        for one in some:
            what = told.get((one.campaign_id, one.recipient_id, one.occurrence))
            if what is not None:
                names[one.id] = Called(wording.subject(what.plugin, what.subject, what.facts, pick_locale()))
        return names


def _told(
    scope: Scope, telling_id: int, member_ids: set[int], occurrences: set[int]
) -> dict[tuple[int, int], Told]:
    """(member, occurrence) -> what they are told."""
    rows = scope.session.scalars(
        select(Told).where(
            Told.brand_id == scope.brand.id,
            Told.telling_id == telling_id,
            Told.member_id.in_(member_ids),
            Told.occurrence.in_(occurrences),
        )
    )
    return {(row.member_id, row.occurrence): row for row in rows}


def _write(scope: Scope, who: Reached, what: Told) -> Parts | LeftOut:
    """A message: to members in their own language, to the guide who says it with a line in the shop's."""
    try:
        if who.told:
            line = wording.task(what.plugin, what.subject, what.facts, scope.brand.locale)
        else:
            line = wording.subject(what.plugin, what.subject, what.facts, who.locale)
        text = wording.text(who.to.name, what.plugin, what.text, what.facts, what.link, who.locale)
    except Exception:
        log.exception("what %s has to tell could not be written", what.plugin)
        return LeftOut("render")
    return Parts(who.to, {"subject": line, "text": text})


SOURCE = Tellings()
sources.register("tellings", SOURCE)
