"""Numbers of a workbook as the person who sees them means them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

Format = tuple[str, int]
"""How a number is shown: ("", 0), ("date", 0), or ("zeros", n): as n digits."""

FROM_1900 = datetime(1899, 12, 30, tzinfo=UTC)  # the zone says nothing: a workbook has none
FROM_1904 = datetime(1904, 1, 1, tzinfo=UTC)
_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}


def number(text: str, shown_as: Format = ("", 0), epoch: datetime = FROM_1900) -> str:
    """A number of a workbook as it is meant: all its digits, a day where it is shown as one, leading zeros where they are.

    A workbook keeps 15 digits: a longer number has lost its end, and is written so that no number of ours is read in it.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    kind, digits = shown_as
    if not value.is_finite():
        return text
    if kind == "date" and (told := _moment(value, epoch)):
        return told
    whole = value == value.to_integral_value() if abs(value) < 10**15 else True
    if abs(value) >= 10**15:
        return f"{value:.14E}"
    if kind == "zeros" and whole and value >= 0:
        return str(int(value)).zfill(digits)
    if whole:
        return str(int(value))
    short = Decimal(f"{float(value):.15g}")  # as a spreadsheet shows it: 19.989999999999998 is 19.99
    return format(short.normalize(), "f")


def _moment(serial: Decimal, epoch: datetime) -> str:
    """A day, or a day and time; "" when it is none."""
    if not 0 <= serial < 2_958_466:
        return ""
    if epoch is FROM_1900 and serial < 60:
        epoch += timedelta(days=1)  # the 29th of February 1900, which spreadsheets believe in, comes after
    seconds = int((serial * 86400).to_integral_value())
    at = epoch + timedelta(seconds=seconds)
    if serial < 1:
        return at.strftime("%H:%M:%S")
    return at.strftime("%Y-%m-%d %H:%M:%S" if seconds % 86400 else "%Y-%m-%d")


def read_format(id_: int, codes: dict[int, str]) -> Format:
    """What a style does to a number. codes: id -> code of those that the workbook brings along."""
    code = codes.get(id_)
    if code is None:
        return ("date", 0) if id_ in _DATES else ("", 0)
    plain = re.sub(r'"[^"]*"|\\.|[_*].|\[(?![hms]+\])[^\]]*\]', "", code).split(";")[0].lower()
    if re.fullmatch(r"0{2,30}", plain):
        return ("zeros", len(plain))
    if "general" in plain or "#" in plain or "0.0" in plain:
        return ("", 0)
    return ("date", 0) if re.search(r"[ymdhs]", plain) else ("", 0)
