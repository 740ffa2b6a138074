"""Defining a tag, putting one on a member, writing a note."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused

REFUSALS: dict[str, Any] = {
    "name_length": _l("Give it a name of 1 to 60 characters."),
    "group_taken": _l("There is such a group already."),
    "tag_taken": _l("The group has this tag already."),
    "too_many": _l("These are too many. Take some off the list first."),
    "expires_past": _l("The last day lies in the past."),
    "note_length": _l("A note has 1 to 1000 characters."),
}


class TagForm(Form):
    """A tag and its group."""

    group = StringField(
        _l("Group"), [Length(max=60)], description=_l("Such as “Taste” or “Occasion”; a new one is made.")
    )
    tag = StringField(_l("Tag"), [Length(max=60)])

    def refuse(self, refused: Refused) -> None:
        """Beside the field that it is about."""
        field: Any = self._fields.get(str(refused.facts.get("field", "tag")), self.tag)
        field.errors = [str(REFUSALS[refused.code])]


class PutForm(Form):
    """Which tag, until when."""

    tag = SelectField(_l("Tag"))
    until = DateField(_l("Until"), [Optional()])


def put_form(choices: list[tuple[str, str]], **more: Any) -> PutForm:
    """With the brand's tags."""
    form = PutForm(**more)
    form.tag.choices = [
        SelectChoice("", _("choose")),
        *(SelectChoice(value, label) for value, label in choices),
    ]
    return form


class NoteForm(Form):
    """A note about a member."""

    note = TextAreaField(_l("Note"), [Length(max=1000)])
