"""The plan's form."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length

from webapp.backup.service import MOST_KEPT, Plan
from webapp.kernel.edge import Form
from webapp.kernel.fields import WholeField


class PlanForm(Form):
    """When, how many, where."""

    daily = BooleanField(_l("Make a backup every day"))
    hour = SelectField(
        _l("At"),
        choices=[SelectChoice(hour, f"{hour:02}:00") for hour in range(24)],
        coerce=int,
        description=_l(
            "By the clock of the machine on which the shop runs. Choose an hour at which it is on."
        ),
    )
    keep = WholeField(
        _l("Keep how many"),
        [InputRequired(_l("This is needed."))],
        minimum=1,
        maximum=MOST_KEPT,
        description=_l("Older ones that were made by this plan are removed."),
    )
    folder = StringField(
        _l("Folder"),
        [Length(max=500)],
        description=_l("On another disk it survives this one. Blank: beside the shop's data."),
    )

    @classmethod
    def of(cls, plan: Plan) -> PlanForm:
        """Filled with what is stored, or with what was posted."""
        return cls(data={"daily": plan.daily, "hour": plan.hour, "keep": plan.keep, "folder": plan.folder})

    def plan(self) -> Plan:
        """What was typed; valid forms only."""
        keep: Any = self.keep.data
        return Plan(bool(self.daily.data), int(self.hour.data), int(keep), (self.folder.data or "").strip())
