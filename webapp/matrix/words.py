"""What is said to people about matrices. Used by routes, in a request."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _l

from webapp.coupons import says
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.matrix import queries
from webapp.matrix.models import MatrixRow
from webapp.segments.rules import BadRule
from webapp.segments.words import describe

# code -> (field, sentence)
REFUSALS: dict[str, tuple[str, Any]] = {
    "name_length": ("name", _l("Give it a name of 1 to 120 characters.")),
    "no_offer": ("offer", _l("Choose an offer from the list.")),
    "bad_rule": ("offer", _l("The conditions cannot be read. Take them away and write them anew.")),
    "rest_there": (
        "offer",
        _l("There is a row for everybody else already. Add a condition, or change that row."),
    ),
    "no_matrix": ("offer", _l("No row of this matrix gives coupons now. Open one of its offers first.")),
    "days": ("days", _l("At most %(most)s days.")),
    "too_many": ("offer", _l("At most %(most)s rows.")),
}


def _(message: str, **facts: Any) -> str:
    return str(gettext(message, **facts))


def refusal(refused: Refused) -> str:
    """Why it cannot be done, and what to do."""
    if refused.code == "in_use":
        return str(
            ngettext(
                "It cannot be removed: %(name)s gives coupons by it.",
                "It cannot be removed: %(num)s places give coupons by it, such as %(name)s.",
                refused.facts["places"],
                name=refused.facts["name"] or _("Birthday presents"),
            )
        )
    sentence = REFUSALS.get(refused.code)
    return str(sentence[1]) % refused.facts if sentence else _("This is not possible now.")


def whom(scope: Scope, row: MatrixRow) -> list[str]:
    """Whom a row means, in words."""
    if row.rule is None:
        return [_("Everybody else")]
    try:
        return describe(scope, queries.rule(row))
    except BadRule:
        return [_("These conditions cannot be read any more: nobody fits them.")]


def passed_over(line: queries.Line) -> str:
    """Why a row gives nothing now; blank: it does."""
    if line.refused is None:
        return ""
    if line.offer.state == "draft":
        return _("This offer is a draft: the row is passed over until it is open.")
    return _("The row is passed over: %(why)s", why=says.refused(line.refused))
