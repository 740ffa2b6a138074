"""The form of a key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from webapp.api.keys import NAME
from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.kernel.fields import MultiCheckboxField

SCOPE_NAMES: dict[str, Any] = {
    "offers": _l("See offers"),
    "claim": _l("Take coupons for members"),
    "coupons": _l("Look at a coupon, ask what it saves"),
    "redeem": _l("Use coupons"),
    "reverse": _l("Undo a redemption"),
}


class KeyForm(Form):
    """Whose key, what it may do, where it stands."""

    name = StringField(
        lazy_pgettext("of a key", "Name"),
        [InputRequired(_l("This is needed.")), Length(max=NAME)],
        description=_l("What is it for? “Till 3”, “Online shop”."),
    )
    scopes = MultiCheckboxField(_l("What it may do"), choices=[])
    store = SelectField(_l("Store"), coerce=str, choices=[])

    def offer(self, stores: Sequence[tuple[int, str]]) -> None:
        """Choices in the reader's language."""
        self.scopes.choices = list(SCOPE_NAMES.items())
        self.store.choices = [("", _("all stores")), *((str(id_), name) for id_, name in stores)]

    def refuse(self, why: Refused) -> None:
        """Beside the field."""
        words = {
            "name": _("Use at most %(most)s characters.", most=NAME),
            "scopes": _("Tick at least one."),
            "store": _("Choose from the list."),
        }
        self[why.facts["field"]].errors = [words[why.code]]
