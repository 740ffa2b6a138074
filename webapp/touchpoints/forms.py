"""The joining page's form, what staff say about a code, and a guide's limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.validators import Length, NumberRange, Optional

from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.matrix.forms import PresentField, as_choice
from webapp.touchpoints.guides import MOST_A_DAY, Guide
from webapp.touchpoints.models import Touchpoint
from webapp.touchpoints.service import Details

REFUSALS = {
    "contact_none": _l("Please give a phone or an e-mail address: without one we could not find you again."),
    "phone_bad": _l("This is no phone number. Please type it with all its digits."),
    "email_bad": _l("This is no e-mail address."),
    "name_long": _l("A name has at most 120 characters."),
    "birthday_bad": _l("There is no such day, or it is not in the past."),
    "name": _l("Give it a name of 1 to 120 characters."),
    "long": _l("At most %(most)s characters."),
    "store": _l("Choose one of the list."),
    "staff": _l("This person does not work here any more: choose another one."),
    "serves": _l("Say who gets the new members."),
    "offer": _l("Choose an offer that is open."),
    "ask": _l("Choose one of the list."),
}
PURPOSES = ("marketing", "service")


class JoinForm(Form):
    """What somebody types who wants to join. `website` is a trap: nobody sees it, robots fill it in."""

    phone = TelField(_l("Phone"), [Length(max=40)])
    email = EmailField(_l("E-mail"), [Length(max=200)])
    name = StringField(lazy_pgettext("of a person", "Name"), [Length(max=120)])
    birthday = DateField(_l("Birthday"), [Optional()])
    website = StringField("", [Length(max=200)])

    def refuse(self, refusal: Refused) -> None:
        """Put a refusal beside its field, or beside the first that is asked for."""
        field = self._fields.get(str(refusal.facts.get("field", "")))
        words = REFUSALS.get(refusal.code)
        target: Any = field if field is not None else next(iter(self))
        target.errors = [str(words) if words else _("This does not fit.")]


class Asks(Protocol):
    """What a public page asks for: a Touchpoint, or a page of another kind. ask: phone, email or both."""

    @property
    def ask(self) -> str: ...
    @property
    def ask_name(self) -> bool: ...
    @property
    def ask_birthday(self) -> bool: ...


def join_form(touchpoint: Asks, channels: Sequence[tuple[str, str, str]], **more: Any) -> JoinForm:
    """The form as this page asks. channels: (key, label, kind of identity); a box for each purpose of those that can reach
    whoever gives what is asked for (field consent_<channel>_<purpose>). more: further fields, unbound, by name."""
    by_phone = {"phone", "recipient"}  # a guide who is told whom to call or write to needs a phone, too
    reach = {"phone": by_phone, "email": {"email"}, "both": {"email", *by_phone}}[touchpoint.ask]
    if "phone" in reach:
        reach = reach | {"recipient"}  # a person of the shop who calls
    boxes: dict[str, Any] = {}
    for key, label, identity in channels:
        if identity == "recipient" and identity in reach:
            boxes[f"consent_{key}_marketing"] = BooleanField(
                _l("Yes, offers and news may come from %(channel)s", channel=label)
            )
        elif identity in reach:
            boxes[f"consent_{key}_marketing"] = BooleanField(
                _l("Yes, send me news and offers by %(channel)s", channel=label)
            )
            boxes[f"consent_{key}_service"] = BooleanField(
                _l("Yes, tell me by %(channel)s about my coupons and membership", channel=label)
            )
    form: JoinForm = type("TouchpointJoinForm", (JoinForm,), boxes | more)()
    if touchpoint.ask == "email":
        del form.phone
    if touchpoint.ask == "phone":
        del form.email
    if not touchpoint.ask_name:
        del form.name
    if not touchpoint.ask_birthday:
        del form.birthday
    return form


def consents(form: JoinForm) -> dict[tuple[str, str], bool]:
    """(channel, purpose) of the boxes that are ticked."""
    said: dict[tuple[str, str], bool] = {}
    for name, field in form._fields.items():
        if name.startswith("consent_") and field.data:
            channel, _sep, purpose = name.removeprefix("consent_").rpartition("_")
            said[channel, purpose] = True
    return said


class TouchpointForm(Form):
    """What a code does. The printed code stays the same whatever is chosen here."""

    name = StringField(_l("What it is called"), [Length(max=120)], description=_l("Only staff see this."))
    store = SelectField(_l("Store"), coerce=int)
    place = StringField(
        _l("Where it hangs"),
        [Length(max=120)],
        description=_l("Such as: shop window, till 2, leaflet of May."),
    )
    offer = PresentField(
        _l("Welcome coupon"),
        description=_l("Given to each new member at once, as long as there are some."),
    )
    welcome = TextAreaField(
        _l("Words of welcome"),
        [Length(max=500)],
        description=_l("Stand above the form and on the page after joining."),
    )
    ask = RadioField(
        _l("What is asked for"),
        choices=[
            SelectChoice("phone", _l("Phone")),
            SelectChoice("email", _l("E-mail")),
            SelectChoice("both", _l("Phone or e-mail, or both")),
        ],
    )
    ask_name = BooleanField(_l("Ask for the name"))
    ask_birthday = BooleanField(_l("Ask for the birthday, if they like"))
    group = SelectField(
        _l("Chat group"), coerce=int, description=_l("They are asked in on the page after joining.")
    )
    brought_by = SelectField(
        _l("Brought by"), coerce=int, description=_l("Whose work it is that people come by this code.")
    )
    serving = RadioField(
        _l("Who looks after those who join"),
        choices=[
            SelectChoice("none", _l("Nobody yet")),
            SelectChoice("one", _l("One person")),
            SelectChoice("turn", _l("The guides of the store in turn")),
        ],
    )
    serves = SelectField(_l("The one person"), coerce=int)
    standin = SelectField(
        _l("Stand-in"),
        coerce=int,
        description=_l("When everybody else has had enough for the day or is away."),
    )
    active = BooleanField(_l("At work"), description=_l("Put to rest, its page says so and takes nobody in."))

    def details(self) -> Details:
        """As the service takes it."""
        offer_id, matrix_id = self.offer.chosen
        return Details(
            self.name.data or "",
            self.store.data or None,
            self.place.data or "",
            self.brought_by.data or None,
            self.serving.data or "none",
            self.serves.data or None,
            self.standin.data or None,
            offer_id,
            self.welcome.data or "",
            self.ask.data or "phone",
            bool(self.ask_name.data),
            bool(self.ask_birthday.data),
            bool(self.active.data),
            self.group.data or None,
            matrix_id,
        )

    def refuse(self, refusal: Refused) -> None:
        """Put a service's refusal beside its field."""
        field: Any = self._fields.get(str(refusal.facts.get("field", "")), self.name)
        words = REFUSALS.get(refusal.code)
        field.errors = [str(words) % refusal.facts if words else _("This does not fit.")]


def values_of(row: Touchpoint) -> dict[str, Any]:
    """A row as the form's first values."""
    return {
        "name": row.name,
        "store": row.store_id or 0,
        "place": row.place,
        "offer": as_choice(row.offer_id, row.matrix_id),
        "welcome": row.welcome,
        "ask": row.ask,
        "ask_name": row.ask_name,
        "ask_birthday": row.ask_birthday,
        "brought_by": row.brought_by_id or 0,
        "serving": row.serving,
        "serves": row.serves_id or 0,
        "standin": row.standin_id or 0,
        "active": row.active,
        "group": row.group_id or 0,
    }


def fill_choices(
    form: TouchpointForm,
    stores: Sequence[tuple[int, str]],
    people: Sequence[tuple[int, str]],
    servers: Sequence[tuple[int, str]],
    offers: Sequence[tuple[int, str]],
    groups: Sequence[tuple[int, str]],
    matrices: Sequence[tuple[int, str]] = (),
) -> TouchpointForm:
    """The lists of the form, each (id, label). people: who may have brought members; servers: who may look after them."""
    form.store.choices = [SelectChoice(*one) for one in stores]
    form.offer.fill(_("none"), offers, matrices)
    form.group.choices = [SelectChoice(0, _("none")), *(SelectChoice(*one) for one in groups)]
    for field, some in ((form.brought_by, people), (form.serves, servers), (form.standin, servers)):
        field.choices = [SelectChoice(0, _("nobody")), *(SelectChoice(*one) for one in some)]
    return form


def duty_form(guides: Sequence[Guide]) -> Form:
    """A limit and a last day of absence for each guide (fields limit_<id>, away_<id>)."""
    fields: dict[str, Any] = {}
    for guide in guides:
        fields[f"limit_{guide.staff_id}"] = IntegerField(
            _l("%(name)s: new members a day at most", name=guide.name),
            [
                Optional(),
                NumberRange(
                    0,
                    MOST_A_DAY,
                    message=_l("A number from 0 to %(most)s, or blank for any number.", most=MOST_A_DAY),
                ),
            ],
        )
        fields[f"away_{guide.staff_id}"] = DateField(
            _l("%(name)s: away until", name=guide.name), [Optional()]
        )
    values: dict[str, Any] = {f"limit_{one.staff_id}": one.per_day for one in guides}
    values |= {f"away_{one.staff_id}": one.away_until for one in guides}
    form: Form = type("DutyForm", (Form,), fields)(data=values)
    return form


class GuidesForm(Form):
    """Who looks after a member, who brought them."""

    serves = SelectField(_l("Served by"), coerce=int)
    brought_by = SelectField(_l("Brought by"), coerce=int)
