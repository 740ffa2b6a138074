"""Uploaded pictures: known by their bytes, whole, bounded."""

from __future__ import annotations

import pytest

from tests.support.pictures import jpeg, png
from webapp.kernel.pictures import BadPicture, read


def code(data: bytes, **bounds: int) -> str:
    with pytest.raises(BadPicture) as caught:
        read(data, **bounds)
    return caught.value.code


def test_what_it_is_is_read_from_its_bytes() -> None:
    found = read(png(20, 30))
    assert (found.mimetype, found.width, found.height) == ("image/png", 20, 30)
    found = read(jpeg(7, 9))
    assert (found.mimetype, found.width, found.height) == ("image/jpeg", 7, 9)
    assert read(b"GIF89a\x02\x00\x03\x00rest\x3b").mimetype == "image/gif"


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html><script>alert(1)</script>",
        png() + b"<script>alert(1)</script>",
        png()[:-5],
        png().replace(b"IDAT", b"iDAT"),
        png(0, 5),
        jpeg()[:-2],
        b"\xff\xd8\xff" + b"\x00" * 50 + b"\xff\xd9",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        b"%PDF-1.7",
    ],
)
def test_what_is_no_whole_picture_is_refused(data: bytes) -> None:
    assert code(data) == "not_a_picture"


def test_bounds() -> None:
    assert code(b"") == "empty"
    assert code(png(), most=20) == "too_big"
    assert code(png(5000, 2)) == "too_large"
    assert code(png(2, 60_000)) == "too_large"


@pytest.mark.parametrize("made", [png(9, 9), jpeg()])
def test_every_cut_of_a_picture_is_refused(made: bytes) -> None:
    for end in range(len(made)):
        with pytest.raises(BadPicture):
            read(made[:end])
