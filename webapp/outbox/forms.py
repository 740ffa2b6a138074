"""The one form of this room."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from webapp.kernel.edge import Form


class TryForm(Form):
    """Where a trial message goes."""

    to = StringField(
        _l("Your own address"), validators=[DataRequired(_l("This is needed.")), Length(max=200)]
    )
