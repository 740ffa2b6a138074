"""Today and More. What Today shows comes from the rooms, which add their cards here as they add pages to More."""

from __future__ import annotations

from flask import Flask, Response
from flask_babel import lazy_gettext as _l

from webapp.kernel import edge, shell
from webapp.kernel.edge import SIGNED_IN

bp = edge.blueprint("today", __name__)
# More, by what one comes for. What is named nowhere stands with the last.
PARTS = (
    (_l("Day by day"), "tasks.index tasks.show_board tasks.signs groups.index quick.index"),
    (
        _l("Members and offers"),
        "offers.index touchpoints.index lifecycle.index tags.index imports.index",
    ),
    (
        _l("The shop and its settings"),
        "setup.index shop.edit stores.index people.index address.show plugins.index backup.index account.show",
    ),
)


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
    left = {place.endpoint: place for place in shell.MORE if shell.may(place)}
    parts = [(title, [left.pop(name) for name in names.split() if name in left]) for title, names in PARTS]
    parts[1][1].extend(place for make in shell.ALSO for place in make() if shell.may(place))
    parts[-1][1].extend(left.values())
    return edge.page("pages/today/more.html", parts=[(title, places) for title, places in parts if places])


def init_app(app: Flask) -> None:
    """Register."""
    app.register_blueprint(bp)
