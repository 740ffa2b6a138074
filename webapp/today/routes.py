"""Today and More. What Today shows comes from the rooms, which add their cards here as they add pages to More."""

from __future__ import annotations

from flask import Flask, Response

from webapp.kernel import edge, shell
from webapp.kernel.edge import SIGNED_IN

bp = edge.blueprint("today", __name__)


@bp.get("/", permission=SIGNED_IN)
def show() -> Response:
    """Figures and the next thing to do; each card only for those who may open what it leads to."""
    brand = edge.brand()
    if brand is None:
        return edge.redirect("staff.choose_brand")
    with edge.read() as scope:
        cards = [
            card for make in shell.CARDS if shell.allowed(make.permission) and (card := make.build(scope))
        ]
    return edge.page("pages/today/today.html", cards=cards)


@bp.get("/more", permission=SIGNED_IN)
def more() -> Response:
    """Every page that is not in the bar."""
    return edge.page("pages/today/more.html", places=[place for place in shell.MORE if shell.may(place)])


def init_app(app: Flask) -> None:
    """Register."""
    app.register_blueprint(bp)
