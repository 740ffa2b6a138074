"""Why a coupon cannot be used here and now, with this basket, or be undone: what is said of it. Used by routes, in a request."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from babel.dates import format_time, get_day_names
from babel.lists import format_list
from flask import g
from flask_babel import gettext, ngettext

from webapp.kernel import money
from webapp.kernel.errors import Refused
from webapp.kernel.filters import day, moment
from webapp.kernel.i18n import pick_locale

NAMED = 6  # stores that a sentence names


def _(message: str, **facts: Any) -> str:
    return str(gettext(message, **facts))


def days(weekdays: Collection[int]) -> str:
    """Names of weekdays, 0 is Monday."""
    names = get_day_names("wide", locale=pick_locale())
    return listed([str(names[one]) for one in sorted(set(weekdays))])


def clock(minute: int) -> str:
    """A minute of the day as people read it."""
    return str(format_time(time(minute // 60 % 24, minute % 60), format="short", locale=pick_locale()))


def listed(words: Sequence[str]) -> str:
    """One thing, two and a third."""
    return str(format_list(list(words), locale=pick_locale())) if words else ""


def refused(why: Refused) -> str | None:
    """The sentence; None for a reason that is not one of these."""
    sentence = _SENTENCES.get(why.code)
    return sentence(why.facts) if sentence else None


def _amount(minor: int) -> str:
    return money.show(minor, g.brand.currency, pick_locale())


def _weekday(facts: Mapping[str, Any]) -> str:
    return _("Not today: it can be used on %(days)s.", days=days(facts["weekdays"]))


def _hours(facts: Mapping[str, Any]) -> str:
    span = {"first": clock(facts["from"]), "end": clock(facts["until"])}
    if facts["from"] < facts["until"]:
        return _("Not at this hour: it can be used from %(first)s to %(end)s.", **span)
    return _("Not at this hour: it can be used from %(first)s to %(end)s of the next day.", **span)


def _stores(facts: Mapping[str, Any]) -> str:
    names = list(facts.get("names", ()))
    if len(names) > NAMED:
        more = len(names) - NAMED
        names = [*names[:NAMED], str(ngettext("%(num)s more", "%(num)s more", more))]
    return listed(names)


def _store(facts: Mapping[str, Any]) -> str:
    stores = _stores(facts)
    if not stores:
        return _("Not at this store.")
    return _("Not at this store: it can be used at %(stores)s.", stores=stores)


def _which_store(facts: Mapping[str, Any]) -> str:
    return _("Choose the store you are in: it can be used at %(stores)s.", stores=_stores(facts))


def _least(facts: Mapping[str, Any]) -> str:
    amount = _amount(facts["needs_minor"])
    if facts.get("goods"):
        return _("The goods that it is good for need %(amount)s more.", amount=amount)
    return _("The basket needs %(amount)s more.", amount=amount)


def _held(facts: Mapping[str, Any]) -> str:
    until = moment(datetime.fromisoformat(facts["until"]))
    return _("It is kept for another purchase until %(when)s.", when=until)


def _waiting(facts: Mapping[str, Any]) -> str:
    until = moment(datetime.fromisoformat(facts["until"]))
    return _(
        "It is not good yet: whether it will be is known by %(when)s at the latest. The page where it was taken says what it "
        "waits for.",
        when=until,
    )


def _budget(facts: Mapping[str, Any]) -> str:
    if facts.get("left_minor"):
        return _(
            "What this offer may save in all is nearly spent: %(amount)s are left, too little for this basket.",
            amount=_amount(facts["left_minor"]),
        )
    return _("What this offer may save in all is spent.")


def _undo_late(facts: Mapping[str, Any]) -> str:
    used_on = day(date.fromisoformat(facts["on"]))
    if "days" in facts:
        return _("It was used on %(day)s.", day=used_on) + " " + undo_limit_for_managers(facts["days"])
    if "hours" in facts:
        return _(
            "It was used on %(day)s. A clerk undoes a use within %(hours)s; after that the store's manager does.",
            day=used_on,
            hours=in_hours(facts["hours"]),
        )
    if facts.get("never"):
        return _("It was used on %(day)s. Only the store's manager undoes a use.", day=used_on)
    return _(
        "It was used on %(day)s. What was used on an earlier day is undone by the store's manager.",
        day=used_on,
    )


def in_hours(hours: int) -> str:
    """So many hours, as people say it."""
    return str(ngettext("%(num)s hour", "%(num)s hours", hours))


def undo_limit_for_managers(days: int) -> str:
    """Until when a store's manager undoes a use: so many days after its own."""
    if not days:
        return _("A store's manager undoes a use on the same day only.")
    return str(
        ngettext(
            "A store's manager undoes a use until the end of the next day.",
            "A store's manager undoes a use for %(num)s days after its own.",
            days,
        )
    )


_SENTENCES: Mapping[str, Any] = {
    "weekday": _weekday,
    "hours": _hours,
    "store": _store,
    "which_store": _which_store,
    "least": _least,
    "held": _held,
    "waiting": _waiting,
    "budget_spent": _budget,
    "undo_late": _undo_late,
    "until": lambda facts: _("It can be kept for at most %(hours)s hours.", hours=facts["hours"]),
    "undone": lambda _facts: _("Its use has been undone: nothing of it stands."),
    "nothing_back": lambda _facts: _("Say what came back."),
    "left_more": lambda facts: _(
        "What stays costs less than what was bought: at most %(amount)s.", amount=_amount(facts["most_minor"])
    ),
    "pieces": lambda _facts: _("More pieces came back than were bought."),
    "goods": lambda _facts: _("None of these goods is one that it is good for."),
}
