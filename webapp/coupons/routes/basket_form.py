"""The form of a basket: several coupons, and what the member buys, as a total or by lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FieldList, FormField, StringField, ValidationError
from wtforms import Form as PlainForm
from wtforms.validators import Length

from webapp.coupons import says
from webapp.coupons.forms import CounterForm
from webapp.coupons.redeem import read
from webapp.kernel.errors import Refused
from webapp.kernel.fields import MoneyField, WholeField
from webapp.plugin_api import Basket, BasketLine

MOST_CODES = 5
MOST_LINES = 30
MOST_PIECES = 9999
MOST_MINOR = 10**12
MORE = "more"  # the buttons that give another code or line


def _genuine(form: Any, field: Any) -> None:
    """A mistyped code is told before anything is looked up."""
    if field.data and field.data.strip() and read(field.data) is None:
        raise ValidationError(says.refused(Refused("mistyped")))


class LineForm(PlainForm):  # type: ignore[misc]  # wtforms has no types
    """One line of a receipt. A blank one is none."""

    product = StringField(_l("Product"), [Length(max=120)])
    category = StringField(_l("Category"), [Length(max=120)])
    pieces = WholeField(_l("Pieces"), minimum=1, maximum=MOST_PIECES)
    amount = MoneyField(_l("Costs together"), minimum=0, maximum=MOST_MINOR)

    @property
    def blank(self) -> bool:
        """Nothing is typed in it."""
        return not any((field.raw_data or [""])[0].strip() for field in self)

    def validate_amount(self, field: Any) -> None:
        """Needed where anything else is typed."""
        if field.data is None and not field.errors and not self.blank:
            raise ValidationError(_("Give what they cost together."))


class BasketForm(CounterForm):
    """Up to five codes, a total or up to thirty lines; the till number and the store as for one coupon."""

    here: Sequence[tuple[int, str]] = ()  # the stores that the clerk may be in
    code = None
    basket = None  # type: ignore[assignment]  # so a form of WTForms leaves a field of its parent out
    codes = FieldList(
        StringField(_l("Coupon code"), [_genuine, Length(max=300)]),
        _l("Coupons"),
        min_entries=2,
        max_entries=MOST_CODES,
    )
    total = MoneyField(_l("What the basket costs"), minimum=0, maximum=MOST_MINOR)
    lines = FieldList(FormField(LineForm), _l("By lines"), max_entries=MOST_LINES)

    def more_wanted(self) -> bool:
        """A button that gives one more code or line was pressed; nothing is looked up then."""
        wanted = request.form.get(MORE, "")
        if wanted not in ("codes", "lines"):
            return False
        rows = self[wanted]
        if len(rows) < rows.max_entries:
            rows.append_entry()
        return True

    def typed_codes(self) -> list[str]:
        """As stored, each once, in the order typed."""
        found = (read(entry.data or "") for entry in self.codes)
        return list(dict.fromkeys(code for code in found if code))

    def bought(self) -> Basket:
        """The basket; lines count where there are any."""
        lines = tuple(
            BasketLine(
                row.amount.data or 0,
                row.pieces.data or 1,
                (row.product.data or "").strip(),
                (row.category.data or "").strip(),
            )
            for row in (entry.form for entry in self.lines)
            if not row.blank
        )
        return Basket(sum(line.amount_minor for line in lines) if lines else self.total.data or 0, lines)

    def validate(self, extra_validators: Any = None) -> bool:
        """And: at least one code, each once; a total or lines, and no two answers to what it costs."""
        good = super().validate(extra_validators)
        if not self.codes.errors:
            if not self.typed_codes():
                self.codes[0].errors = [_("Type the code on the member's phone.")]
                good = False
            elif (twice := self._twice()) is not None:
                twice.errors = [_("This code is typed above already.")]
                good = False
        if not self.total.errors and not self.lines.errors:
            good = self._costs() and good
        return bool(good)

    def _twice(self) -> Any:
        seen: set[str] = set()
        for entry in self.codes:
            code = read(entry.data or "")
            if code in seen:
                return entry
            if code:
                seen.add(code)
        return None

    def _costs(self) -> bool:
        bought = self.bought()
        if bought.lines and self.total.data is not None and self.total.data != bought.total_minor:
            self.total.errors = [
                _(
                    "The lines sum to %(amount)s. Mend one of the two, or leave this blank.",
                    amount=says.show_money(bought.total_minor),
                )
            ]
        elif not bought.lines and self.total.data is None:
            self.total.errors = [_("Give what the basket costs, or its lines below.")]
        return not self.total.errors

    def mistakes(self) -> list[tuple[str, str, str]]:
        """(id, label, sentence) of every field that is wrong, in the page's order."""
        cells = [(entry, str(entry.label.text)) for entry in self.codes]
        cells += [(self.total, str(self.total.label.text))]
        cells += [
            (cell, f"{cell.label.text} {at}") for at, entry in enumerate(self.lines, 1) for cell in entry.form
        ]
        cells += [(field, str(field.label.text)) for field in (self.till, self.store) if field]
        return [(cell.id, label, str(cell.errors[0])) for cell, label in cells if cell.errors]

    def typed(self) -> list[tuple[str, str]]:
        """Every field as it was sent, to send it again beside the button that uses the coupons."""
        names = {field.name for field in self}
        return [(key, value) for key, value in request.form.items(multi=True) if key.split("-")[0] in names]
