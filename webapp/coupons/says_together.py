"""Why a coupon is not used beside others: what is said of it. Used by routes, in a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext

from webapp.coupons.says_using import listed
from webapp.kernel.errors import Refused
from webapp.kernel.filters import moment


def _(message: str, **facts: Any) -> str:
    return str(gettext(message, **facts))


def refused(why: Refused) -> str | None:
    """The sentence; None for a reason that is not one of these."""
    sentence = _SENTENCES.get(why.code)
    return sentence(why.facts) if sentence else None


def _stands_alone(facts: Mapping[str, Any]) -> str:
    beside = listed(facts["beside"])
    if facts["itself"]:
        return _("It is used alone; with %(others)s at least as much is saved.", others=beside)
    return _("%(other)s is used alone; with it at least as much is saved.", other=beside)


def _too_many(facts: Mapping[str, Any]) -> str:
    return _(
        "At most %(most)s coupons are used together; with %(others)s most is saved.",
        most=facts["most"],
        others=listed(facts["beside"]),
    )


def _better_without(facts: Mapping[str, Any]) -> str:
    return _("With %(others)s as much or more is saved without it.", others=listed(facts["beside"]))


def _till_has_coupon(facts: Mapping[str, Any]) -> str:
    return _(
        "%(offer)s was used with this till number %(when)s, and only coupons that join others are used together. Undo that one, or mend the number.",
        offer=facts["offer"],
        when=moment(datetime.fromisoformat(facts["at"])),
    )


_SENTENCES: Mapping[str, Any] = {
    "stands_alone": _stands_alone,
    "too_many": _too_many,
    "better_without": _better_without,
    "till_has_coupon": _till_has_coupon,
    "quote_changed": lambda _facts: _(
        "Something has changed since you looked. This is how it stands now; look at it, then use them."
    ),
    "none_applies": lambda _facts: _("None of these coupons can be used on this basket."),
}
