"""What coupons brought: a picture and a table in groups, the coupons behind every number, and the table as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from flask import Response, abort, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import DateField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional, ValidationError

from webapp.brands import queries as brands
from webapp.coupons import figures, queries, says
from webapp.coupons.figures import Ask, CouponFigures
from webapp.coupons.models import Offer
from webapp.imports.formats import marked
from webapp.kernel import edge, money
from webapp.kernel.edge import Form
from webapp.kernel.i18n import pick_locale
from webapp.kernel.scope import Scope
from webapp.lifecycle.words import stage_name
from webapp.staff.models import Staff
from webapp.tags import queries as tags

bp = edge.blueprint("offer_figures", __name__)
GROUPS = 25  # a page of the table
BARS = 10  # of the picture
FIRST_YEAR, LAST_YEAR = 2000, 2999
Group = tuple[Any, str, CouponFigures]  # key, what it is called, its figures

BY = {
    "offer": _l("By offer"),
    "type": _l("By kind"),
    "stage": _l("By stage"),
    "tag": _l("By tag"),
    "home": _l("By the member's store"),
    "giver": _l("By who gave it"),
    "store": _l("By store of use"),
    "staff": _l("By who took it in"),
}
WHAT = {
    "issued": _l("Given"),
    "claimed": _l("Taken"),
    "redeemed": _l("Used"),
    "people": _l("People who used one"),
    "reversed": _l("Undone"),
    "ordered": _l("Used, with their order"),
    "gifts": _l("Gifts handed over"),
    "expired": _l("Over, unused"),
}


class PeriodForm(Form):
    """Which days, and whose."""

    of = SelectField(
        _l("Days on which coupons were"),
        choices=[SelectChoice("issued", _l("given")), SelectChoice("used", _l("used"))],
        default="issued",
    )
    since = DateField(_l("First day"), [Optional()])
    until = DateField(_l("Last day"), [Optional()])

    def validate_since(self, field: DateField) -> None:
        """A day that the calendar of a shop has."""
        if field.data and not FIRST_YEAR <= field.data.year <= LAST_YEAR:
            raise ValidationError(_("Between %(least)s and %(most)s.", least=FIRST_YEAR, most=LAST_YEAR))

    def validate_until(self, field: DateField) -> None:
        """Not before the first."""
        self.validate_since(field)
        if field.data and isinstance(self.since.data, date) and field.data < self.since.data:
            raise ValidationError(_("The last day is before the first."))


@bp.get("/offers/figures", permission="coupons.view")
def show() -> Response:
    """In groups (?by=), of a period (?of=, ?since=, ?until=), of all offers or one (?offer=)."""
    ask, form = _asked()
    page = min(max(request.args.get("page", 0, type=int), 0), edge.BIGGEST)
    with edge.read() as scope:
        offer = queries.offer(scope, ask.offer_id) if ask.offer_id is not None else None
        found, whole = figures.report(scope, ask) if not form.errors else ({}, CouponFigures())
        groups = _groups(scope, ask, found)
    most_used = sorted((one for one in groups if one[2].redeemed), key=lambda one: -one[2].redeemed)
    return edge.page(
        "pages/offers/figures.html",
        status=422 if form.errors else 200,
        ask=ask,
        form=form,
        offer=offer,
        groups=groups[page * GROUPS : (page + 1) * GROUPS],
        most_used=most_used[:BARS],
        whole=whole,
        page=page,
        more=len(groups) > (page + 1) * GROUPS,
        of=_address(ask),
        names=_by_names(offer),
        heading=BY[ask.by],
    )


@bp.get("/offers/figures/rows", permission="coupons.view")
def rows() -> Response:
    """The coupons behind one number (?what=) of one group (?key=, blank: those without), or of all groups."""
    ask, form = _asked()
    what, word = request.args.get("what", ""), request.args.get("key")
    whose = ask if word is not None else _everything(ask)
    if form.errors or what not in figures.WHAT or (what in figures.UNUSED_TOO and not whose.cohort):
        abort(404)
    key = _key(ask.by, word) if word is not None else figures.EVERY
    with edge.read() as scope:
        offer = queries.offer(scope, ask.offer_id) if ask.offer_id is not None else None
        among = figures.behind(scope, whose, what, key)
        page = queries.coupons(scope, among=among, after=_id("after"))
        group = None if word is None else _labels(scope, ask.by, [key])[key]
    here: dict[str, Any] = {"by": ask.by, "what": what} | _address(ask)
    return edge.page(
        "pages/offers/figures_rows.html",
        page=page,
        heading=WHAT[what],
        group=group,
        offer=offer,
        ask=ask,
        of=_address(ask),
        here=here | ({"key": word} if word is not None else {}),
        states=says.COUPON_STATES,
    )


@bp.get("/offers/figures.csv", permission="coupons.view")
def download() -> Response:
    """All groups, for a spreadsheet."""
    ask, form = _asked()
    if form.errors:
        abort(404)
    with edge.read() as scope:
        groups = _groups(scope, ask, figures.figures(scope, ask))
        currency = scope.brand.currency
    out = io.StringIO()
    out.write("\ufeff")  # by which a spreadsheet knows that it is UTF-8
    writer = csv.writer(out)
    writer.writerow(_heads())
    for _unused, label, one in groups:
        writer.writerow([marked(label), *_cells(ask, one, currency)])
    response = Response(out.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename=coupons-by-{ask.by}.csv"
    response.headers["Cache-Control"] = "private, no-store"
    return response


# ------------------------------------------------------------------------------------------------------- what is asked


def _asked() -> tuple[Ask, PeriodForm]:
    form = PeriodForm(formdata=request.args)
    by = request.args.get("by", "offer")
    if by not in figures.BY:
        abort(404)
    offer_id = _id("offer")
    if not form.validate():
        return Ask(by, offer_id=offer_id), form
    return Ask(by, form.of.data, form.since.data, form.until.data, offer_id), form


def _id(name: str) -> int | None:
    """An id of the address; one that no row can have leads nowhere."""
    id_ = request.args.get(name, type=int)
    if id_ is not None and not 0 <= id_ <= edge.BIGGEST:
        abort(404)
    return id_


def _everything(ask: Ask) -> Ask:
    """The same without groups, where each coupon stands once."""
    return Ask(figures.ALL, ask.of, ask.since, ask.until, ask.offer_id)


def _address(ask: Ask) -> dict[str, Any]:
    """What all links of the page carry on."""
    told = {"of": ask.of if ask.of != "issued" else None, "offer": ask.offer_id}
    days = {"since": ask.since and ask.since.isoformat(), "until": ask.until and ask.until.isoformat()}
    return {name: value for name, value in (told | days).items() if value is not None}


def _by_names(offer: Offer | None) -> dict[str, Any]:
    """One offer has one kind, and is one offer."""
    return {by: label for by, label in BY.items() if offer is None or by not in ("offer", "type")}


def _key(by: str, word: str) -> Any:
    if not word:
        return None
    if by in ("type", "stage"):
        return word
    if not word.isdecimal() or int(word) > edge.BIGGEST:
        abort(404)
    return int(word)


# ---------------------------------------------------------------------------------------------------------- the groups


def _groups(scope: Scope, ask: Ask, found: Mapping[Any, CouponFigures]) -> list[Group]:
    label = _labels(scope, ask.by, found)
    order = sorted(found, key=lambda key: (-found[key].issued, -found[key].redeemed, label[key]))
    return [(key, label[key], found[key]) for key in order]


def _labels(scope: Scope, by: str, keys: Collection[Any]) -> dict[Any, str]:
    """What each group is called."""
    known: dict[Any, str] = {}
    if by == "offer":
        named = scope.session.execute(select(Offer.id, Offer.name).where(Offer.brand_id == scope.brand.id))
        known = {row.id: row.name for row in named}
    elif by == "type":
        known = {key: queries.type_label(scope, key, pick_locale()) for key in keys if key}
    elif by == "stage":
        known = {key: stage_name(key) for key in keys if key}
    elif by == "tag":
        known = {int(key): name for key, name in tags.choices(scope)}
    elif by in ("home", "store"):
        known = {store.id: store.name for store in brands.stores(scope)}
    else:
        ids = [key for key in keys if key is not None]
        people = scope.session.execute(select(Staff.id, Staff.name, Staff.email).where(Staff.id.in_(ids)))
        known = {id_: name or email for id_, name, email in people}
    none = {
        "stage": _("no stage yet"),
        "tag": _("no tag"),
        "home": _("no store"),
        "giver": _("not by hand"),
        "store": _("no store said"),
    }.get(by, "")
    return {key: none if key is None else known.get(key, f"#{key}") for key in keys}


def _heads() -> list[str]:
    return [
        _("Group"),
        _("Given"),
        _("Taken"),
        _("Used"),
        _("Share used"),
        _("People who used one"),
        _("Undone"),
        _("Saved"),
        _("Orders"),
        _("Brought"),
        _("Over, unused"),
        _("Days to use"),
        _("Gifts handed over"),
    ]


def _cells(ask: Ask, one: CouponFigures, currency: str) -> list[Any]:
    def out(value: Any) -> Any:
        return value if ask.cohort else ""

    return [
        out(one.issued),
        out(one.claimed),
        one.redeemed,
        out(f"{one.redeemed / one.issued:.4f}" if one.issued else ""),
        one.people,
        one.reversed,
        money.plain(one.saved_minor, currency),
        one.orders,
        money.plain(one.revenue_minor, currency),
        out(one.expired),
        "" if one.median_days is None else f"{one.median_days:.2f}",
        one.gifts,
    ]
