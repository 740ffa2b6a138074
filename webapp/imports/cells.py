"""Reading single cells: from text as people and tills write it to exact values. Each reader raises Bad."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from zoneinfo import ZoneInfo

from webapp.imports.problems import N_, Bad
from webapp.kernel import money as money_text
from webapp.members.identities import normalise_email, normalise_phone
from webapp.members.service import read_birthday

T = TypeVar("T")
Reader = Callable[[str], T]

CACHED = 100_000  # distinct values a column remembers (about 20 MB): what repeats is read once
YEARS = range(1900, 2200)
_LONGEST_NUMBER = 25  # characters; beyond, decimal arithmetic would round
_IN_AN_HOUR = frozenset(f"{minute:02d}:{second:02d}" for minute in range(60) for second in range(60))
_REWRITTEN = re.compile(r"\d(?:\.\d+)?E\+\d+", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})"
    r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)


class Cached(dict[str, T]):
    """A reader that remembers: a look-up in a dict for what it has seen. Bounded, so that memory stays flat."""

    def __init__(self, read: Reader[T]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> T:
        value = self._read(text)
        if len(self) >= CACHED:
            self.clear()
        self[text] = value
        return value


def label(limit: int, *, blank: bool = True) -> Reader[str]:
    """Text on one line, spaces around it removed."""

    def read(text: str) -> str:
        cleaned = text.strip()
        if not cleaned.isprintable():
            cleaned = " ".join(cleaned.split())
        if len(cleaned) > limit:
            raise Bad(
                N_("has %(count)s characters"),
                N_("Shorten it to %(limit)s."),
                count=len(cleaned),
                limit=limit,
            )
        if not cleaned and not blank:
            raise Bad(N_("is blank"), N_("Fill it in, or remove the row."))
        return cleaned

    return read


def key(limit: int) -> Reader[str]:
    """A number or code: kept exactly, leading zeros and all; never blank, nothing that cannot be seen."""

    def read(text: str) -> str:
        cleaned = text.strip()
        if not cleaned:
            raise Bad(N_("is blank"), N_("Fill it in, or remove the row."))
        if len(cleaned) > limit:
            raise Bad(
                N_("has %(count)s characters"),
                N_("Shorten it to %(limit)s."),
                count=len(cleaned),
                limit=limit,
            )
        if "E+" in cleaned and _REWRITTEN.fullmatch(cleaned):
            raise Bad(
                N_("has lost its digits: a spreadsheet has rewritten it"),
                N_("Format the column as text in the spreadsheet, and export it again."),
            )
        if not cleaned.isprintable():
            raise Bad(N_("holds a character that cannot be seen"), N_("Type it anew."))
        return cleaned

    return read


def maybe(read: Reader[T]) -> Reader[T | None]:
    """None where the cell is blank."""

    def either(text: str) -> T | None:
        return read(text) if text and not text.isspace() else None

    return either


def money(currency: str) -> Reader[int]:
    """Exact minor units; nothing is rounded or guessed."""
    digits = money_text.exponent(currency)
    example = "1234" if digits == 0 else f"1234.{'5' * digits}"

    def read(text: str) -> int:
        whole, _, part = text.partition(".")
        if len(part) == digits and len(text) < 16 and text.isascii() and (whole + part).isdigit() and whole:
            return int(whole + part)  # as tills write it
        try:
            if len(text) > _LONGEST_NUMBER:
                raise money_text.BadMoney("too_large", text)
            return money_text.parse(text, currency)
        except money_text.BadMoney as why:
            if why.code == "too_fine":
                raise Bad(
                    N_("has more than %(digits)s decimals"),
                    N_("Round it in the file: %(currency)s has %(digits)s."),
                    digits=digits,
                    currency=currency,
                ) from why
            if why.code == "too_large":
                raise Bad(N_("is too large to be an amount"), N_("Check it.")) from why
            raise Bad(
                N_("is no amount"),
                N_("Write digits with a decimal point and nothing else, such as %(example)s."),
                example=example,
            ) from why

    return read


def quantity(text: str) -> int:
    """Thousandths; blank is one piece."""
    cleaned = text.strip()
    if not cleaned:
        return 1000
    remedy = N_("Write digits with a decimal point, such as 2 or 0.455.")
    if len(cleaned) > _LONGEST_NUMBER or not all(mark in "0123456789.-+" for mark in cleaned):
        raise Bad(N_("is no quantity"), remedy)
    try:
        scaled = Decimal(cleaned).scaleb(3)
    except InvalidOperation as why:
        raise Bad(N_("is no quantity"), remedy) from why
    if abs(scaled) > 10**15:
        raise Bad(N_("is too large to be a quantity"), N_("Check it."))
    if scaled != int(scaled):
        raise Bad(N_("has more than 3 decimals"), N_("Round it in the file to thousandths."))
    return int(scaled)


def moment(zone: str) -> Reader[tuple[str, str]]:
    """A moment in UTC as the databases keep it ("2026-02-28 09:05:00.000000"), and its day in the brand's zone (ISO).

    Without an offset it is local: of a time that the clocks show twice the first is meant; one that they skip is read
    with the offset before the change, so it falls as much later.
    """
    local = ZoneInfo(zone)

    def read(text: str) -> tuple[str, str]:
        if text[14:19] in _IN_AN_HOUR and text[4:5] == text[7:8] == "-" and text[13] == ":":
            hour = hours[text[:14] + text[19:]]  # what tills write, many times as fast
            if hour is not None:
                return f"{hour[0]}{text[14:19]}.000000", hour[1]
        return exactly(text)

    def whole_hour(text: str) -> tuple[str, str] | None:
        """Of "2026-02-28 09:+08:00": "2026-02-28 01:" and the day, if they are those of every second of the hour."""
        (first, day), (last, other_day) = (
            exactly(f"{text[:14]}{at}{text[14:]}") for at in ("00:00", "59:59")
        )
        same = day == other_day and (first[14:], last[14:]) == ("00:00.000000", "59:59.000000")
        return (first[:14], day) if same and first[:14] == last[:14] else None

    hours = Cached(whole_hour)

    def exactly(text: str) -> tuple[str, str]:
        cleaned = text.strip()
        try:
            if len(cleaned) >= 19 and cleaned[4] == cleaned[7] == "-" and cleaned[13] == ":":
                at = datetime.fromisoformat(cleaned)
                if at.tzinfo is None:
                    at = at.replace(tzinfo=local)
            else:
                at = _by_parts(cleaned, local)
            at = at.astimezone(UTC)
            if at.year not in YEARS:
                raise Bad(N_("lies outside the years 1900 to 2199"), N_("Check the date."))
            plain = at.isoformat(" ")
            return (
                f"{plain[:19]}.000000" if len(plain) == 25 else plain[:26],
                at.astimezone(local).isoformat()[:10],
            )
        except (ValueError, OverflowError) as why:
            if isinstance(why, Bad):
                raise
            raise Bad(
                N_("is no date and time"),
                N_(
                    "Write it as 2026-02-28 17:05:00, with an offset such as +08:00 if it is not the brand's time."
                ),
            ) from why

    return read


def _by_parts(text: str, local: ZoneInfo) -> datetime:
    """The many other ways of writing a date with or without a time. Raises ValueError."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, _, month, day, hour, minute, second, fraction, offset = match.groups()
    if offset is not None and hour is None:
        raise ValueError(text)
    return datetime(
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int((fraction or "0")[:6].ljust(6, "0")),
        tzinfo=_offset(offset) if offset else local,
    )


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def joining_day(zone: str, today: date) -> Reader[date]:
    """The local day of a date or moment, not after today."""
    read_moment = moment(zone)

    def read(text: str) -> date:
        day = date.fromisoformat(read_moment(text)[1])
        if day > today:
            raise Bad(N_("is in the future"), N_("Leave it blank for today, or correct it."))
        return day

    return read


def birthday(today: date) -> Reader[date]:
    """A day that exists, between 1900 and today."""

    def read(text: str) -> date:
        day = read_birthday(text, today)
        if day is None:
            raise Bad(
                N_("is no day between 1900 and today"), N_("Write it as 1990-02-28, or leave it blank.")
            )
        return day

    return read


def phone(region: str) -> Reader[str]:
    """E.164."""

    def read(text: str) -> str:
        value = normalise_phone(text, region)
        if value is None:
            raise Bad(
                N_("is no phone number here (%(region)s)"),
                N_(
                    "A spreadsheet has rewritten it: format the column as text. "
                    "Write all its digits, or +, country code and number, or leave it blank."
                )
                if "E+" in text.upper()
                else N_("Write all its digits, or +, country code and number, or leave it blank."),
                region=region,
            )
        return value

    return read


def email(text: str) -> str:
    """An address, its domain in small letters."""
    value = normalise_email(text)
    if value is None:
        raise Bad(N_("is no e-mail address"), N_("Write one such as ada@shop.example, or leave it blank."))
    return value


_GENDERS = {
    **dict.fromkeys(("female", "f", "woman", "女", "女性"), "female"),
    **dict.fromkeys(("male", "m", "man", "男", "男性"), "male"),
    **dict.fromkeys(("other", "o", "x", "其他"), "other"),
    **dict.fromkeys(("unknown", "u", "未知", "保密"), ""),
}


def gender(text: str) -> str | None:
    """female, male or other; None where the file says that it is unknown."""
    try:
        return _GENDERS[text.strip().casefold()] or None
    except KeyError as why:
        raise Bad(N_("is none of female, male, other"), N_("Write one of these, or leave it blank.")) from why


_ANSWERS = {
    **dict.fromkeys(("yes", "y", "true", "1", "是", "同意"), True),
    **dict.fromkeys(("no", "n", "false", "0", "否", "不同意"), False),
}


def answer(text: str) -> bool:
    """Yes or no."""
    try:
        return _ANSWERS[text.strip().casefold()]
    except KeyError as why:
        raise Bad(N_("is neither yes nor no"), N_("Write yes or no; blank means no.")) from why


def attribute(text: str) -> str:
    """A value of a column of the shop's own, as it is written."""
    cleaned = text.strip()
    if len(cleaned) > 300:
        raise Bad(
            N_("has %(count)s characters"), N_("Shorten it to %(limit)s."), count=len(cleaned), limit=300
        )
    return cleaned


def number_of(text: str) -> int | None:
    """Thousandths when the text is a plain number (no leading zeros, which are codes), else None."""
    if not re.fullmatch(r"-?(?:0|[1-9]\d{0,11})(?:\.\d{1,3})?", text, re.ASCII):
        return None
    return int(Decimal(text).scaleb(3))


def day_of(text: str) -> date | None:
    """The day when the text is an ISO date, else None."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
