"""Forms of signing in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired, Length

from webapp.kernel.edge import Form


class SignInForm(Form):
    """E-mail and password."""

    email = EmailField(_l("E-mail"), [InputRequired(_l("Type your e-mail address.")), Length(max=200)])
    password = PasswordField(_l("Password"), [InputRequired(_l("Type your password.")), Length(max=200)])


class PasswordForm(Form):
    """A new password, typed once: it can be shown."""

    password = PasswordField(
        _l("Choose a password"),
        [InputRequired(_l("Choose a password.")), Length(max=200)],
        description=_l("At least 10 characters. A short sentence is good."),
    )
