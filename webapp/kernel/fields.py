"""Form fields that read what people type on a phone: amounts, whole numbers, percentages; what was typed is kept when it
is wrong."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from flask import g
from flask_babel import gettext as _
from wtforms import SelectMultipleField, StringField
from wtforms.widgets import CheckboxInput, ListWidget

from webapp.kernel import money


def _typed(text: str) -> str:
    """As meant: full-width digits and signs of a Chinese keyboard are digits and signs."""
    return unicodedata.normalize("NFKC", text).replace("。", ".").strip()


class MoneyField(StringField):  # type: ignore[misc]  # wtforms has no types
    """An exact amount of the brand's currency; `data` is in minor units, None while blank or wrong."""

    data: int | None

    def __init__(
        self, *args: Any, minimum: int | None = None, maximum: int | None = None, **kwargs: Any
    ) -> None:
        """minimum, maximum: minor units, inclusive."""
        super().__init__(*args, **kwargs)
        self.minimum, self.maximum = minimum, maximum

    def process_formdata(self, valuelist: list[str]) -> None:
        """Exact, or an error: a rounded price is a wrong price."""
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        currency = g.brand.currency
        try:
            self.data = money.parse(_typed(valuelist[0]), currency)
        except money.BadMoney as why:
            if why.code == "too_fine":
                raise ValueError(
                    _("The smallest amount of this currency is %(unit)s.", unit=money.plain(1, currency))
                ) from why
            if why.code == "too_large":
                raise ValueError(_("This is more than can be paid.")) from why
            raise ValueError(
                _("Write the amount in digits, such as %(amount)s.", amount=money.plain(12850, currency))
            ) from why
        if self.minimum is not None and self.data < self.minimum:
            raise ValueError(_("At least %(amount)s.", amount=money.plain(self.minimum, currency)))
        if self.maximum is not None and self.data > self.maximum:
            raise ValueError(_("At most %(amount)s.", amount=money.plain(self.maximum, currency)))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else money.plain(self.data, g.brand.currency)


class WholeField(StringField):  # type: ignore[misc]  # wtforms has no types
    """A whole number; `data` is an int, None while blank or wrong."""

    data: int | None

    def __init__(
        self, *args: Any, minimum: int | None = None, maximum: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.minimum, self.maximum = minimum, maximum

    def process_formdata(self, valuelist: list[str]) -> None:
        """Digits and nothing else."""
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        text = _typed(valuelist[0])
        if not text.lstrip("-").isascii() or not text.lstrip("-").isdecimal() or len(text) > 12:
            raise ValueError(_("Write a whole number, such as 30."))
        self.data = int(text)
        if self.minimum is not None and self.data < self.minimum:
            raise ValueError(_("At least %(number)s.", number=self.minimum))
        if self.maximum is not None and self.data > self.maximum:
            raise ValueError(_("At most %(number)s.", number=self.maximum))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(self.data)


class PercentField(StringField):  # type: ignore[misc]  # wtforms has no types
    """A percentage with at most two decimals; `data` is in basis points (1250 is 12.5 %), None while blank or wrong."""

    data: int | None

    def __init__(
        self, *args: Any, minimum: int | None = None, maximum: int | None = None, **kwargs: Any
    ) -> None:
        """minimum, maximum: basis points, inclusive."""
        super().__init__(*args, **kwargs)
        self.minimum, self.maximum = minimum, maximum

    def process_formdata(self, valuelist: list[str]) -> None:
        """Exact, or an error. A sign of per cent behind it is read over."""
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        typed = re.fullmatch(r"(-?)([0-9]{1,9})(?:\.([0-9]{0,9}))?\s*%?", _typed(valuelist[0]))
        if typed is None:
            raise ValueError(_("Write the percentage in digits, such as 12.5."))
        sign, whole, decimals = typed[1], typed[2], (typed[3] or "").rstrip("0")
        if len(decimals) > 2:
            raise ValueError(_("A percentage has at most two decimals, such as 12.25."))
        self.data = int(whole + decimals.ljust(2, "0")) * (-1 if sign else 1)
        if self.minimum is not None and self.data < self.minimum:
            raise ValueError(_("At least %(number)s.", number=_percentage(self.minimum)))
        if self.maximum is not None and self.data > self.maximum:
            raise ValueError(_("At most %(number)s.", number=_percentage(self.maximum)))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else _percentage(self.data)


def _percentage(basis_points: int) -> str:
    """Without needless decimals: 1250 -> "12.5"."""
    whole, rest = divmod(abs(basis_points), 100)
    text = f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
    return f"-{text}" if basis_points < 0 else text


class MultiCheckboxField(SelectMultipleField):  # type: ignore[misc]  # wtforms has no types
    """A box for each choice."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()
