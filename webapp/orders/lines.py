"""Lines of an order as one text, for staging, comparing and bulk writing.

The text is PostgreSQL's COPY format: product, category, quantity (thousandths) and amount (minor units), a tab between,
a newline between lines. So COPY takes it as it is, and its hash tells whether the lines have changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_BACK = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}

Line = tuple[str, str, int, int]  # product, category, quantity in thousandths, amount in minor units


def escape(cell: str) -> str:
    """A cell's text within the text of the lines."""
    return cell if cell.isprintable() and "\\" not in cell else cell.translate(_ESCAPES)


def unescape(cell: str) -> str:
    """What `escape` was given."""
    if "\\" not in cell:
        return cell
    parts = iter(cell)
    return "".join(_BACK[next(parts)] if mark == "\\" else mark for mark in parts)


def encode(lines: Iterable[Line]) -> str:
    """Lines as one text."""
    return "\n".join(f"{escape(p)}\t{escape(c)}\t{quantity}\t{amount}" for p, c, quantity, amount in lines)


def decode(text: str) -> list[list[str]]:
    """The cells of each line; quantity and amount still as digits."""
    rows = [line.split("\t") for line in text.split("\n")] if text else []
    if "\\" in text:
        for cells in rows:
            cells[:2] = unescape(cells[0]), unescape(cells[1])
    return rows


def digest63(text: str) -> int:
    """A hash of 63 bits, never 0, the same everywhere and always."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1 or 1
