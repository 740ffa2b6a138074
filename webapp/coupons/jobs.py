"""Orders that were recorded join the redemptions that wait for them; holds that are over end; every night all promises are
looked over."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any

from webapp import config
from webapp.brands import queries as brands
from webapp.coupons import holds, nightly, service
from webapp.coupons.join import join_again
from webapp.coupons.verb import Room
from webapp.kernel.db import Database
from webapp.kernel.doorbell import job, sweep
from webapp.kernel.events import on
from webapp.kernel.scope import Ring, Scope
from webapp.plugin_runtime import verbs

log = logging.getLogger("regulars.coupons")
_begun: list[subprocess.Popen[bytes]] = []

verbs.register_coupons(Room())  # what plugins may do with coupons of their own types


@on("orders.recorded", "coupons.join_orders")
def join_orders(scope: Scope, payload: dict[str, Any]) -> None:
    """Harmless when it happens twice: a redemption that has its order waits no longer."""
    service.join_orders(scope, payload["first_id"], payload["last_id"], payload["order_ids"])


@on("coupon.used", "coupons.join_used")
def join_used(scope: Scope, payload: dict[str, Any]) -> None:
    """The order and the redemption were written at the same moment: neither saw the other, and one of these two does."""
    join_again(scope, payload["redemption_id"])


@job("coupons.holds")
def end_holds(db: Database, brand_id: int) -> None:
    """Holds of a brand that are over, a batch a unit."""
    brand = db.brand(brand_id)
    while db.write(holds.end, brand=brand) >= holds.BATCH:
        pass


@sweep("coupons.holds")
def holds_over(db: Database) -> list[Ring]:
    """Brands in which a hold is over."""
    with db.read() as scope:
        over = [one.id for one in brands.all_refs(scope.session) if holds.due(scope, one.id)]
    return [Ring("coupons.holds", {"brand_id": brand_id}) for brand_id in over]


@job("coupons.audit")
def audit(db: Database, brand_id: int) -> None:
    """Begin the look over one brand's coupons, if nobody has today: in a process of its own, since a big shop's takes
    longer than a job may, and a campaign need not wait for it."""
    _begun[:] = [process for process in _begun if process.poll() is None]  # reaps those that ended
    brand = db.brand(brand_id)
    if db.write(nightly.claim, brand=brand):
        words = ("coupons", "audit", "--planned", "--brand", brand.code)
        _begun.append(
            subprocess.Popen(
                [sys.executable, "-m", "webapp.cli.main", *words],
                env=dict(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        )


@sweep("coupons.audit")
def audits_due(db: Database) -> list[Ring]:
    """Brands whose night's look is owed."""
    with db.read() as scope:
        owed = [one.id for one in brands.all_refs(scope.session) if nightly.due(scope, one)]
    if owed and config.load().database_url != db.url:  # the command would look at another one
        log.warning("coupons: this process's settings name another database than the one it works on")
        return []
    return [Ring("coupons.audit", {"brand_id": brand_id}) for brand_id in owed]
