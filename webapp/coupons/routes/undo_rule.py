"""Settings, Undo at the counter: how long a clerk, and how long a manager, can undo the use of a coupon."""

from __future__ import annotations

from typing import Any

from flask import Response, flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from webapp.coupons import undo_limit
from webapp.coupons.undo_limit import MOST_DAYS, MOST_HOURS, Limit
from webapp.kernel import edge
from webapp.kernel.edge import Form
from webapp.kernel.fields import WholeField

bp = edge.blueprint("undo_rule", __name__)


class LimitForm(Form):
    """How long."""

    clerk = RadioField(
        _l("A clerk can undo a use"),
        [InputRequired(_l("Choose one."))],
        choices=[
            SelectChoice("day", _l("until the end of the day")),
            SelectChoice("hours", _l("for so many hours")),
            SelectChoice("never", _l("not at all")),
        ],
    )
    hours = WholeField(
        _l("Hours"),
        minimum=1,
        maximum=MOST_HOURS,
        description=_l("From the use on. Only where a clerk has so many hours."),
    )
    manager_days = WholeField(
        _l("Days for a store's manager"),
        minimum=0,
        maximum=MOST_DAYS,
        description=_l(
            "After the day of the use; 0: on that day only. Blank: no limit. Operators and owners have the same."
        ),
    )

    def limit(self) -> Limit:
        """What was typed."""
        hours = self.hours.data if self.clerk.data == "hours" else None
        return Limit(self.clerk.data, hours, self.manager_days.data)

    def validate(self, extra_validators: Any = None) -> bool:
        """And: hours, where they are what counts."""
        good = bool(super().validate(extra_validators))
        if self.clerk.data == "hours" and self.hours.data is None and not self.hours.errors:
            self.hours.errors = [_("Say how many hours.")]
            return False
        return good


@bp.get("/settings/undo", permission="settings.edit")
def edit() -> Response:
    """What holds now."""
    with edge.read() as scope:
        now = undo_limit.of(scope)
    values = {"clerk": now.clerk, "hours": now.hours, "manager_days": now.manager_days}
    return _page(LimitForm(formdata=None, data=values))


@bp.post("/settings/undo", permission="settings.edit")
def save() -> Response:
    """Store it."""
    form = LimitForm()
    if not form.validate():
        return _page(form, 422)
    edge.write(lambda scope: undo_limit.keep(scope, form.limit()))
    flash(_("Saved. It holds from now on, also for what has been used already."), "good")
    return edge.redirect("undo_rule.edit")


def _page(form: LimitForm, status: int = 200) -> Response:
    return edge.page("pages/settings/undo.html", status=status, form=form)
