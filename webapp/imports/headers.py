"""A file's first row: which of its columns are ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from webapp.imports.problems import N_, BadFile, shown

COLUMN_LIMIT = 500
REASONS = (
    "What is wrong",
    "哪里不对",
)  # in front of the bad rows that can be downloaded, mended and uploaded again


def resolve(
    name: str,
    header: list[str],
    ours: Sequence[str],
    required: Sequence[str],
    mapping: Mapping[str, str],
    prefix: str | None,
) -> tuple[list[str], dict[str, int], list[tuple[int, str]]]:
    """(names of the columns, our name -> place, (place, name) of the others). Raises BadFile."""
    names = [cell.strip() for cell in header]
    if len(names) > COLUMN_LIMIT:
        raise BadFile(
            N_("%(file)s has %(count)s columns; at most %(most)s are read. Remove some."),
            file=name,
            count=len(names),
            most=COLUMN_LIMIT,
        )
    places: dict[str, int] = {}
    for place, cell in enumerate(names):
        if cell and places.setdefault(cell.casefold(), place) != place:
            raise BadFile(
                N_(
                    "%(file)s row 1: two columns are called %(name)s (%(one)s and %(other)s). Rename or remove one."
                ),
                file=name,
                name=shown(cell),
                one=places[cell.casefold()] + 1,
                other=place + 1,
            )
    columns: dict[str, int] = {}
    for our in (*ours, *(m for m in mapping if prefix and m.startswith(prefix))):
        theirs = mapping.get(our, our)
        columns[our] = places.get(theirs.casefold(), -1)
        if mapping.get(our) and columns[our] < 0:
            raise BadFile(
                N_("--map %(ours)s=%(theirs)s: %(file)s has no column %(name)s. It has %(columns)s."),
                ours=our,
                theirs=theirs,
                file=name,
                name=shown(theirs),
                columns=told(names),
            )
    taken = {place for place in columns.values() if place >= 0}
    for cell, place in places.items():
        if prefix and cell.startswith(prefix) and place not in taken and cell not in columns:
            columns[cell] = place
            taken.add(place)
    if missing := [our for our in required if columns[our] < 0]:
        raise BadFile(
            N_(
                "%(file)s row 1: there is no column %(missing)s. It has %(columns)s. Rename the column, or say what it is "
                "called: --map %(one)s=NAME."
            ),
            file=name,
            missing=" and no column ".join(missing),
            columns=told(names),
            one=missing[0],
        )
    return names, columns, [(place, cell) for place, cell in enumerate(names) if place not in taken]


def told(names: Sequence[str]) -> str:
    """Names of columns as they are quoted in a message."""
    some = ", ".join(shown(name) for name in names[:20])
    return some + (f" + {len(names) - 20}" if len(names) > 20 else "")
