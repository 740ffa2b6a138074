"""Money: integers of a currency's minor unit. Rounding is half up, once a basket."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from babel.numbers import format_currency, get_currency_precision, get_currency_symbol

_LIMIT = 10**15  # minor units; far above any basket, far below 64 bits


class BadMoney(ValueError):
    """The text is no exact amount of the currency. `code` is one of not_a_number, too_fine, too_large."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text!r}")
        self.code = code


def exponent(currency: str) -> int:
    """Digits after the point: 2 for CNY, 0 for JPY."""
    return get_currency_precision(currency)


def parse(text: str, currency: str) -> int:
    """Exact minor units from decimal text ("12.5" -> 1250 in CNY). Raises BadMoney; never rounds."""
    cleaned = text.strip()
    if not cleaned or not all(c in "0123456789.-+" for c in cleaned):
        raise BadMoney("not_a_number", text)  # 1e3, 1,000 and NaN are refused rather than guessed
    try:
        amount = Decimal(cleaned)
    except InvalidOperation as why:
        raise BadMoney("not_a_number", text) from why
    scaled = amount.scaleb(exponent(currency))
    if abs(scaled) > _LIMIT:
        raise BadMoney("too_large", text)
    whole = int(scaled)
    if whole != scaled:
        raise BadMoney("too_fine", text)
    return whole


def plain(minor: int, currency: str) -> str:
    """Decimal text for forms and files: 1250 -> "12.50"."""
    digits = exponent(currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"


def show(minor: int, currency: str, locale: str = "en") -> str:
    """The amount as a person of that locale reads it: "¥12.50"."""
    return format_currency(Decimal(minor).scaleb(-exponent(currency)), currency, locale=locale)


def symbol(currency: str, locale: str = "en") -> str:
    """The currency's sign in a locale."""
    return get_currency_symbol(currency, locale=locale)


def half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator rounded half up (away from zero at .5), denominator > 0."""
    if denominator <= 0:
        raise ValueError("denominator must be positive")
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Parts of `total` in proportion to non-negative `weights`, by largest remainder; they sum to `total` exactly.

    Without any positive weight everything falls on the first part; no weights give no parts.
    """
    if not weights:
        return []
    whole = sum(weights)
    if min(weights) < 0:
        raise ValueError("weights must not be negative")
    if whole == 0:
        return [total] + [0] * (len(weights) - 1)
    size = abs(total)
    parts = [size * w // whole for w in weights]
    rest = size - sum(parts)
    remainders = [size * w % whole for w in weights]
    # reversed, a sort still leaves equals in their order
    for i in sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)[:rest]:
        parts[i] += 1
    return parts if total >= 0 else [-part for part in parts]
