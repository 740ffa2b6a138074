"""The reader, against files that pyarrow 26 wrote: parquet 1.0, pages of version 1, INT96, a tiny dictionary limit."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from webapp.cli.sample import parquet

FILES = Path(__file__).parent / "parquet_files"
ROWS = 1200
# What the shapes files hold: required and optional, all absent, one value, a dictionary that spills into plain pages.
SHAPES: dict[str, list[Any]] = {
    "key": [i * i % 977 for i in range(ROWS)],
    "spills": [i // 7 * 1_000_003 - 10**12 for i in range(ROWS)],
    "holes": [None if i % 3 == 0 else i / 4 for i in range(ROWS)],
    "same": ["一样"] * ROWS,
    "text": [None if i % 5 == 0 else f"word {i % 40}" for i in range(ROWS)],
    "moment": [(1_483_228_800 + i // 9 * 61) * 10**9 + i // 9 for i in range(ROWS)],
    "nothing": [None] * ROWS,
}


@pytest.mark.parametrize("codec", ["snappy", "none"])
def test_reads_what_another_library_wrote(codec: str) -> None:
    got = list(parquet.rows(FILES / f"shapes-{codec}.parq", dict.fromkeys(SHAPES)))
    assert got == list(zip(*SHAPES.values(), strict=True))


def test_gives_the_columns_asked_for_in_that_order_through_their_converters() -> None:
    got = parquet.rows(FILES / "shapes-snappy.parq", {"text": str.upper, "key": lambda key: -key})
    assert list(islice(got, 3)) == [(None, 0), ("WORD 1", -1), ("WORD 2", -4)]


def test_converts_each_distinct_value_once_where_there_is_a_dictionary() -> None:
    asked: list[str] = []
    list(parquet.rows(FILES / "shapes-snappy.parq", {"text": lambda text: asked.append(text) or text}))
    assert len(asked) <= 2 * 40 < ROWS  # a dictionary in each of the two row groups


@pytest.mark.parametrize(
    ("name", "says"),
    [("shapes-zstd.parq", "Compression 6"), ("nested.parq", "nested")],
)
def test_refuses_what_it_does_not_read(name: str, says: str) -> None:
    with pytest.raises(parquet.Unreadable, match=says):
        list(parquet.rows(FILES / name, {"key": None}))


def test_refuses_an_unknown_column_by_name() -> None:
    with pytest.raises(parquet.Unreadable, match="colour"):
        list(parquet.rows(FILES / "shapes-none.parq", {"key": None, "colour": None}))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"number,name\n1,Ada\n", b"PAR1" + b"x" * 20])
def test_refuses_what_is_no_parquet(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.parquet"
    path.write_bytes(content)
    with pytest.raises(parquet.Unreadable, match=r"some\.parquet is not"):
        list(parquet.rows(path, {"key": None}))


def test_refuses_a_damaged_page(tmp_path: Path) -> None:
    path = tmp_path / "damaged.parquet"
    shutil.copy(FILES / "shapes-snappy.parq", path)
    whole = bytearray(path.read_bytes())
    whole[60:90] = bytes(reversed(whole[60:90]))  # inside the first compressed page
    path.write_bytes(whole)
    with pytest.raises(parquet.Unreadable, match="damaged"):
        list(parquet.rows(path, {"key": None}))
