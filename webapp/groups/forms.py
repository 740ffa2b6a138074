"""Forms of groups."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from wtforms import BooleanField, DateField, FileField, SelectField, StringField, TextAreaField, URLField
from wtforms.validators import Length, Optional

from webapp.groups import service, words
from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.kernel.fields import WholeField


class GroupForm(Form):
    """What is written about a group."""

    name = StringField(_l("Name"), description=_l("As the chat app calls it."))
    kind = SelectField(_l("Type"))
    store = SelectField(_l("Store"), coerce=int)
    owner = SelectField(
        lazy_pgettext("of a group", "Owner"),
        coerce=int,
        description=_l("Posts in it: campaigns to this group become their task."),
    )
    capacity = WholeField(_l("Room for"), minimum=1, maximum=service.MOST_CAPACITY)
    link = URLField(_l("Link to join"), [Length(max=service.LINK)])
    picture = FileField(
        _l("Or the picture of its QR code"),
        description=_l("PNG, JPEG or GIF, at most 1 MB and 4096 pixels a side."),
    )
    drop_picture = BooleanField(_l("Take the picture away"))
    until = DateField(
        _l("The QR code lets people in until"),
        [Optional()],
        description=_l("WeCom's codes of groups hold seven days: you are told before the day comes."),
    )

    def details(self) -> service.Details:
        """As the service takes them."""
        return service.Details(
            name=self.name.data or "",
            kind=self.kind.data or "",
            store_id=self.store.data or None,
            owner_id=self.owner.data or None,
            link=self.link.data or "",
            until_on=self.until.data,
            capacity=self.capacity.data,
        )

    def refuse(self, refused: Refused) -> None:
        """Put a service's refusal beside its field."""
        field: Any = getattr(self, str(refused.facts.get("field", "name")), self.name)
        field.errors = [words.refusal(refused)]


def group_form(
    types: list[str], stores: list[tuple[int, str]], staff: list[tuple[int, str]], **values: Any
) -> GroupForm:
    """With the brand's types, the stores within reach and the people who work here."""
    form = GroupForm(data=values or None)
    form.kind.choices = [("", _l("none")), *((one, one) for one in types)]
    form.store.choices = stores
    form.owner.choices = [(0, _l("nobody yet")), *staff]
    return form


class ListForm(Form):
    """A pasted list of members."""

    list = TextAreaField(
        _l("Numbers, whole phones or e-mail addresses, one a line"),
        description=_l("What stands after a comma on a line is not read. At most 500 lines."),
    )


class TypeForm(Form):
    """One more type."""

    name = StringField(_l("Another type"), [Length(max=40)])
