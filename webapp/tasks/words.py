"""What states, moves, sources and refusals of tasks are called."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _l

from webapp.kernel.errors import Refused


def _(message: str, **facts: Any) -> str:
    """gettext, typed."""
    return str(gettext(message, **facts))


# state -> (words, kind of badge)
STATES: dict[str, tuple[Any, str]] = {
    "open": (_l("to do"), "act"),
    "done": (_l("done"), "good"),
    "unreached": (_l("not reached"), "wait"),
    "declined": (_l("asked not to be contacted"), "warn"),
    "cancelled": (_l("cancelled"), "off"),
}
MOVES: dict[str, Any] = {
    "made": lazy_pgettext("of tasks", "made"),
    "taken": lazy_pgettext("of tasks", "taken"),
    "given": lazy_pgettext("of tasks", "given"),
    "done": _l("done"),
    "unreached": _l("nobody reached"),
    "declined": _l("asked not to be contacted"),
    "cancelled": _l("cancelled"),
    "undone": lazy_pgettext("of tasks", "undone"),
}
STOPPED = (_l("not to be contacted"), "warn")  # open, and the member does not agree any more
LEFT_OUT: dict[str, Any] = {
    "no_consent": _l("have not agreed to be contacted by your staff"),
    "has_task": _l("have an open task already"),
    "asked": _l("had such a task in the last 30 days"),
}
REFUSALS: dict[str, Any] = {
    "staff_unknown": _l("Choose somebody of the list."),
    "member_unknown": _l("No member has this number, phone or address."),
    "no_consent": _l(
        "This member has not agreed to be contacted with offers. A question of service is another matter."
    ),
    "changed": _l("Meanwhile it is another number. Look again, then press once more."),
    "task_stopped": _l("They have not agreed to be contacted, or have taken it back."),
    "undo_late": _l("This was said on another day, so it stays."),
    "undo_theirs": _l("Only who said it, or a manager, can undo it."),
    "undo_moved": _l("Something else was done with this task since, so it stays."),
    "who": _l("Choose a member, somebody of the staff, or a store."),
}


def source(word: str) -> str:
    """Where a task comes from."""
    kind, _colon, what = word.partition(":")
    if kind == "campaign":
        return _("a campaign")
    if kind == "reminder":
        return _("a reminder of a coupon")
    if kind == "telling":
        return _("something they took part in")
    if kind == "sign":
        return (
            _("an early sign: about to go quiet")
            if what == "dormancy"
            else _("an early sign: about to be lost")
        )
    if kind == "manager":
        return _("given by hand")
    if kind == "group":
        return _("a group")
    return what or word


def refusal(refused: Refused, who: str = "") -> str:
    """A refusal as a plain sentence about how things stand. who: the name behind facts["staff_id"]."""
    if refused.code == "task_taken":
        return _("%(who)s has taken this one.", who=who or _("Somebody else"))
    if refused.code == "task_over":
        state = str(STATES.get(str(refused.facts.get("state")), (_("over"), ""))[0])
        if who:
            return _("This one is over already: %(state)s, by %(who)s.", state=state, who=who)
        return _("This one is over already: %(state)s.", state=state)
    if refused.code == "task_noted":
        return _("It was noted already.")
    return str(REFUSALS.get(refused.code) or _("This cannot be done now."))
