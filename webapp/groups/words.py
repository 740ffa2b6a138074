"""What groups' refusals, sources and figures are called on pages."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _l

from webapp.kernel.errors import Refused

# What a brand begins with; its own list takes their place as soon as it changes them.
DEFAULT_TYPES = (
    _l("Fans"),
    lazy_pgettext("a kind of chat group", "Members"),
    _l("Beauty"),
    _l("Weekly picks"),
    _l("Flash sales"),
    _l("Other"),
)
REFUSALS: dict[str, Any] = {
    "name_length": _l("Give it a name of 1 to 80 characters."),
    "name_taken": _l("Another group has this name."),
    "type_unknown": _l("Choose one of the list."),
    "store_unknown": _l("Choose one of the list."),
    "owner_unknown": _l("Choose one of the list."),
    "link_bad": _l("This is no whole address. It begins with https:// and has no spaces."),
    "capacity_bad": _l("Give a number from 1 to 100,000, or leave it blank."),
    "capacity_below": _l("More members than that are in it already."),
    "type_length": _l("Give it a name of 1 to 40 characters."),
    "type_taken": _l("This type is in the list already."),
    "type_used": _l("Groups are of this type. Give them another one first."),
    "type_last": _l("One type has to stay."),
    "too_many": _l("These are enough types."),
    "group_full": _l("The group is full. Raise its capacity, or open another group."),
    "group_closed": _l("The group is closed: nobody joins it any more."),
    "list_empty": _l("Write at least one line."),
    "list_long": _l("At most 500 lines at once."),
    "empty": _l("This file is empty."),
    "too_big": _l("This picture is over 1 MB. Take a screenshot of the code alone."),
    "too_large": _l("This picture has more than 4096 pixels a side. Take a smaller one."),
    "not_a_picture": _l("This is no whole PNG, JPEG or GIF picture."),
}
LINES: dict[str, tuple[Any, str]] = {
    "joined": (_l("is in it now"), "good"),
    "already": (_l("was in it already"), "plain"),
    "nobody": (_l("nobody has this number or whole phone"), "warn"),
    "several": (_l("several members have this address"), "warn"),
    "full": (_l("no room left"), "warn"),
    "closed": (_l("the group is closed"), "warn"),
}
_SOURCES: dict[str, Any] = {
    "staff": _l("by staff"),
    "list": _l("by a list"),
    "link": _l("by the group's link"),
    "touchpoint": _l("by a joining page"),
}


def refusal(refused: Refused | str) -> str:
    """A refusal as a sentence."""
    code = refused if isinstance(refused, str) else refused.code
    return str(REFUSALS.get(code) or gettext("This cannot be done now."))


def source(word: str) -> str:
    """How somebody came or left: the word before a colon decides."""
    return str(_SOURCES.get(word.partition(":")[0], word))
