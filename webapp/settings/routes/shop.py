"""Settings, Shop: name, colour, picture, language; zone and currency while nothing is written in them."""

from __future__ import annotations

from flask import Response, flash
from flask_babel import gettext as _

from webapp.brands import logo, service
from webapp.brands.models import Brand
from webapp.kernel import edge
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.settings import steps
from webapp.settings.forms import COLOUR, ShopForm
from webapp.settings.routes import picture

bp = edge.blueprint("shop", __name__)
TAKEN = ("name", "region", "locale", "colour", "currency", "timezone")


@bp.get("/settings/shop", permission="brand.edit")
def edit() -> Response:
    """The form, filled in."""
    with edge.read() as scope:
        brand = scope.session.get_one(Brand, scope.brand.id)
        values = {key: getattr(brand, key) for key in TAKEN}
    form = ShopForm(formdata=None, data=values | {"colour": values["colour"] or COLOUR})
    return _page(form)


@bp.post("/settings/shop", permission="brand.edit")
def save() -> Response:
    """Store what was changed."""
    form = ShopForm()
    drawn = picture.drawn(form)
    with edge.read() as scope:
        fixed = steps.in_stone(scope)
        if fixed:
            form.currency.data, form.timezone.data = scope.brand.currency, scope.brand.timezone
    if not (form.validate() and (fixed or form.settle())) or isinstance(drawn, Refused):
        picture.refuse(form, drawn)
        return _page(form, 422)

    def work(scope: Scope) -> None:
        free = not steps.in_stone(scope)  # an order may have come in meanwhile
        service.change_brand(
            scope,
            name=str(form.name.data),
            colour=str(form.colour.data or ""),
            locale=str(form.locale.data),
            region=str(form.region.data),
            timezone=str(form.timezone.data) if free else None,
            currency=str(form.currency.data) if free else None,
        )
        if drawn is not None:
            logo.keep(scope, drawn)
        elif form.drop_logo.data:
            logo.drop(scope)

    edge.write(work)
    flash(_("Saved."), "good")
    return edge.redirect("shop.edit")


def _page(form: ShopForm, status: int = 200) -> Response:
    with edge.read() as scope:
        fixed = steps.in_stone(scope)
    return edge.page("pages/settings/shop.html", status=status, form=form, fixed=fixed)
