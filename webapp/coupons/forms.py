"""The forms of the counter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from webapp.coupons import says
from webapp.coupons.redeem import TILL_NUMBER, read
from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.kernel.fields import MoneyField


def _number(text: Any) -> int:
    """An id as a form sends it; 0 for anything else."""
    return int(text) if str(text or "").isdecimal() and len(str(text)) < 19 else 0


class CounterForm(Form):
    """What a clerk types. Sent with GET to see what a coupon saves: it changes nothing."""

    code = StringField(_l("Coupon code"), [InputRequired(_l("Type the code on the member's phone."))])
    basket = MoneyField(
        _l("What the basket costs"), [InputRequired(_l("Give what the basket costs."))], minimum=1
    )
    till = StringField(
        _l("Till number"),
        [Length(max=TILL_NUMBER)],
        description=_l("The receipt's number. With it the purchase counts as brought by the coupon."),
    )
    store = SelectField(_l("Store"), coerce=_number, validate_choice=False)

    def choose_from(self, stores: Sequence[tuple[int, str]]) -> None:
        """Offer the brand's stores; one store, or a clerk's own, is no question."""
        if len(stores) > 1:
            self.store.choices = [SelectChoice(value, label) for value, label in [(0, _("choose")), *stores]]
        else:
            del self.store

    def bought_minor(self) -> int:
        """What the basket costs; 0 where it is not asked for."""
        return (self.basket.data or 0) if self.basket else 0

    def validate_code(self, field: Any) -> None:
        """A mistyped code is told before anything is looked up."""
        if field.data and read(field.data) is None:
            raise ValidationError(says.refused(Refused("mistyped")))

    def validate_store(self, field: Any) -> None:
        """It must be one of the list."""
        if field.data not in {one.value for one in field.choices if one.value}:
            raise ValidationError(_("Choose the store you are in."))


class FindForm(Form):
    """Who stands at the counter."""

    who = StringField(
        _l("Member number, phone or coupon code"),
        [InputRequired(_l("Type what the member tells you.")), Length(max=200)],
        description=_l("The whole of it: parts find nobody here."),
    )
