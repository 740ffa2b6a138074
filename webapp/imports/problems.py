"""What is wrong with a file: which row and column, the value, why, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from tempfile import TemporaryFile
from typing import IO, Any
from weakref import finalize

from babel import Locale

from webapp.kernel.errors import UserError

KEPT = 1000  # problems that are held in memory; the rest wait on disk
SHOWN = 60  # characters of a value


def N_(message: str) -> str:
    """Marks a message for the catalogue. It is said in English at the shell, and translated where a page shows it."""
    return message


class BadFile(UserError):
    """The file as a whole cannot be read; the text says where and what to do. msgid, facts: the same, to be translated."""

    def __init__(self, msgid: str, **facts: Any) -> None:
        super().__init__(msgid % facts)
        self.msgid, self.facts = msgid, facts


class Bad(ValueError):
    """A cell cannot stand. reason completes "... is/has"; remedy is a sentence; both msgids, filled with facts."""

    def __init__(self, reason: str, remedy: str, **facts: Any) -> None:
        super().__init__(reason % facts)
        self.reason, self.remedy, self.facts = reason, remedy, facts


def english(msgid: str) -> str:
    """The translation into English: the msgid itself."""
    return msgid


@dataclass(frozen=True, slots=True)
class Problem:
    """One bad cell (column "": the row as a whole). row: counted as a spreadsheet does, the header is row 1.

    reason and remedy are msgids, to be filled with facts."""

    file: str
    row: int
    column: str
    value: str
    reason: str
    remedy: str
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        where = f"{self.file} row {self.row}" + (f", column {self.column}" if self.column else "")
        what, remedy = self.told()
        return f"{where}: {what}. {remedy}"

    def told(self, translate: Callable[[str], str] = english, language: str = "en") -> tuple[str, str]:
        """What is wrong, with the value, and how to mend it; `translate` gives a msgid in the reader's language."""
        facts = self._facts(language)
        reason = translate(self.reason) % facts
        remedy = translate(self.remedy) % facts if self.remedy else ""
        return (f"{shown(self.value)} {reason}" if self.column else reason), remedy

    def _facts(self, language: str) -> dict[str, Any]:
        """As places of a sentence: a country by its name."""
        region = self.facts.get("region")
        if region is None:
            return self.facts
        return {**self.facts, "region": Locale.parse(language).territories.get(region, region)}

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        facts = self._facts("en")
        return {
            "file": self.file,
            "row": self.row,
            "column": self.column,
            "value": self.value[:200],
            "reason": self.reason % facts,
            "remedy": self.remedy % facts,
        }


class Problems:
    """All that is wrong with an import, in memory that stays flat however much it is.

    refused: rows that cannot be taken, however many problems each has; misshaped: those of them that have too few or too
    many cells, by file; kept: the first problems.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.misshaped: dict[str, int] = {}
        self.kept: list[Problem] = []
        self._rest: IO[str] | None = None

    def add(self, problem: Problem) -> None:
        """Tell of a problem; the caller counts the row."""
        if len(self.kept) < KEPT:
            self.kept.append(problem)
            return
        if self._rest is None:
            self._rest = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  (closed with self)
            finalize(self, self._rest.close)
        self._rest.write(json.dumps({**asdict(problem), "value": problem.value[:200]}) + "\n")

    def __iter__(self) -> Iterator[Problem]:
        """Every one, as they were found."""
        yield from self.kept
        if self._rest is not None:
            self._rest.seek(0)
            for line in self._rest:
                yield Problem(**json.loads(line))

    def misshapen(self, file: str, width: int) -> Callable[[int, list[str]], None]:
        """What is to be called for a row of `file` that has not `width` cells."""

        def told(row: int, cells: list[str]) -> None:
            many = len(cells) > width
            self.refused += 1
            self.misshaped[file] = self.misshaped.get(file, 0) + 1
            reason = (
                N_("it has %(count)s cells, more than the %(width)s of the header")
                if many
                else N_("it has %(count)s cells, fewer than the %(width)s of the header")
            )
            remedy = (
                N_('Put a cell that holds a comma into quotation marks: "a, b".')
                if many
                else N_("Complete the row.")
            )
            self.add(Problem(file, row, "", "", reason, remedy, {"count": len(cells), "width": width}))

        return told

    def good_rows(
        self,
        file: str,
        readers: Mapping[str, Callable[[str], Any]],
        rows: Sequence[int],
        columns: Sequence[Sequence[str]],
    ) -> list[int]:
        """Which rows of a block (its columns in the order of `readers`) read well; the others are told of, cell by cell."""
        bad: set[int] = set()
        for at, row in enumerate(rows):
            for (name, read), column in zip(readers.items(), columns, strict=True):
                try:
                    read(column[at])
                except Bad as why:
                    bad.add(at)
                    self.add(Problem(file, row, name, column[at], why.reason, why.remedy, why.facts))
        self.refused += len(bad)
        return [at for at in range(len(rows)) if at not in bad]


def shown(value: str) -> str:
    """A value as it is quoted in a message: short, on one line."""
    if not value:
        return "(blank)"
    plain = "".join(
        mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in value[: SHOWN + 1]
    )
    return f'"{plain[:SHOWN]}…"' if len(plain) > SHOWN else f'"{plain}"'
