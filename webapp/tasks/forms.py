"""Giving a task by hand, and tasks for early signs."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from wtforms import DateField, RadioField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.tasks import words


class TaskForm(Form):
    """A task by hand: about whom, what, for whom, by when."""

    member = StringField(
        _l("Member"), [Length(max=200)], description=_l("Number, phone or e-mail. Blank: about no member.")
    )
    about = RadioField(
        _l("What it is about"),
        choices=[
            SelectChoice("service", _l("Service: an order, a question, a repair")),
            SelectChoice("marketing", _l("An offer or an invitation")),
        ],
        default="service",
    )
    title = StringField(
        lazy_pgettext("of tasks", "What to do"), [DataRequired(_l("This is needed.")), Length(max=200)]
    )
    text = TextAreaField(_l("What to say"), [Length(max=4000)])
    whose = SelectField(_l("Who does it"))
    due = DateField(_l("By when"), [Optional()])

    def refuse(self, refused: Refused) -> None:
        """Beside the field that it is about."""
        field: Any = self._fields.get(str(refused.facts.get("field", "title")), self.title)
        field.errors = [words.refusal(refused)]


def task_form(people: list[tuple[int, str]], stores: list[tuple[int, str]], **values: Any) -> TaskForm:
    """whose: blank (the member's guide), staff:<id> or store:<id>."""
    form = TaskForm(data=values or None)
    form.whose.choices = [
        SelectChoice("", _("the member's guide, else their store")),
        *(SelectChoice(f"staff:{id_}", name) for id_, name in people),
        *(SelectChoice(f"store:{id_}", _("the store %(name)s", name=name)) for id_, name in stores),
    ]
    return form


class SignsForm(Form):
    """What guides should say to members about to go."""

    title = StringField(
        lazy_pgettext("of tasks", "What to do"), [DataRequired(_l("This is needed.")), Length(max=200)]
    )
    text = TextAreaField(
        _l("What to say"), [Length(max=4000)], description=_l("{name} becomes the member's name.")
    )
