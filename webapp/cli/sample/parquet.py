"""Read the flat parquet files of the sample shop, with nothing but Python (docs/decisions/ says why).

It reads what those files hold: flat columns, required or optional; INT64, DOUBLE, BYTE_ARRAY of UTF-8 and INT96
timestamps; pages of version 1, plain or by dictionary, Snappy or bare. Anything else raises ``Unreadable`` rather than
be guessed at. Columns are decoded as they are consumed, a run at a time: a file of 1.5 million rows costs a page
(about 1 MB) a column of memory and no more.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

Convert: TypeAlias = Callable[[Any], Any]
"""From a stored value to the one wanted. Called once a *distinct* value where the column has a dictionary."""

MAGIC = b"PAR1"
BARE, SNAPPY = 0, 1  # CompressionCodec
DATA_PAGE, DICTIONARY_PAGE = 0, 2  # PageType
PLAIN, BY_DICTIONARY = 0, (2, 8)  # Encoding: PLAIN_DICTIONARY, RLE_DICTIONARY
INT64, INT96, DOUBLE, BYTE_ARRAY = 2, 3, 5, 6  # Type
REQUIRED, OPTIONAL = 0, 1  # FieldRepetitionType
JULIAN_DAY_OF_1970 = 2_440_588
VALUES_A_PIECE = 4096


class Unreadable(ValueError):
    """The file is damaged, or uses a part of the format that the sample does not."""


def rows(path: Path, columns: Mapping[str, Convert | None]) -> Iterator[tuple[Any, ...]]:
    """The rows of a file, as tuples of the named columns in the order given.

    INT64 comes as int, DOUBLE as float, text as str, a timestamp as int nanoseconds since 1970 (the file names no
    zone), an absent value as None; each, but None, through its converter. Raises ``Unreadable``.
    """
    if not path.stat().st_size:
        raise Unreadable(f"{path.name} is not a parquet file.")  # and cannot be mapped
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        footer = _footer(path, data)
        optional = _optional_columns(path, footer)
        for group in footer[4]:
            chunks = {b".".join(chunk[3][3]).decode(): chunk[3] for chunk in group[1]}
            if missing := columns.keys() - chunks.keys():
                raise Unreadable(f"{path.name} has no column {', '.join(sorted(missing))}.")
            yield from zip(
                *(
                    chain.from_iterable(_pieces(data, chunks[name], name in optional, convert))
                    for name, convert in columns.items()
                ),
                strict=True,
            )


def _footer(path: Path, data: mmap.mmap) -> Any:
    if len(data) < 12 or data[:4] != MAGIC or data[-4:] != MAGIC:
        raise Unreadable(f"{path.name} is not a parquet file.")
    size = int.from_bytes(data[-8:-4], "little")
    return _struct(data, len(data) - 8 - size)[0]


def _optional_columns(path: Path, footer: Any) -> set[str]:
    """Names of the columns that may be absent. Nested and repeated columns are refused."""
    optional = set()
    for element in footer[2][1:]:  # the first is the root
        if element.get(5) or element.get(3) not in (REQUIRED, OPTIONAL):
            raise Unreadable(f"{path.name}: column {element[4].decode()} is nested.")
        if element[3] == OPTIONAL:
            optional.add(element[4].decode())
    return optional


# --- pages ----------------------------------------------------------------------------------------------------------


def _pieces(data: mmap.mmap, chunk: Any, optional: bool, convert: Convert | None) -> Iterator[Any]:
    """The values of a column chunk, in lists of a run each."""
    kind, codec, left = chunk[1], chunk[4], chunk[5]
    at = min(chunk[9], chunk.get(11) or chunk[9])  # dictionary page, if any, comes first
    dictionary: list[Any] = []
    while left > 0:
        header, at = _struct(data, at)
        page = data[at : at + header[3]]
        at += header[3]
        if codec == SNAPPY:
            page = _unsnappy(page)
        elif codec != BARE:
            raise Unreadable(f"Compression {codec} is not read here.")
        if len(page) != header[2]:
            raise Unreadable("A page does not unpack to its stated size.")
        if header[1] == DICTIONARY_PAGE:
            dictionary = _plain(page, kind, header[7][1], convert)
        elif header[1] == DATA_PAGE:
            count, encoding = header[5][1], header[5][2]
            left -= count
            start, present = 0, None
            if optional:
                size = int.from_bytes(page[:4], "little")
                start = 4 + size
                present = _present(page[4:start], count)
            stored = count if present is None else sum(present)
            values: Iterator[list[Any]]
            if encoding in BY_DICTIONARY:
                values = _hybrid(page[start + 1 :], page[start], stored, dictionary)
            elif encoding == PLAIN:
                values = iter([_plain(page[start:], kind, stored, convert)])
            else:
                raise Unreadable(f"Encoding {encoding} is not read here.")
            if present is None:
                yield from values
            else:
                each = chain.from_iterable(values)
                yield [next(each) if there else None for there in present]
        else:
            raise Unreadable(f"Page type {header[1]} is not read here.")


def _present(levels: bytes, count: int) -> list[int] | None:
    """1 for each value that is there and 0 for each that is not; None when all are."""
    flags = list(chain.from_iterable(_hybrid(levels, 1, count, [0, 1])))
    return None if all(flags) else flags


def _plain(page: bytes, kind: int, count: int, convert: Convert | None) -> list[Any]:
    values: list[Any]
    if kind in (INT64, DOUBLE):
        values = list(struct.unpack_from(f"<{count}{'q' if kind == INT64 else 'd'}", page))
    elif kind == INT96:
        pairs = struct.iter_unpack("<QI", page[: 12 * count])
        values = [(day - JULIAN_DAY_OF_1970) * 86_400_000_000_000 + nanos for nanos, day in pairs]
    elif kind == BYTE_ARRAY:
        values, at = [], 0
        for _ in range(count):
            start = at + 4
            at = start + int.from_bytes(page[at:start], "little")
            values.append(page[start:at].decode())
    else:
        raise Unreadable(f"Type {kind} is not read here.")
    return values if convert is None else [convert(value) for value in values]


def _hybrid(data: bytes, width: int, count: int, dictionary: list[Any]) -> Iterator[list[Any]]:
    """Decode `count` values of the run-length and bit-packed hybrid, `width` bits each, through the dictionary."""
    if not width:
        yield dictionary[:1] * count
        return
    at, whole, mask = 0, (width + 7) // 8, (1 << width) - 1
    shifts = [width * i for i in range(8)]
    while count > 0:
        header, at = _varint(data, at)
        if header & 1:  # groups of eight values in `width` bytes, least significant bit first
            groups = header >> 1
            step = VALUES_A_PIECE // 8 * width
            end = at + groups * width
            while at < end and count > 0:
                stop = min(at + step, end)
                piece = [
                    dictionary[number >> shift & mask]
                    for start in range(at, stop, width)
                    for number in (int.from_bytes(data[start : start + width], "little"),)
                    for shift in shifts
                ]
                if len(piece) > count:  # the last group is filled up with zeros
                    del piece[count:]
                count -= len(piece)
                at = stop
                yield piece
            at = end
        else:
            index = int.from_bytes(data[at : at + whole], "little")
            at += whole
            run = min(header >> 1, count)
            count -= run
            for start in range(0, run, VALUES_A_PIECE):
                yield [dictionary[index]] * min(VALUES_A_PIECE, run - start)


# --- Snappy, the raw block format -----------------------------------------------------------------------------------


def _unsnappy(packed: bytes) -> bytes:
    size, at = _varint(packed, 0)
    out, end = bytearray(), len(packed)
    while at < end:
        tag = packed[at]
        at += 1
        length = tag >> 2
        if not tag & 3:  # literal
            if length > 59:
                more = length - 59
                length = int.from_bytes(packed[at : at + more], "little")
                at += more
            stop = at + length + 1
            out += packed[at:stop]
            at = stop
            continue
        if tag & 3 == 1:
            offset = (tag >> 5) << 8 | packed[at]
            length = (length & 7) + 4
            at += 1
        else:
            more = 2 if tag & 3 == 2 else 4
            offset = int.from_bytes(packed[at : at + more], "little")
            length += 1
            at += more
        start = len(out) - offset
        if start < 0 or not offset:
            raise Unreadable("A compressed page is damaged.")
        if offset >= length:
            out += out[start : start + length]
        else:  # the copy overlaps what it writes: the last `offset` bytes, repeated
            out += (out[start:] * (length // offset + 1))[:length]
    if len(out) != size:
        raise Unreadable("A compressed page is damaged.")
    return bytes(out)


# --- Thrift's compact protocol, in which parquet writes its headers --------------------------------------------------


def _varint(data: Any, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _zigzag(data: Any, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return value >> 1 ^ -(value & 1), at


def _struct(data: Any, at: int) -> tuple[dict[int, Any], int]:
    """A Thrift struct as {field id: value}; structs nest, lists are lists, strings bytes."""
    fields: dict[int, Any] = {}
    field = 0
    while kind := data[at]:
        at += 1
        if kind >> 4:
            field += kind >> 4
        else:
            field, at = _zigzag(data, at)
        kind &= 15
        if kind in (1, 2):  # a boolean is its own type
            fields[field] = kind == 1
        else:
            fields[field], at = _value(data, at, kind)
    return fields, at + 1


def _value(data: Any, at: int, kind: int) -> tuple[Any, int]:
    if kind in (1, 2, 3):  # one byte: a boolean in a list, or an i8
        return data[at], at + 1
    if kind in (4, 5, 6):
        return _zigzag(data, at)
    if kind == 7:
        return struct.unpack_from("<d", data, at)[0], at + 8
    if kind == 8:
        size, at = _varint(data, at)
        return data[at : at + size], at + size
    if kind in (9, 10):
        size, inner = data[at] >> 4, data[at] & 15
        at += 1
        if size == 15:
            size, at = _varint(data, at)
        values = []
        for _ in range(size):
            value, at = _value(data, at, inner)
            values.append(value)
        return values, at
    if kind == 12:
        return _struct(data, at)
    raise Unreadable(f"Thrift type {kind} is not read here.")
