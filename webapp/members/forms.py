"""Adding and correcting a member on the phone."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from wtforms import BooleanField, DateField, EmailField, SelectChoice, SelectField, StringField, TelField
from wtforms.validators import Length, Optional

from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused

REFUSALS = {
    "number_bad": _l("Use 1 to 60 letters, digits or signs for the number."),
    "number_taken": _l("Another member has this number."),
    "name_long": _l("A name has at most 120 characters."),
    "phone_bad": _l("This is no phone number. Type it with its area code, as one would call it."),
    "phone_taken": _l("Another member holds this phone. Search for it: perhaps they are here already."),
    "email_bad": _l("This is no e-mail address."),
    "birthday_bad": _l("There is no such day, or it is not in the past."),
    "gender_bad": _l("Choose one of the list."),
    "store_unknown": _l("Choose one of the list."),
    "joined_bad": _l("Nobody joins in the future."),
}
FIELD_OF = {"joined_on": "number", "store_id": "store"}


class MemberForm(Form):
    """What is written about a member. Whoever may not see a phone in full types a new one or leaves it."""

    name = StringField(lazy_pgettext("of a person", "Name"), [Length(max=120)])
    phone = TelField(_l("Phone"), [Length(max=40)])
    email = EmailField(_l("E-mail"), [Length(max=200)])
    number = StringField(_l("Member number"), [Length(max=60)], description=_l("Left blank, one is made."))
    birthday = DateField(_l("Birthday"), [Optional()])
    gender = SelectField(
        _l("Gender"),
        validate_choice=False,  # the service does, and says so in words
        choices=[
            SelectChoice("", _l("not said")),
            SelectChoice("female", _l("female")),
            SelectChoice("male", _l("male")),
            SelectChoice("other", _l("other")),
        ],
    )
    store = SelectField(_l("Store"), coerce=int)

    def refuse(self, refusal: Refused) -> None:
        """Put a service's refusal beside its field."""
        name = str(refusal.facts.get("field", "number"))
        field: Any = self._fields.get(FIELD_OF.get(name, name), self.number)
        words = REFUSALS.get(refusal.code)
        field.errors = [str(words) if words else _("This does not fit.")]


def member_form(stores: list[tuple[int, str]], channels: list[tuple[str, str]], **values: Any) -> MemberForm:
    """The form with the stores to choose from (0: none) and a consent box a channel (field consent_<channel>)."""
    boxes = {
        f"consent_{key}": BooleanField(_l("May be written to by %(channel)s", channel=label))
        for key, label in channels
    }
    form_class = type("BrandMemberForm", (MemberForm,), boxes)
    form: MemberForm = form_class(data=values or None)
    form.store.choices = [SelectChoice(*store) for store in stores]
    return form
