"""A product, a category, and a list of products from a file."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from wtforms import FileField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from webapp.catalogue import service
from webapp.kernel.edge import Form
from webapp.kernel.errors import Refused
from webapp.kernel.fields import MoneyField


def refusal(refused: Refused) -> str:
    """Why not, and what to do."""
    if refused.code == "taken":
        return str(_("There is a product with this code already."))
    if refused.code == "blank":
        return str(_("Write what your till calls it."))
    if refused.code == "unseen":
        return str(_("It holds a character that cannot be seen. Type it anew."))
    return str(_("Shorten it to %(most)s characters.", most=refused.facts["most"]))


class _Refusing(Form):
    def refuse(self, refused: Refused) -> None:
        """Beside the field that it is about."""
        field: Any = self._fields.get(str(refused.facts.get("field", "name"))) or self._fields["name"]
        field.errors = [refusal(refused)]


class ProductForm(_Refusing):
    """What can be said of a product."""

    name = StringField(
        _l("What people call it"),
        [Length(max=service.NAME)],
        description=_l("As it stands on coupons and offers. Blank: the code."),
    )
    category = StringField(
        _l("Category"),
        [Length(max=service.CATEGORY)],
        description=_l(
            "The till's word. What you write here stays; blank, the next order that names the product says it."
        ),
    )
    price = MoneyField(_l("What one costs"), minimum=0, maximum=10**12)


class NewProductForm(ProductForm):
    """One that no order has named yet."""

    code = StringField(
        lazy_pgettext("of a product", "Code"),
        [InputRequired(_l("Write what your till calls it.")), Length(max=service.CODE)],
        description=_l("Exactly what your till writes on the lines of orders: a number or a name."),
    )


class CategoryForm(_Refusing):
    """What people read for a category."""

    name = StringField(
        _l("What people call it"), [Length(max=service.NAME)], description=_l("Blank: the till's word.")
    )


class FileForm(Form):
    """A list of products."""

    file = FileField(_l("File"), description=_l("CSV or Excel (.xlsx); the first row names the columns."))

    def validate_file(self, file: Any) -> None:
        """A browser sends an empty name where nothing was chosen."""
        if not getattr(file.data, "filename", ""):
            raise ValidationError(_("Choose a file."))
