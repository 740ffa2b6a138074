"""Forms of the first owner, the shop, its stores, its address."""

from __future__ import annotations

from functools import cache
from typing import Any

from babel import Locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from wtforms import (
    BooleanField,
    ColorField,
    EmailField,
    FileField,
    HiddenField,
    SelectField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Regexp, ValidationError

from webapp.brands import guesses
from webapp.kernel import clock
from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.kernel.i18n import pick_locale
from webapp.staff.forms import PasswordForm

COLOUR = "#b3261c"  # the seal's red, until the shop has a colour of its own
LOGO_WORDS = {
    "logo_empty": _l("This file is empty."),
    "logo_heavy": _l("This picture is too heavy: at most 1.9 MB. Save it smaller and try again."),
    "logo_large": _l("This picture has too many pixels: at most 25 million. Save it smaller and try again."),
    "logo_unread": _l("This is no picture that we can read. Use a PNG or JPEG file."),
}
STORE_WORDS = {
    "store_name": ("name", _l("Give a name of 1 to 120 characters.")),
    "store_code": ("code", _l("Use 1 to 60 characters.")),
    "store_address": ("address", _l("Use at most 200 characters.")),
    "store_taken": ("code", _l("Another store is called so in tills and files.")),
    "store_named": (
        "name",
        _l(
            "There is a store of this name. If tills and files call it otherwise, open it in the list and say so there."
        ),
    ),
}


class SignUpForm(PasswordForm):
    """The first owner."""

    email = EmailField(_l("E-mail"), [InputRequired(_l("Type your e-mail address.")), Length(max=200)])
    name = StringField(
        lazy_pgettext("of a person", "Your name"),
        [InputRequired(_l("Type your name.")), Length(max=120)],
        description=_l("Your colleagues see it."),
    )


@cache
def _regions(language: str) -> list[tuple[str, str]]:
    return guesses.regions(language)


@cache
def _currencies(language: str) -> list[tuple[str, str]]:
    names = Locale.parse(language).currencies
    today = clock.now().date()
    codes = {guesses.currency_of(region, today) for region, _name in guesses.regions("en")} - {""}
    return [(code, f"{code} {names.get(code, '')}".strip()) for code in sorted(codes)]


@cache
def _zones() -> list[str]:
    return sorted({zone for zones in guesses.zones().values() for zone in zones})


class ShopForm(Form):
    """Name, colour, picture; country, language; and, until anything is written in them, currency and zone."""

    name = StringField(
        _l("Name of the shop"),
        [InputRequired(_l("Give the name that members know.")), Length(max=120)],
        description=_l("Members see it on coupons and in messages."),
    )
    region = SelectField(_l("Country"), description=_l("In which phone numbers are read."))
    locale = SelectField(
        _l("Language of what members read"),
        choices=[SelectChoice("zh_CN", "中文"), SelectChoice("en", "English")],
    )
    colour = ColorField(_l("Colour"), default=COLOUR, description=_l("Of your sign or your paper bag."))
    logo = FileField(
        _l("Logo"),
        description=_l("A PNG or JPEG file. Left blank, members see the first letter of the name."),
    )
    drop_logo = BooleanField(_l("Remove the logo"))
    code = StringField(
        _l("Short name for commands and files"),
        [
            Regexp(
                r"^$|^[a-z0-9][a-z0-9-]{0,39}$",
                message=_l("Use small letters, digits and dashes, at most 40."),
            )
        ],
        description=_l("Left blank, it is made from the name. It cannot be changed later."),
    )
    currency = SelectField(_l("Currency"))
    timezone = SelectField(_l("Time zone"), description=_l("In which a day begins and ends."))
    zone_seen = HiddenField(render_kw={"data-zone": ""})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = pick_locale()
        ask, usual = SelectChoice("", _("Please choose")), SelectChoice("", _("As usual in the country"))
        self.region.choices = [ask, *(SelectChoice(*pair) for pair in _regions(language))]
        self.currency.choices = [usual, *(SelectChoice(*pair) for pair in _currencies(language))]
        for field in (self.currency, self.timezone):
            field.data = field.data or ""
        self.timezone.choices = [usual, *(SelectChoice(zone, zone) for zone in _zones())]

    def validate_region(self, field: Any) -> None:
        """WTForms' hook."""
        if not field.data:
            raise ValidationError(_("Choose the country."))

    def settle(self) -> bool:
        """Fill currency and zone from the country where they were left to it; False with errors where that cannot be."""
        region = str(self.region.data)
        if not self.currency.data:
            self.currency.data = guesses.currency_of(region, clock.now().date())
            if not self.currency.data:
                self.currency.errors = [_("Choose the currency: we do not know this country's.")]
        if not self.timezone.data:
            seen = str(self.zone_seen.data or "") or guesses.machine_zone()
            self.timezone.data = guesses.zone_of(region, seen)
            if not self.timezone.data:
                self.timezone.errors = [_("This country has several time zones: choose yours.")]
        return not (self.currency.errors or self.timezone.errors)


class StoreForm(Form):
    """One store."""

    name = StringField(
        _l("Name of the store"), [InputRequired(_l("Give the store a name.")), Length(max=120)]
    )
    code = StringField(
        _l("What tills and files call it"),
        [Length(max=60)],
        description=_l("Left blank: by its name. An import finds the store by this."),
    )
    address = StringField(
        _l("Address"), [Length(max=200)], description=_l("Members see it on joining pages.")
    )
    is_open = BooleanField(_l("Open"), default=True)

    def refuse(self, answer: Refused) -> None:
        """The sentence beside its field."""
        name, words = STORE_WORDS[answer.code]
        self[name].errors = [words]


class StoresForm(Form):
    """Several stores at once: a name a line."""

    names = StringField(_l("Stores"))


class AddressForm(Form):
    """Where members' phones reach the shop."""

    address = StringField(
        _l("Public address"),
        [Length(max=200)],
        description=_l("Such as https://shop.example. Left blank: the address under which the shop listens."),
    )

    def refuse(self, answer: Refused) -> None:
        """The sentence beside its field."""
        words = {
            "address_bad": _("This is no address. Write it as in a browser: https://shop.example"),
            "address_path": _("Leave out what follows the name: %(address)s", **answer.facts)
            if "address" in answer.facts
            else "",
        }
        self.address.errors = [words[answer.code]]
