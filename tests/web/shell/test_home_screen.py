"""The shop on a phone's home screen: named in both languages, opened at Today, its icon whole in any mask."""

from __future__ import annotations

import json
import re

from PIL import Image

from tests.architecture import source
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client
from webapp.kernel.shell import THEME_COOKIE

CSS = (source.ROOT / "webapp" / "static" / "regulars.css").read_text()


@ONE_DATABASE
def test_the_manifest_names_what_is_there(client: Client) -> None:
    page = client.get("/").text
    address = re.search(r'rel="manifest" href="([^"]+)"', page)
    assert address
    answer = client.get(address[1])
    told = json.loads(answer.text)
    assert "manifest+json" in answer.content_type
    assert client.get(told["start_url"]).status_code == 200
    assert "Regulars" in told["name"] and "回头客" in told["name"]
    for icon in told["icons"]:
        drawn = client.get(address[1].rsplit("/", 1)[0] + "/" + icon["src"])
        assert drawn.status_code == 200 and drawn.content_type.startswith(icon["type"]), icon


def test_a_mask_cuts_off_nothing_but_ground() -> None:
    """A launcher may show no more than the middle circle, four fifths wide."""
    image = Image.open(source.ROOT / "webapp" / "static" / "icon-maskable-512.png").convert("RGB")
    ground, half = image.getpixel((0, 0)), image.width / 2
    for x in range(0, image.width, 4):
        for y in range(0, image.height, 4):
            if (x - half) ** 2 + (y - half) ** 2 > (0.8 * half) ** 2:
                assert image.getpixel((x, y)) == ground, (x, y)


@ONE_DATABASE
def test_the_phones_bars_wear_the_paper(client: Client) -> None:
    papers = re.findall(r"--paper: (#\w+);", CSS)
    light, dark = papers[0], papers[1]
    asked = {theme: _colours(client, theme) for theme in ("auto", "light", "dark")}
    assert asked == {"auto": [dark, light], "light": [light], "dark": [dark]}


def _colours(client: Client, theme: str) -> list[str]:
    client.set_cookie(THEME_COOKIE, theme)
    return re.findall(r'<meta name="theme-color" content="([^"]+)"', client.get("/").text)
