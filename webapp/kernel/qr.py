"""A QR code as a drawing for a page."""

from __future__ import annotations

from io import BytesIO

import segno
from markupsafe import Markup


def svg(text: str, *, error: str = "m", border: int = 2) -> Markup:
    """`text` as an SVG that fills its box (macro `qr`). What is printed and hung up wants error="q", border=4."""
    drawn = BytesIO()
    segno.make(text, error=error).save(
        drawn, kind="svg", xmldecl=False, svgns=True, nl=False, border=border, omitsize=True
    )
    return Markup(drawn.getvalue().decode())  # drawn by segno: squares, no text
