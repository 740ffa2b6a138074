"""What is printed: the code alone as SVG, and a sheet as SVG and as PDF."""

from __future__ import annotations

import re

from flask import Response, abort, current_app, request
from flask_babel import gettext as _

from webapp.brands import queries as brands
from webapp.coupons import queries as coupons
from webapp.kernel import edge, links
from webapp.kernel import qr as qr_code
from webapp.kernel.limits import limit
from webapp.touchpoints import pdf, queries, sheet
from webapp.touchpoints.models import Touchpoint

bp = edge.blueprint("touchpoint_sheets", __name__)
TITLE = 40  # letters that can be read from where one stands


@bp.get("/touchpoints/<int:touchpoint_id>/sheet", permission="touchpoints.view")
def show(touchpoint_id: int) -> Response:
    """The sheet as it will be, its title and size to choose."""
    row, laid, title, size = _sheet(touchpoint_id)
    return edge.page(
        "pages/touchpoints/sheet.html",
        row=row,
        title=title,
        size=size,
        sizes={"a4": _("A4"), "a5": _("A5"), "tent": _("Table tent (A4, folded)")},
        ratio=laid.width / laid.height,
        unchecked=links.unchecked(),
        most=TITLE,
    )


@bp.get("/touchpoints/<int:touchpoint_id>/sheet.svg", permission="touchpoints.view")
def as_svg(touchpoint_id: int) -> Response:
    """The same as a picture; a browser prints it in its real size."""
    row, laid, _title, size = _sheet(touchpoint_id)
    return _file(sheet.svg(laid).encode(), "image/svg+xml", f"{_name(row)}-{size}.svg", inline=True)


@bp.get("/touchpoints/<int:touchpoint_id>/sheet.pdf", permission="touchpoints.view")
def as_pdf(touchpoint_id: int) -> Response:
    """The same for a copy shop."""
    row, laid, _title, size = _sheet(touchpoint_id)
    if not limit("touchpoints.pdf", str(edge.actor().id), 20, 60):
        abort(429)
    return _file(pdf.render(laid), "application/pdf", f"{_name(row)}-{size}.pdf")


@bp.get("/touchpoints/<int:touchpoint_id>/qr.svg", permission="touchpoints.view")
def qr(touchpoint_id: int) -> Response:
    """The code alone, for a sheet of one's own."""
    with edge.read() as scope:
        row = queries.get(scope, touchpoint_id)
    picture = qr_code.svg(links.absolute(None, queries.path(row.code)), error="q", border=4)
    return _file(picture.encode(), "image/svg+xml", f"{_name(row)}.svg")


def _sheet(touchpoint_id: int) -> tuple[Touchpoint, sheet.Sheet, str, str]:
    size = request.args.get("size", "a4")
    if size not in sheet.SIZES:
        abort(404)
    with edge.read() as scope:
        row = queries.get(scope, touchpoint_id)
        brand = scope.brand
        logo = brands.logo(scope) if brand.logo else None
        offer = coupons.offer(scope, row.offer_id) if row.offer_id else None
        store = next((one.name for one in brands.stores(scope) if one.id == row.store_id), "")
    usual = offer.name if offer is not None and offer.state == "open" else _("Become a regular")
    title = " ".join(request.args.get("title", "").split())[:TITLE] or usual[:TITLE]
    words = sheet.Words(
        brand.name,
        brand.colour,
        title,
        _("Scan with your phone's camera and join"),
        " · ".join(part for part in (store, row.place) if part),
        links.absolute(None, queries.path(row.code)),
        (logo.kind, logo.width, logo.height, logo.body) if logo is not None else None,
    )
    return row, sheet.lay(words, size), title, size


def _name(row: Touchpoint) -> str:
    """A file's name that every system takes."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", row.name).strip("-").lower()
    return plain[:40] or f"code-{row.id}"


def _file(body: bytes, kind: str, name: str, *, inline: bool = False) -> Response:
    response = current_app.make_response((body, {"Content-Type": kind}))
    response.headers["Cache-Control"] = "private, no-store"
    if not inline:
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
