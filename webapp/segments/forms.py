"""The builder of rules: rows of a plain form, one a condition, that work without JavaScript.

A row's inputs are c<n>-field, -in (repeated), -min, -max, -days, -never, -key and -text (values of a column, one a line).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from webapp.kernel import money
from webapp.kernel.scope import Scope
from webapp.segments import buying  # noqa: F401  registers what members buy as fields of rules
from webapp.segments.fields import FIELDS, Field, attributes
from webapp.segments.rules import (
    MOST_CONDITIONS,
    MOST_DAYS,
    MOST_TEXT,
    MOST_VALUES,
    BadRule,
    Condition,
    Rule,
    dump,
    load,
)
from webapp.segments.words import THOUSAND

_NAME = re.compile(r"c(\d{1,3})-field")
MOST_DIGITS = 18  # before the point


@dataclass
class Row:
    """One condition as typed. at: its number in the form; errors: input -> what is wrong with it."""

    at: int
    field: Field
    values: list[str] = dataclasses.field(default_factory=list)
    least: str = ""
    most: str = ""
    days: str = ""
    never: bool = False
    key: str = ""
    text: str = ""
    choices: list[tuple[str, Any]] = dataclasses.field(default_factory=list)
    note: str = ""
    errors: dict[str, str] = dataclasses.field(default_factory=dict)

    def name(self, part: str) -> str:
        """Of an input."""
        return f"c{self.at}-{part}"


class Builder:
    """The rows of a rule that is being written."""

    def __init__(self, scope: Scope, rows: list[Row]) -> None:
        self.scope = scope
        self.currency = scope.brand.currency
        self.attributes = [(row.key, row.label) for row in attributes(scope)]
        self.rows = rows
        self.error = ""
        for at, row in enumerate(rows):
            row.at = at
            if row.field.choices is not None:
                row.choices = [(value, str(label)) for value, label in row.field.choices(scope)]
            row.note = row.field.note(scope) if row.field.note is not None else ""

    def still_writing(self) -> None:
        """What is not filled in yet is no mistake yet."""
        for row in self.rows:
            row.errors = {}

    @classmethod
    def of_rule(cls, scope: Scope, rule: Rule) -> Builder:
        """As it is stored; a field that nobody knows any more is left away."""
        return cls(scope, [_row(scope, one) for one in rule.all if one.field in FIELDS])

    @classmethod
    def of_form(cls, scope: Scope, form: MultiDict[str, str]) -> Builder:
        """As it was posted."""
        numbers = sorted(int(found[1]) for name in form if (found := _NAME.fullmatch(name)))
        rows = []
        for n in numbers[:MOST_CONDITIONS]:
            known = FIELDS.get(form.get(f"c{n}-field", ""))
            if known is None:
                continue

            def typed(part: str, n: int = n) -> str:
                return form.get(f"c{n}-{part}", "").strip()

            rows.append(
                Row(
                    n,
                    known,
                    form.getlist(f"c{n}-in"),
                    typed("min"),
                    typed("max"),
                    typed("days"),
                    bool(typed("never")),
                    typed("key"),
                    form.get(f"c{n}-text", ""),
                )
            )
        remove = form.get("remove", "")
        if remove.isdecimal() and len(remove) <= 3:
            rows = [row for row in rows if row.at != int(remove)]
        builder = cls(scope, rows)
        if form.get("do") == "add" and (wanted := FIELDS.get(form.get("add", ""))) is not None:
            builder.add(wanted)
        return builder

    def add(self, wanted: Field) -> None:
        """One more empty row."""
        if len(self.rows) < MOST_CONDITIONS:
            self.rows.append(Row(len(self.rows), wanted, days="90" if wanted.kind == "window" else ""))
            self.__init__(self.scope, self.rows)  # type: ignore[misc]  # numbers and choices anew

    @property
    def offered(self) -> list[Field]:
        """What can be added."""
        return [one for one in FIELDS.values() if one.kind != "attribute" or self.attributes]

    def rule(self) -> Rule | None:
        """The rule, or None with errors on the rows."""
        conditions = [self._condition(row) for row in self.rows]
        if any(row.errors for row in self.rows):
            return None
        try:
            return load(dump(Rule(tuple(conditions))))
        except BadRule as why:
            if why.at is not None and why.at < len(self.rows):
                self.rows[why.at].errors["min"] = _("This condition cannot be read.")
            else:
                self.error = _("At most %(most)s conditions.", most=MOST_CONDITIONS)
            return None

    def wrong(self) -> Iterator[tuple[str, str, str]]:
        """(input's id, the row's label, what is wrong) of every error."""
        for row in self.rows:
            for part, message in row.errors.items():
                yield row.name(part), str(row.field.label), message

    # ------------------------------------------------------------------------------------------------------ one row
    def _condition(self, row: Row) -> Condition:
        row.errors = {}
        if row.never and row.field.never:
            return Condition(row.field.key, never=True)
        if row.field.kind == "choice":
            return self._choice(row)
        if row.field.kind == "attribute":
            return self._attribute(row)
        least, most = self._bounds(row)
        days = self._days(row) if row.field.kind == "window" else None
        return Condition(row.field.key, least=least, most=most, days=days)

    def _choice(self, row: Row) -> Condition:
        known = {value for value, _label in row.choices}
        values = tuple(value for value in row.values if value in known)
        if not values:
            row.errors["in"] = _("Choose at least one.")
        return Condition(row.field.key, values)

    def _attribute(self, row: Row) -> Condition:
        if row.key not in dict(self.attributes):
            row.errors["key"] = _("Choose one of the list.")
        values = tuple(line.strip() for line in row.text.splitlines() if line.strip())
        if len(values) > MOST_VALUES or any(len(value) > MOST_TEXT for value in values):
            row.errors["text"] = _(
                "At most %(n)s values of %(length)s characters.", n=MOST_VALUES, length=MOST_TEXT
            )
        least, most = self._bounds(row, needed=not values)
        return Condition(row.field.key, values, least, most, key=row.key)

    def _bounds(self, row: Row, *, needed: bool = True) -> tuple[int | None, int | None]:
        least, most = self._number(row, "min", row.least), self._number(row, "max", row.most)
        if row.errors:
            return None, None
        if least is None and most is None and needed:
            row.errors["min"] = _("Fill in one of the two, or both.")
        elif least is not None and most is not None and least > most:
            row.errors["max"] = _("This must not be below the other.")
        return least, most

    def _number(self, row: Row, part: str, text: str) -> int | None:
        if not text:
            return None
        try:
            if row.field.kind == "attribute":
                value = _thousandths(text)
            elif row.field.unit == "money":
                value = money.parse(text, self.currency)
            else:
                value = int(text)
        except money.BadMoney:
            row.errors[part] = _("Give an amount such as 12.50.")
            return None
        except (ValueError, InvalidOperation, OverflowError):
            row.errors[part] = (
                _("Give a whole number.") if row.field.kind != "attribute" else _("Give a number.")
            )
            return None
        if row.field.unit == "days" and row.field.kind == "range" and not 0 <= value <= MOST_DAYS:
            row.errors[part] = _("Give 0 to %(most)s days.", most=MOST_DAYS)
        elif row.field.unit == "percent" and not 0 <= value <= 100:
            row.errors[part] = _("Give 0 to 100 percent.")
        elif abs(value) > 10**15 or (value < 0 and row.field.kind == "window" and row.field.unit == "count"):
            row.errors[part] = _("This number is out of range.")
        return value

    def _days(self, row: Row) -> int | None:
        if not row.days:
            return None
        if not row.days.isdecimal() or len(row.days) > 9 or not 1 <= int(row.days) <= MOST_DAYS:
            row.errors["days"] = _("Give 1 to %(most)s days, or nothing for all time.", most=MOST_DAYS)
            return None
        return int(row.days)


def _thousandths(text: str) -> int:
    """Raises ValueError, InvalidOperation. A long exponent is refused unread: as an integer it would take minutes."""
    typed = Decimal(text)
    if typed.is_finite() and abs(typed.adjusted()) > MOST_DIGITS:
        raise ValueError(text)
    return int(typed * THOUSAND)


def _row(scope: Scope, one: Condition) -> Row:
    known = FIELDS[one.field]

    def shown(value: int | None) -> str:
        if value is None:
            return ""
        if known.kind == "attribute":
            return f"{Decimal(value) / THOUSAND:f}"
        return money.plain(value, scope.brand.currency) if known.unit == "money" else str(value)

    return Row(
        0,
        known,
        list(one.values) if known.kind == "choice" else [],
        shown(one.least),
        shown(one.most),
        str(one.days or ""),
        one.never,
        one.key,
        "\n".join(one.values) if known.kind == "attribute" else "",
    )
