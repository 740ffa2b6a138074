"""Pictures that people upload: what they are is read from their bytes, never from their name, and bounded."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

MOST_BYTES = 1024 * 1024
MOST_SIDE = 4096
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a browser can show. mimetype: image/png, image/jpeg or image/gif; width, height: pixels."""

    mimetype: str
    width: int
    height: int
    data: bytes


class BadPicture(ValueError):
    """Why it is not taken. code: empty, too_big (bytes), not_a_picture, too_large (pixels)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read(data: bytes, *, most: int = MOST_BYTES, side: int = MOST_SIDE) -> Picture:
    """The picture in `data`, whole from its first byte to its last: nothing stands behind it. Raises BadPicture."""
    if not data:
        raise BadPicture("empty")
    if len(data) > most:
        raise BadPicture("too_big")
    try:
        if data.startswith(_PNG):
            mimetype, (width, height) = "image/png", _png(data)
        elif data.startswith(b"\xff\xd8\xff"):
            mimetype, (width, height) = "image/jpeg", _jpeg(data)
        elif data[:6] in (b"GIF87a", b"GIF89a") and data.endswith(b"\x3b"):
            mimetype, (width, height) = "image/gif", struct.unpack("<HH", data[6:10])
        else:
            raise BadPicture("not_a_picture")
    except (struct.error, IndexError) as why:
        raise BadPicture("not_a_picture") from why
    if width < 1 or height < 1:
        raise BadPicture("not_a_picture")
    if width > side or height > side:
        raise BadPicture("too_large")
    return Picture(mimetype, width, height, data)


def _png(data: bytes) -> tuple[int, int]:
    """Walks the chunks with their sums: IHDR first, IEND last, and nothing after it."""
    at, size, first = len(_PNG), (0, 0), True
    while True:
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        (total,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        if zlib.crc32(kind + body) != total or first != (kind == b"IHDR"):
            raise BadPicture("not_a_picture")
        if first:
            width, height = struct.unpack(">II", body[:8])
            size, first = (width, height), False
        at += 12 + length
        if kind == b"IEND":
            if at != len(data):
                raise BadPicture("not_a_picture")
            return size


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walks the segments to the frame that tells the size; the last two bytes end the picture."""
    if not data.endswith(b"\xff\xd9"):
        raise BadPicture("not_a_picture")
    at = 2
    while data[at] == 0xFF:
        kind = data[at + 1]
        if kind == 0xFF:  # a fill byte
            at += 1
            continue
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        if kind == 0xDA or length < 2:
            break
        at += 2 + length
    raise BadPicture("not_a_picture")
