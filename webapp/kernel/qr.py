"""A QR code as a drawing for a page."""

from __future__ import annotations

from io import BytesIO

import segno
from markupsafe import Markup


def svg(text: str) -> Markup:
    """`text` as an SVG that fills its box (macro `qr`)."""
    drawn = BytesIO()
    segno.make(text, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=True, nl=False, border=2, omitsize=True
    )
    return Markup(drawn.getvalue().decode())  # drawn by segno: squares, no text
