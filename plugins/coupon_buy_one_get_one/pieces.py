"""The pieces of a basket, dearest first, and how many of each line come free. Exact integers, no loop over single pieces:
a line of a million pieces costs no more than a line of one.

A line of q pieces that cost a together is cut into pieces by largest remainder: `a % q` pieces of `a // q + 1`, the others of
`a // q`. A piece that costs nothing is none: it was given already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from webapp.plugin_api import BasketLine


@dataclass(frozen=True, slots=True)
class Run:
    """Pieces of one line that cost the same. line: its position in the basket."""

    price: int
    count: int
    line: int


def dearest_first(lines: Iterable[tuple[int, BasketLine]]) -> list[Run]:
    """All pieces of some lines, each with its position in the basket. Among those that cost the same the earlier line's
    come first."""
    runs = []
    for at, line in lines:
        price, dearer = divmod(line.amount_minor, line.quantity)
        runs += [Run(price + 1, dearer, at), Run(price, line.quantity - dearer, at)]
    return sorted((run for run in runs if run.price and run.count), key=lambda run: (-run.price, run.line))


def counted(runs: Sequence[Run]) -> int:
    """How many pieces."""
    return sum(run.count for run in runs)


def free_in_sets(runs: Sequence[Run], paid: int, free: int, sets: int, out: list[int]) -> None:
    """Sets of `paid + free` pieces one after the other, as often as they are full and at most `sets` times: the last `free`
    of each are given. Adds to `out`, by line, what those cost."""
    size = paid + free
    end = min(counted(runs) // size, sets) * size
    first = 0
    for run in runs:
        out[run.line] += run.price * (
            _given(min(first + run.count, end), paid, size) - _given(min(first, end), paid, size)
        )
        first += run.count


def cheapest(runs: Sequence[Run], number: int, out: list[int]) -> None:
    """The last `number` pieces are given. Adds to `out`, by line, what those cost."""
    for run in reversed(runs):
        taken = min(number, run.count)
        out[run.line] += run.price * taken
        number -= taken


def share(parts: Sequence[int], basis_points: int) -> tuple[int, ...]:
    """The share of what the parts cost together, rounded down once, over the parts in proportion: largest remainder, the
    earlier one where two are alike. No part is above what it was."""
    whole = sum(parts)
    saving = whole * basis_points // 10_000
    if not whole:
        return tuple(parts)
    found = [divmod(part * saving, whole) for part in parts]
    left = saving - sum(each for each, _ in found)
    by_rest = sorted(range(len(parts)), key=lambda at: (-found[at][1], at))
    luckier = set(by_rest[:left])
    return tuple(each + (at in luckier) for at, (each, _) in enumerate(found))


def _given(number: int, paid: int, size: int) -> int:
    """How many of the first `number` pieces are given."""
    sets, rest = divmod(number, size)
    return sets * (size - paid) + max(0, rest - paid)
