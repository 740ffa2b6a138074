"""Forms of signing in, of one's own account, and of letting people in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from wtforms import (
    EmailField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, Length

from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.kernel.fields import MultiCheckboxField
from webapp.staff.permissions import ROLE_NAMES, ROLES
from webapp.staff.service import PasswordHash, hash_password

LANGUAGE_NAMES = (("", _l("as the browser says")), ("en", "English"), ("zh_CN", "中文"))
ROLE_HINTS = {
    "owner": _l("everything, staff and settings too"),
    "operator": _l("members, offers, campaigns; does not send them"),
    "sender": _l("sends the campaigns that others wrote"),
    "manager": _l("runs stores: members, counter, codes, groups, tasks"),
    "guide": _l("looks after members, does tasks"),
    "clerk": _l("the counter"),
}
REFUSALS = {
    "role_unknown": ("role", _l("Choose one of the list.")),
    "stores_unknown": ("stores", _l("Choose stores of the list.")),
    "last_owner": (
        "role",
        _l("This is the only owner. Make somebody else an owner first: a shop without one cannot be set."),
    ),
    "works_here": ("email", _l("Somebody with this address works here already.")),
    "email_bad": ("email", _l("This is no e-mail address.")),
}


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

    def hashed(self) -> PasswordHash | None:
        """What is stored of it; None, and why beside the field, where it is too short or too long. Slow on purpose."""
        answer = hash_password(str(self.password.data))
        if isinstance(answer, Refused):
            self.password.errors = [_("Use at least %(minimum)s characters.", **answer.facts)]
            return None
        return answer


class InvitedForm(PasswordForm):
    """A new colleague: name and password."""

    name = StringField(
        lazy_pgettext("of a person", "Name"),
        [InputRequired(_l("What do colleagues call you?")), Length(max=120)],
        description=_l("What colleagues call you."),
    )


class ChangePasswordForm(PasswordForm):
    """The old one as well: an open browser is not the person."""

    password = PasswordField(
        _l("New password"),
        [InputRequired(_l("Choose a password.")), Length(max=200)],
        description=_l("At least 10 characters. A short sentence is good."),
    )
    now = PasswordField(_l("Your password now"), [InputRequired(_l("Type your password.")), Length(max=200)])


class SureForm(Form):
    """The password once more, before the second factor changes."""

    now = PasswordField(_l("Your password now"), [InputRequired(_l("Type your password.")), Length(max=200)])


class CodeForm(Form):
    """A code: of the app, or a recovery code."""

    code = StringField(
        lazy_pgettext("to sign in", "Code"),
        [InputRequired(_l("Type the six digits that your app shows.")), Length(max=40)],
    )


class QuickForm(Form):
    """The eight letters that a manager gave."""

    code = StringField(
        lazy_pgettext("to sign in quickly", "Code"),
        [InputRequired(_l("Type the eight letters and digits.")), Length(max=40)],
        description=_l("Eight letters and digits from your manager; spaces and dashes do not matter."),
    )


class AccountForm(Form):
    """What colleagues call one, and in which language the pages are."""

    name = StringField(lazy_pgettext("of a person", "Name"), [Length(max=120)])
    language = SelectField(_l("Language"), choices=[SelectChoice(key, name) for key, name in LANGUAGE_NAMES])


class RoleForm(Form):
    """A role and its stores."""

    role = RadioField(_l("Role"), [InputRequired(_l("Choose one of the list."))])
    stores = MultiCheckboxField(
        _l("Stores"),
        coerce=int,
        description=_l(
            "For store managers, guides and clerks: they see the members of these stores. None ticked: all stores."
        ),
    )

    def offer(self, stores: Sequence[tuple[int, str]]) -> None:
        """The choices; before validating."""
        self.role.choices = [
            SelectChoice(key, _("%(role)s: %(what)s", role=ROLE_NAMES[key], what=ROLE_HINTS[key]))
            for key in ROLES
        ]
        self.stores.choices = [SelectChoice(*store) for store in stores]

    def refuse(self, refusal: Refused) -> None:
        """Put a service's refusal beside its field."""
        name, words = REFUSALS.get(refusal.code, ("role", _("This does not fit.")))
        field: Any = self._fields.get(name, self.role)
        field.errors = [str(words)]


class InviteForm(RoleForm):
    """Whom to let in, as what."""

    email = EmailField(
        _l("E-mail"), [InputRequired(_l("Type your colleague's e-mail address.")), Length(max=200)]
    )
