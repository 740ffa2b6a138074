"""What the pages about files call things."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

STATES = {
    "uploaded": (_l("columns to be matched"), "wait"),
    "checking": (_l("being checked"), "act"),
    "checked": (_l("checked, nothing brought in yet"), "wait"),
    "applying": (_l("being brought in"), "act"),
    "done": (_l("brought in"), "good"),
    "refused": (_l("cannot be read"), "warn"),
    "cancelled": (_l("thrown away"), "off"),
    "undoing": (_l("being taken back"), "act"),
    "undone": (_l("taken back"), "off"),
    "lost": (_l("lost on the way"), "warn"),
}
KINDS = {"members": _l("Members"), "orders": _l("Orders")}
COLUMNS: dict[str, dict[str, Any]] = {
    "members": {
        "number": _l("Member number"),
        "name": _l("Name of the person"),
        "phone": _l("Phone"),
        "email": _l("E-mail"),
        "birthday": _l("Birthday"),
        "gender": _l("Gender"),
        "joined_at": _l("Joined on"),
        "store": _l("Store"),
    },
    "orders": {
        "number": _l("Order number"),
        "ordered_at": _l("Date and time"),
        "paid": _l("Amount paid"),
        "member": _l("Member number"),
        "phone": _l("The member's phone"),
        "store": _l("Store"),
        "gross": _l("Amount before discounts"),
        "discount": _l("Discount"),
    },
    "lines": {
        "order": _l("Order number"),
        "product": _l("Product"),
        "amount": _l("Amount of the line"),
        "quantity": _l("Quantity"),
        "category": _l("Category"),
    },
}
REQUIRED = {
    "members": ("number",),
    "orders": ("number", "ordered_at", "paid"),
    "lines": ("order", "product", "amount"),
}
ENCODINGS = {"utf-8": "UTF-8", "gb18030": "GB18030", "utf-16": "UTF-16"}
DIVIDERS = {",": _l("commas"), ";": _l("semicolons"), "\t": _l("tabs")}
REFUSALS = {
    "not_checked": _l("It has been decided about already, or must be checked again."),
    "bad_rows": _l("Some rows are bad: mend the file, or take the good rows only."),
    "not_done": _l("Only what was brought in can be taken back."),
    "too_late": _l("It was brought in more than 30 days ago: what was there before is no longer kept."),
}


def built(name: str, count: int) -> str:
    """What stands in the way of undoing."""
    if name == "orders":
        return str(ngettext("%(num)s order of these members", "%(num)s orders of these members", count))
    if name == "coupon":
        return str(
            ngettext("%(num)s coupon that they were given", "%(num)s coupons that they were given", count)
        )
    if name == "redemption":
        return str(
            ngettext(
                "%(num)s coupon was used with one of these orders",
                "%(num)s coupons were used with these orders",
                count,
            )
        )
    if name == "delivery":
        return str(
            ngettext(
                "%(num)s message that was sent to them", "%(num)s messages that were sent to them", count
            )
        )
    if name == "consent":
        return str(
            ngettext(
                "%(num)s answer about consent of their own",
                "%(num)s answers about consent of their own",
                count,
            )
        )
    if name == "corrected":
        return str(
            ngettext("%(num)s member was corrected since", "%(num)s members were corrected since", count)
        )
    if name == "corrected_orders":
        return str(ngettext("%(num)s order was changed since", "%(num)s orders were changed since", count))
    if name == "task":
        return str(ngettext("%(num)s task about them", "%(num)s tasks about them", count))
    return str(
        ngettext(
            "%(num)s further note of the shop about them",
            "%(num)s further notes of the shop about them",
            count,
        )
    )


def left(seconds: float) -> str:
    """How long it still takes, roughly."""
    if seconds < 60:
        whole = max(1, round(seconds))
        return str(ngettext("about %(num)s second left", "about %(num)s seconds left", whole))
    whole = round(seconds / 60)
    return str(ngettext("about %(num)s minute left", "about %(num)s minutes left", whole))


def required() -> str:
    """The error of a column that must be there."""
    return str(_("Choose the file's column for this: it is needed."))
