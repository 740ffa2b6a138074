"""What settings are made of, without a shop: the picture that is drawn, the address that is read, what is guessed."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from webapp.brands import guesses, logo
from webapp.brands.models import BrandLogo
from webapp.kernel.errors import Refused
from webapp.settings import address


def drawn(size: tuple[int, int], kind: str, mode: str = "RGB") -> bytes:
    out = BytesIO()
    Image.effect_noise(size, 90).convert(mode).save(out, kind)
    return out.getvalue()


def test_a_picture_is_drawn_small_and_nothing_else_of_the_file_is_kept() -> None:
    hidden = drawn((900, 600), "JPEG") + b"<script>alert(1)</script>"
    for data, kind in ((hidden, "image/jpeg"), (drawn((500, 500), "PNG", "RGBA"), "image/png")):
        made = logo.draw(data)
        assert isinstance(made, BrandLogo) and made.kind == kind
        assert len(made.body) <= logo.WEIGHT and b"script" not in made.body
        assert Image.open(BytesIO(made.body)).size == (made.width, made.height) <= (logo.SIDE, logo.SIDE)
    bomb = BytesIO()
    Image.new("1", (9000, 9000)).save(bomb, "PNG")
    for data, code in (
        (b"", "logo_empty"),
        (b"x" * (logo.MOST_BYTES + 1), "logo_heavy"),
        (bomb.getvalue(), "logo_large"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "logo_unread"),
        (drawn((50, 50), "PNG")[:-60], "logo_unread"),
        (drawn((50, 50), "BMP"), "logo_unread"),
    ):
        answer = logo.draw(data)
        assert isinstance(answer, Refused) and answer.code == code


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("shop.example", "https://shop.example"),
        (" HTTP://Shop.Example:80/ ", "http://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("http://192.168.1.20:8040", "http://192.168.1.20:8040"),
        ("https://shop.example/tea", "address_path"),
        ("ftp://shop.example", "address_bad"),
        ("https://user:word@shop.example", "address_bad"),
        ("https://", "address_bad"),
        ("https://sh op.example", "address_bad"),
        ("http://[::1", "address_bad"),
        ("https://shop.example:99999", "address_bad"),
    ],
)
def test_an_address_is_read_as_it_is_meant(typed: str, kept: str) -> None:
    answer = address.clean(typed)
    assert (answer.code if isinstance(answer, Refused) else answer) == kept


def test_what_a_country_has_is_guessed_and_what_cannot_be_is_asked() -> None:
    assert guesses.zone_of("CN") == "Asia/Shanghai"
    assert guesses.zone_of("DE") == "Europe/Berlin"  # two names of one clock
    assert guesses.zone_of("US") == "" and guesses.zone_of("US", "America/Denver") == "America/Denver"
    assert guesses.zone_of("US", "Europe/Berlin") == ""
    assert guesses.region_of(["en", "de-AT"], "") == "AT"
    assert guesses.region_of(["de-AT"], "Asia/Tokyo") == "JP"  # the machine's clock knows better
    assert guesses.region_of(["en"], "") == ""
    assert [guesses.code_of(name) for name in ("Ming's Tea & Co.", "回头客")] == ["ming-s-tea-co", "shop"]
