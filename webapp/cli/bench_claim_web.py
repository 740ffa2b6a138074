"""What gunicorn serves for `regulars bench claim-http`: the shop's app, and one bare route more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask


def make() -> Flask:
    """The app as it is served, with everything that it does before and after each request; and
    POST /bench/offers/ID/claims {"member": ID}, which runs the statements by hand and nothing else; and
    POST /bench/door/offers/ID/claims, the same behind the API's door: its key, its limit and its Idempotency-Key are looked at."""
    from flask import request

    from webapp.api import door
    from webapp.app import create_app
    from webapp.brands import queries as brands
    from webapp.cli.bench_claim import Hand
    from webapp.kernel import edge

    app = create_app()
    db = app.extensions["regulars.db"]
    with db.read() as scope:
        [brand] = brands.all_refs(scope.session)
    hand = Hand(db)
    asks = replace(door.OPERATIONS["claim"][0], body=None)  # the body is read by hand
    room = edge.blueprint("bench", __name__, url_prefix="/bench")

    @room.post("/offers/<int:offer_id>/claims", permission=edge.PUBLIC, csrf_exempt=True)
    def bare(offer_id: int) -> tuple[dict[str, Any], int]:
        given = hand.give(brand, offer_id, request.get_json()["member"], request.headers["Idempotency-Key"])
        return ({"given": True}, 201) if given else ({"error": "sold_out"}, 409)

    @room.post("/door/offers/<int:offer_id>/claims", permission=edge.PUBLIC, csrf_exempt=True)
    def behind_the_door(offer_id: int) -> tuple[dict[str, Any], int]:
        once = door.admit(asks).once
        given = hand.give(brand, offer_id, request.get_json()["member"], once)
        return ({"given": True}, 201) if given else ({"error": "sold_out"}, 409)

    app.register_blueprint(room)
    db.close()
    return app
