"""Forms of matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length

from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.kernel.fields import WholeField
from webapp.matrix import birthday, words

MATRIX = "m"  # begins a choice that is a matrix, not an offer


class PresentField(SelectField):
    """A coupon of one offer, or of the offer that a matrix chooses for each member; or none."""

    def fill(self, none: Any, offers: Sequence[tuple[int, str]], matrices: Sequence[tuple[int, str]]) -> None:
        """(id, name) of each."""
        self.choices = [
            SelectChoice("0", none),
            *(SelectChoice(str(id_), name) for id_, name in offers),
            *(
                SelectChoice(f"{MATRIX}{id_}", _l("By the matrix %(name)s", name=name))
                for id_, name in matrices
            ),
        ]

    @property
    def chosen(self) -> tuple[int | None, int | None]:
        """(offer, matrix): at most one of them."""
        word = str(self.data or "0")
        if word.startswith(MATRIX):
            return None, int(word.removeprefix(MATRIX))
        return int(word) or None, None


def as_choice(offer_id: int | None, matrix_id: int | None) -> str:
    """What is chosen now, as a PresentField's value."""
    return f"{MATRIX}{matrix_id}" if matrix_id is not None else str(offer_id or 0)


class NameForm(Form):
    """What a matrix is called."""

    name = StringField(
        _l("Name"),
        [InputRequired(_l("Give it a name of 1 to 120 characters.")), Length(max=120)],
        description=_l("For yourself and your colleagues; members do not see it."),
    )

    def refuse(self, refusal: Refused) -> None:
        """Beside the field."""
        self.name.errors = [words.refusal(refusal)]


class RowForm(Form):
    """What the members of a row get; whom it means is the builder's."""

    offer = SelectField(_l("They get a coupon of"), coerce=int)

    def refuse(self, refusal: Refused) -> None:
        """Beside the field."""
        self.offer.errors = [words.refusal(refusal)]


def row_form(offers: Sequence[tuple[int, str]], offer_id: int | None = None) -> RowForm:
    """With the brand's offers."""
    form = RowForm(data={"offer": offer_id} if offer_id else None)
    choose = [] if offer_id else [SelectChoice(0, _("choose"))]
    form.offer.choices = [*choose, *(SelectChoice(*one) for one in offers)]
    return form


class BirthdayForm(Form):
    """What members get for their birthday, and when."""

    present = PresentField(
        _l("They get"),
        description=_l("A coupon of one offer, or of the offer that a matrix chooses for them."),
    )
    days_before = WholeField(
        _l("Days before the birthday"),
        [InputRequired(_l("Say how many; 0 is on the day itself."))],
        minimum=0,
        maximum=birthday.MOST_DAYS,
        description=_l("So that they can still plan to come; 0 is on the day itself."),
    )

    def refuse(self, refusal: Refused) -> None:
        """Beside its field."""
        field: Any = self.days_before if refusal.code == "days" else self.present
        field.errors = [words.refusal(refusal)]


def birthday_form(
    offers: Sequence[tuple[int, str]], matrices: Sequence[tuple[int, str]], values: Mapping[str, Any]
) -> BirthdayForm:
    """With the brand's open offers and matrices."""
    form = BirthdayForm(data=dict(values))
    form.present.fill(_l("nothing"), offers, matrices)
    return form
