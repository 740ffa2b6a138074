"""A thousand people ask a running shop for a hundred coupons over HTTP, through the tills' API, from many processes: by the
shop's own door and by gunicorn's beside it, at its real limits of requests a key.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from tests import factories as make
from tests.support import seed
from tests.support.live import LiveShop
from tests.support.pages import pages
from tests.support.tills import HttpTill, audit
from tests.support.together import together
from tests.web.api.tills import new_key
from webapp.coupons.models import Coupon, Offer, OfferAllowance
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import context, runtime

pytestmark = pytest.mark.drill

PEOPLE, STOCK = 1000, 100
CHUNK = 100  # members a unit


@pytest.fixture(autouse=True)
def plugins() -> Iterator[None]:
    yield
    runtime.load_all()


def prepare(db: Database, brand: BrandRef) -> int:
    """The offer, and people numbered p00000 and on."""
    for first in range(0, PEOPLE, CHUNK):
        db.write(
            lambda scope, a=first: [  # type: ignore[misc]
                make.make_member(scope, number=f"p{n:05}", name=f"Member {n}") for n in range(a, a + CHUNK)
            ],
            brand=brand,
        )
    return db.write(lambda scope: make.make_offer(scope, stock=STOCK).id, brand=brand)


@pytest.mark.parametrize("processes", [16, 64])
def test_a_thousand_people_over_http(live: LiveShop, processes: int) -> None:
    runtime.load_all(live.instance / "plugins")
    context.use_secrets_of(live.instance)
    brand = seed.brand(live.db)
    offer_id = prepare(live.db, brand)
    secrets = [new_key(live.db, brand, "claim", name=f"Till {n}") for n in range(processes)]
    with pages(live) as gunicorn:
        doors = (live.start(seconds=90).address, gunicorn.ready().address)

        def work(_: Database, n: int) -> tuple[list[tuple[str, str]], int]:
            till, mine = HttpTill(doors[n % 2]), [f"p{at:05}" for at in range(n, PEOPLE, processes)]
            random.Random(n).shuffle(mine)
            told = []
            for number in mine:
                path, body = f"/offers/{offer_id}/claims", {"member": {"number": number}}
                said = till.post(path, body, secrets[n], f"claim-{number}")
                if said.status == 201:  # whoever taps twice has one
                    twice = till.post(path, body, secrets[n], f"claim-{number}")
                    assert (twice.status, twice.text, twice.again) == (201, said.text, True)
                told.append((said.word or "given", said.body["id"] if said.status == 201 else number))
            return told, till.lost + till.waited

        live.db.close()
        heard = together(live.db.url, processes, work)
        assert "Traceback" not in gunicorn.log
    said = Counter(word for told, _ in heard for word, _ in told)
    assert said == {"given": STOCK, "sold_out": PEOPLE - STOCK}
    assert sum(trouble for _, trouble in heard) == 0, "each was answered at once"
    audit(live)
    given = {int(id_) for told, _ in heard for word, id_ in told if word == "given"}
    with live.db.read(brand=brand) as scope:
        assert scope.session.get_one(Offer, (brand.id, offer_id)).issued == STOCK
        rows = scope.session.execute(select(Coupon.id, Coupon.member_id, Coupon.state)).all()
        assert {row.id for row in rows} == given
        assert len(rows) == len({row.member_id for row in rows}) == STOCK
        assert {row.state for row in rows} == {"claimed"}
        assert scope.session.scalar(select(func.sum(OfferAllowance.used))) == STOCK
    assert live.stop() == 0
    assert " ERROR " not in live.log
