"""Blocks cut up by two calls and blocks that go through the csv module: what comes out is what the csv module reads."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from random import Random
from typing import Any

import pytest

from webapp.imports import reader
from webapp.imports.problems import BadFile

HEADER = ["number", "a", "b", "c", "d"]
MARKS = "ab1 é张😀\u2028\x0b\x85;'"


def written(chance: Random, width: int) -> str:
    """A file as somebody's program writes it, or as somebody's hand breaks it."""
    ends = chance.choice((["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]))
    quotes = chance.random() < 0.5
    out = [",".join(HEADER[:width]), chance.choice(ends)]
    for _ in range(chance.randint(0, 12)):
        cells = []
        for _ in range(width if chance.random() < 0.9 else chance.randint(0, width + 2)):
            cell = "".join(chance.choices(MARKS, k=chance.randint(0, 6)))
            if quotes and chance.random() < 0.3:
                cell = f'"{cell}{chance.choice(("", ",", chr(10), chr(13), chr(34) * 2))}{cell}"'
            elif quotes and chance.random() < 0.03:
                cell += '"' + cell
            cells.append(cell)
        out += [",".join(cells), chance.choice(ends)]
    return "".join(out if chance.random() < 0.7 else out[:-1])


def as_csv_reads(text: str, width: int) -> Any:
    """(well-shaped rows, others), each with its number; None where the csv module refuses."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return None
    numbered = list(enumerate(rows[1:], 2))
    return [one for one in numbered if len(one[1]) == width], [
        one for one in numbered if one[1] and len(one[1]) != width
    ]


def as_we_read(path: Path) -> Any:
    good: list[Any] = []
    others: list[Any] = []
    try:
        with reader.open_table(path, ("number",), ("number",), {}) as table:
            for numbers, columns in table.blocks(lambda row, cells: others.append((row, cells))):
                good += [
                    (row, list(cells)) for row, cells in zip(numbers, zip(*columns, strict=True), strict=True)
                ]
    except BadFile:
        return None
    return good, others


@pytest.mark.parametrize("size", [7, 20, 64, reader.BLOCK])
def test_every_file_reads_as_the_csv_module_reads_it(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "BLOCK", size)
    path, refused = tmp_path / "file.csv", 0
    for seed in range(400):
        chance = Random(seed)
        width = chance.choice((1, 2, 3, 5))
        text = written(chance, width)
        path.write_bytes((b"\xef\xbb\xbf" if chance.random() < 0.3 else b"") + text.encode())
        expected = as_csv_reads(text, width)
        refused += expected is None
        assert as_we_read(path) == expected, (seed, text)
    assert 0 < refused < 200
