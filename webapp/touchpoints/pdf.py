"""A sheet as PDF, drawn by a process of its own: `python -m webapp.touchpoints.pdf` (JSON in, PDF out).

What draws (reportlab, fontTools and a font of 20 MB) would otherwise stay in the memory of every web process that ever printed.
Letters are drawn as outlines of a font of this machine that has all of them, so that a copy shop needs no Chinese font; where
the machine has none, the file names STSong-Light, which readers bring along.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from webapp.kernel.errors import UserError
from webapp.touchpoints.sheet import GREY, Sheet, runs

SECONDS = 60
# Where systems without fontconfig keep a font with Chinese letters.
KNOWN = (
    "/System/Library/Fonts/STHeiti Medium.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "C:/Windows/Fonts/msyh.ttc",
    "C:/Windows/Fonts/simhei.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
)


def N_(message: str) -> str:
    """Marks a message for the catalogue; the edge that shows it translates it."""
    return message


def render(sheet: Sheet) -> bytes:
    """The PDF. Raises UserError when it cannot be made."""
    root = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "webapp.touchpoints.pdf"],
            input=json.dumps(sheet.plain()).encode(),
            capture_output=True,
            timeout=SECONDS,
            check=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
    except (subprocess.SubprocessError, OSError) as why:
        raise UserError(
            N_("The PDF could not be made here. Print the picture from the browser instead.")
        ) from why
    return done.stdout


@lru_cache(maxsize=1)
def chinese_font() -> tuple[str, int] | None:
    """File and number in it of a font of this machine with Chinese letters."""
    if (ask := shutil.which("fc-match")) is not None:
        said = subprocess.run(
            [ask, "-f", "%{file}|%{index}|%{lang}", "sans:lang=zh-cn"],
            capture_output=True,
            timeout=10,
            check=False,
        ).stdout.decode(errors="replace")
        file, index, langs = [*said.split("|"), "", ""][:3]
        if "zh-cn" in langs.split("|")[0].split(",") or "zh-cn" in langs:
            return file, int(index or 0) & 0xFFFF
    return next(((file, 0) for file in KNOWN if Path(file).is_file()), None)


class _Letters:
    """Draws lines of text on a canvas: as outlines where the font has every letter, else by a font's name."""

    def __init__(self) -> None:
        self.font: Any = None
        found = chinese_font()
        if found is not None:
            from fontTools.ttLib import TTFont

            try:
                self.font = TTFont(found[0], fontNumber=found[1], lazy=True)
                self.glyphs, self.of = self.font.getGlyphSet(), self.font.getBestCmap()
                self.em = self.font["head"].unitsPerEm
            except Exception:  # a font that cannot be read is as good as none
                self.font = None

    def draw(self, canvas: Any, shape: dict[str, Any]) -> None:
        """The line in the middle of x, at most `room` wide. Coordinates are mm, the y axis points down."""
        text, size = shape["text"], shape["size"]
        if self.font is None:
            self._by_name(canvas, shape)
            return
        names = [self.of[ord(letter)] for letter in text if ord(letter) in self.of]
        wide = sum(self.glyphs[name].width for name in names) * size / self.em
        if wide > shape["room"]:
            size, wide = size * shape["room"] / wide, shape["room"]
        scale, at = size / self.em, shape["x"] - wide / 2
        path = canvas.beginPath()
        pen = _pen(path, self.glyphs)
        for name in names:
            pen.place(at, shape["y"], scale)
            self.glyphs[name].draw(pen)
            at += self.glyphs[name].width * scale
        canvas.drawPath(path, stroke=0, fill=1, fillMode=1)  # outlines overlap: non-zero winding

    def _by_name(self, canvas: Any, shape: dict[str, Any]) -> None:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.cidfonts import UnicodeCIDFont

        name = "Helvetica"
        if any(ord(letter) > 0xFF for letter in shape["text"]):
            name = "STSong-Light"
            pdfmetrics.registerFont(UnicodeCIDFont(name))
        wide = pdfmetrics.stringWidth(shape["text"], name, shape["size"])
        size = shape["size"] if wide <= shape["room"] else shape["size"] * shape["room"] / wide
        canvas.saveState()
        canvas.translate(shape["x"], shape["y"])
        canvas.scale(1, -1)  # letters stand upright on a page whose y axis points down
        canvas.setFont(name, size)
        canvas.drawCentredString(0, 0, shape["text"])
        canvas.restoreState()


def _pen(path: Any, glyphs: Any) -> Any:
    """A pen that writes a glyph's outline to a path, placed and scaled."""
    from fontTools.pens.basePen import BasePen

    class Pen(BasePen):  # type: ignore[misc]
        def place(self, x: float, y: float, scale: float) -> None:
            self.x, self.y, self.scale = x, y, scale

        def _p(self, point: tuple[float, float]) -> tuple[float, float]:
            return self.x + point[0] * self.scale, self.y - point[1] * self.scale

        def _moveTo(self, point: Any) -> None:
            path.moveTo(*self._p(point))

        def _lineTo(self, point: Any) -> None:
            path.lineTo(*self._p(point))

        def _curveToOne(self, a: Any, b: Any, c: Any) -> None:
            path.curveTo(*self._p(a), *self._p(b), *self._p(c))

        def _closePath(self) -> None:
            path.close()

    return Pen(glyphs)


def draw(sheet: dict[str, Any]) -> bytes:
    """The PDF of a sheet as JSON, in this process."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.units import mm
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    out = BytesIO()
    canvas = Canvas(out, pagesize=(sheet["width"] * mm, sheet["height"] * mm), pageCompression=1, invariant=1)
    canvas.setTitle("Regulars")
    canvas.translate(0, sheet["height"] * mm)
    canvas.scale(mm, -mm)  # millimetres, downwards
    letters = _Letters()
    for shape in sheet["shapes"]:
        canvas.saveState()
        canvas.translate(0, shape["top"])
        if turned := shape["turned"]:
            canvas.translate(*turned)
            canvas.rotate(180)
            canvas.translate(-turned[0], -turned[1])
        kind = shape["kind"]
        canvas.setFillColor(HexColor(shape.get("colour", "#000000")))
        if kind == "rect":
            canvas.rect(shape["x"], shape["y"], shape["w"], shape["h"], stroke=0, fill=1)
        elif kind == "text":
            letters.draw(canvas, shape)
        elif kind == "qr":
            step = shape["size"] / len(shape["rows"])
            path = canvas.beginPath()
            for x, y, n in runs(shape["rows"]):
                path.rect(shape["x"] + x * step, shape["y"] + y * step, n * step, step)
            canvas.drawPath(path, stroke=0, fill=1)
        elif kind == "image":
            canvas.translate(shape["x"], shape["y"] + shape["h"])
            canvas.scale(1, -1)
            picture = ImageReader(BytesIO(base64.b64decode(shape["data"])))
            canvas.drawImage(picture, 0, 0, shape["w"], shape["h"], mask="auto")
        elif kind == "fold":
            canvas.setStrokeColor(HexColor(GREY))
            canvas.setLineWidth(0.2)
            canvas.setDash(2, 2)
            canvas.line(0, shape["y"], sheet["width"], shape["y"])
        canvas.restoreState()
    if letters.font is not None:
        letters.font.close()
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def main() -> None:
    """A sheet from standard input, its PDF to standard output."""
    sys.stdout.buffer.write(draw(json.loads(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
