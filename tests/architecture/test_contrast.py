"""The palette of webapp/static/regulars.css: AA in both themes, for every pair that the style puts together."""

from __future__ import annotations

import re

import pytest

from tests.architecture import source

CSS = (source.ROOT / "webapp" / "static" / "regulars.css").read_text()
TEXT, SHAPE = 4.5, 3.0  # WCAG 2.2: 1.4.3 for text of any size, 1.4.11 for what is needed to see a control

# (what stands, on what, how much it needs)
PAIRS = [
    *[(ink, ground, TEXT) for ink in ("ink", "faded", "seal", "jade") for ground in ("paper", "sheet", "shade")],
    *[("ink", wash, TEXT) for wash in ("seal-wash", "jade-wash")],
    ("seal", "seal-wash", TEXT),
    ("jade", "jade-wash", TEXT),
    ("on-seal", "seal-fill", TEXT),
    ("on-seal", "seal-deep", TEXT),
    ("paper", "ink", TEXT),  # the skip link
    *[("edge", ground, SHAPE) for ground in ("paper", "sheet")],  # fields, buttons
    *[("seal-fill", ground, SHAPE) for ground in ("paper", "sheet")],  # the button that acts, a ticked box
    *[("jade", ground, SHAPE) for ground in ("line",)],  # the bar of progress on its track
    *[("seal", ground, SHAPE) for ground in ("paper", "sheet", "shade", "seal-wash")],  # the ring of the focus
]  # fmt: skip


def palette(selector: str) -> dict[str, str]:
    """The colours that a block names, without comments."""
    block = re.search(re.escape(selector) + r"\s*\{(.*?)\}", CSS, flags=re.S)
    assert block is not None, selector
    found = dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{3,6});", block[1]))
    assert found
    return found


LIGHT = palette(":root")
DARK = LIGHT | palette(':root[data-theme="dark"]')


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_pairs_are_readable(theme: str, front: str, ground: str, least: float) -> None:
    colours = LIGHT if theme == "light" else DARK
    ratio = contrast(colours[front], colours[ground])
    assert ratio >= least, f"{front} on {ground} by {theme}: {ratio:.2f}"


def test_the_night_is_one_palette() -> None:
    """CSS cannot share a block between a choice and a device's wish: they are kept equal here."""
    assert palette(':root[data-theme="dark"]') == palette(':root[data-theme="auto"]')


def test_colours_are_named_once() -> None:
    """Outside the palette, the page for paper and drawings in URLs, a colour is a name."""
    rest = re.sub(r"url\([^)]*\)|@media print \{.*", "", CSS.split("what Pico is filled with")[1], flags=re.S)
    # White under a QR code and a letter, in the seal, in a tick; and the letter's own ink, which no theme changes.
    left = set(re.findall(r"#[0-9a-fA-F]{3,8}\b", rest)) - {"#fff", "#1d1a16"}
    assert not left
