"""A sheet to hang up: what stands where, in millimetres from the upper left corner. Pure; svg and pdf draw it.

Shapes are plain dicts, so that they cross to another process as JSON: rect, qr, text, image, fold. `turned` shapes stand upside
down about the point (x, y) of their panel, for a table tent that is folded.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from html import escape
from typing import Any

import segno

from webapp.kernel.filters import ink_on

SIZES = {"a4": (210.0, 297.0), "a5": (148.0, 210.0), "tent": (210.0, 297.0)}
INK, GREY, RED = "#1c1a17", "#5d574f", "#b3261c"


@dataclass(frozen=True, slots=True)
class Words:
    """What the sheet says. address: the whole address in the code. logo: (kind, width, height, bytes) or None."""

    brand: str
    colour: str
    title: str
    call: str
    place: str
    address: str
    logo: tuple[str, int, int, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page of paper and what is on it."""

    width: float
    height: float
    shapes: list[dict[str, Any]] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {"width": self.width, "height": self.height, "shapes": self.shapes}


def lay(words: Words, size: str) -> Sheet:
    """The sheet in a size of SIZES; a tent is two panels, the upper one upside down."""
    width, height = SIZES[size]
    sheet = Sheet(width, height)
    if size == "tent":
        half = height / 2
        for at, turned in ((0.0, True), (half, False)):
            for shape in _panel(words, width, half):
                sheet.shapes.append(shape | {"top": at, "turned": [width / 2, half / 2] if turned else None})
        sheet.shapes.append({"kind": "fold", "y": half, "top": 0.0, "turned": None})
    else:
        sheet.shapes.extend(shape | {"top": 0.0, "turned": None} for shape in _panel(words, width, height))
    return sheet


def _panel(words: Words, width: float, height: float) -> list[dict[str, Any]]:
    """Brand on its colour, the title, the code, what to do, where it hangs."""
    colour = words.colour or RED
    unit = min(width, height) / 100
    band = height * 0.17
    shapes: list[dict[str, Any]] = [{"kind": "rect", "x": 0, "y": 0, "w": width, "h": band, "colour": colour}]
    left = 6 * unit
    if words.logo is not None:
        kind, w, h, body = words.logo
        tall = band * 0.64
        wide = min(tall * w / h, width * 0.35)
        tall = wide * h / w
        data = base64.b64encode(body).decode()
        shapes.append({"kind": "rect", "x": left - 2, "y": (band - tall) / 2 - 2, "w": wide + 4, "h": tall + 4, "colour": "#ffffff"})  # fmt: skip
        shapes.append({"kind": "image", "type": kind, "data": data, "x": left, "y": (band - tall) / 2, "w": wide, "h": tall})  # fmt: skip
        left += wide + 5 * unit
    name = 7.5 * unit
    room = width - left - 6 * unit
    middle = left + room / 2 if words.logo else width / 2
    shapes.append(_text(words.brand, middle, band / 2 + name * 0.36, name, room, ink_on(colour)))
    code = min(width * 0.6, height * 0.44)
    title = 7 * unit
    block = title * 1.75 + code + 12 * unit  # title, code and what stands under it
    top = band + max(0.0, (height - band - 7 * unit - block) / 2) + title * 1.75
    shapes.append(_text(words.title, width / 2, top - title * 0.75, title, width * 0.86, INK))
    matrix = [[bool(module) for module in row] for row in segno.make(words.address, error="q").matrix]
    shapes.append({"kind": "qr", "x": (width - code) / 2, "y": top, "size": code, "rows": matrix})
    shapes.append(_text(words.call, width / 2, top + code + 7 * unit, 4.6 * unit, width * 0.86, INK))
    shapes.append(_text(words.address, width / 2, top + code + 11.5 * unit, 2.6 * unit, width * 0.86, GREY))
    if words.place:
        shapes.append(_text(words.place, width / 2, height - 3.5 * unit, 2.4 * unit, width * 0.86, GREY))
    return shapes


def _text(text: str, x: float, y: float, size: float, room: float, colour: str) -> dict[str, Any]:
    """A line in the middle of x, its feet at y, made smaller where it would not fit into `room`."""
    wide = sum(1.0 if ord(letter) > 0x2E7F else 0.56 for letter in text) * size
    return {
        "kind": "text",
        "text": text,
        "x": x,
        "y": y,
        "size": size if wide <= room else size * room / wide,
        "room": room,
        "colour": colour,
    }


def runs(rows: list[list[bool]]) -> list[tuple[int, int, int]]:
    """(column, row, length) of the dark runs of a code, so that neighbours have no seam between them."""
    found = []
    for y, row in enumerate(rows):
        start = None
        for x, dark in enumerate([*row, False]):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                found.append((start, y, x - start))
                start = None
    return found


def svg(sheet: Sheet) -> str:
    """The sheet as a picture that a browser prints in its real size, with the reader's own fonts."""
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{sheet.width:g}mm" height="{sheet.height:g}mm" '
        f'viewBox="0 0 {sheet.width:g} {sheet.height:g}">',
        f'<rect width="{sheet.width:g}" height="{sheet.height:g}" fill="#ffffff"/>',
    ]
    for shape in sheet.shapes:
        turned = shape["turned"]
        where = f"translate(0 {shape['top']:g})"
        if turned:
            where += f" rotate(180 {turned[0]:g} {turned[1]:g})"
        out.append(f'<g transform="{where}">{_svg_of(shape, sheet.width)}</g>')
    return "".join(out) + "</svg>"


def _svg_of(shape: dict[str, Any], width: float) -> str:
    kind = shape["kind"]
    if kind == "rect":
        return (
            f'<rect x="{shape["x"]:.2f}" y="{shape["y"]:.2f}" width="{shape["w"]:.2f}" '
            f'height="{shape["h"]:.2f}" fill="{escape(shape["colour"])}"/>'
        )
    if kind == "image":
        return (
            f'<image x="{shape["x"]:.2f}" y="{shape["y"]:.2f}" width="{shape["w"]:.2f}" height="{shape["h"]:.2f}" '
            f'href="data:{escape(shape["type"])};base64,{shape["data"]}"/>'
        )
    if kind == "qr":
        step = shape["size"] / len(shape["rows"])
        path = "".join(f"M{x} {y}h{n}v1h-{n}z" for x, y, n in runs(shape["rows"]))
        return (
            f'<path transform="translate({shape["x"]:.3f} {shape["y"]:.3f}) scale({step:.5f})" '
            f'd="{path}" fill="#000000" shape-rendering="crispEdges"/>'
        )
    if kind == "fold":
        return f'<path d="M0 {shape["y"]:g}H{width:g}" stroke="{GREY}" stroke-width="0.2" stroke-dasharray="2 2"/>'
    return (
        f'<text x="{shape["x"]:.2f}" y="{shape["y"]:.2f}" font-size="{shape["size"]:.2f}" text-anchor="middle" '
        f"font-family=\"system-ui, 'PingFang SC', 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif\" "
        f'fill="{escape(shape["colour"])}">{escape(shape["text"])}</text>'
    )
