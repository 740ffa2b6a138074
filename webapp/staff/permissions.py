"""What each role may do. The one table; rooms name these permissions on their routes."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

PERMISSIONS = {
    "members.view": _l("See members"),
    "members.reveal": _l("See phones and e-mail addresses in full"),
    "members.edit": _l("Add and correct members"),
    "lifecycle.view": _l("See the life cycle"),
    "lifecycle.run": _l("Run the life cycle now"),
    "campaigns.view": _l("See campaigns and what they brought"),
    "campaigns.edit": _l("Write campaigns"),
    "campaigns.send": _l("Send campaigns"),
    "coupons.view": _l("See offers and coupons"),
    "coupons.edit": _l("Make offers, give and withdraw coupons"),
    "counter.redeem": _l("Redeem coupons at the counter"),
    "counter.reverse": _l("Undo a redemption"),
    "settings.edit": _l("Change the shop's settings"),
    "plugins.edit": _l("Switch plugins on and set them"),
    "staff.edit": _l("Let staff in"),
}

_CLERK = frozenset({"counter.redeem", "counter.reverse", "members.view", "members.edit"})
_OPERATOR = _CLERK | {
    "members.reveal",
    "lifecycle.view",
    "lifecycle.run",
    "campaigns.view",
    "campaigns.edit",
    "campaigns.send",
    "coupons.view",
    "coupons.edit",
}
ROLES: dict[str, frozenset[str]] = {
    "owner": frozenset(PERMISSIONS),
    "operator": frozenset(_OPERATOR),
    "clerk": _CLERK,
}
ROLE_NAMES = {"owner": _l("Owner"), "operator": _l("Operator"), "clerk": _l("Clerk")}
