"""Birthday presents, every night."""

from __future__ import annotations

from webapp.brands import queries as brands
from webapp.kernel import halt
from webapp.kernel.db import Database
from webapp.kernel.doorbell import SHARE, job, sweep
from webapp.kernel.scope import Ring
from webapp.kernel.steps import Next
from webapp.matrix import birthday

GIVE = "matrix.birthday"


@job(GIVE)
def give(db: Database, brand_id: int) -> None:
    """This day's presents of a brand, or a good piece of them."""
    brand = db.brand(brand_id)
    with db.read() as scope:
        if not birthday.due(scope, brand):
            return
    if isinstance(birthday.give(db, brand, seconds=SHARE), Next) and not halt.asked():
        db.ring([Ring(GIVE, {"brand_id": brand_id})])


@sweep(GIVE)
def due(db: Database) -> list[Ring]:
    """Brands whose presents of this day are owed."""
    with db.read() as scope:
        owed = [one.id for one in brands.all_refs(scope.session) if birthday.due(scope, one)]
    return [Ring(GIVE, {"brand_id": brand_id}) for brand_id in owed]
