"""What each role may do. The one table; rooms name these permissions on their routes."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

PERMISSIONS = {
    "members.view": _l("See members"),
    "members.reveal": _l("See phones and e-mail addresses in full"),
    "members.edit": _l("Add and correct members"),
    "tags.edit": _l("Tag members by hand"),
    "tags.define": _l("Define tags"),
    "lifecycle.view": _l("See the life cycle"),
    "lifecycle.run": _l("Run the life cycle now"),
    "campaigns.view": _l("See campaigns and what they brought"),
    "campaigns.edit": _l("Write campaigns"),
    "campaigns.send": _l("Send campaigns"),
    "coupons.view": _l("See offers and coupons"),
    "coupons.edit": _l("Make offers, give and withdraw coupons"),
    "catalogue.view": _l("See products and categories"),
    "catalogue.edit": _l("Correct products and bring lists of them in"),
    "counter.redeem": _l("Redeem coupons at the counter"),
    "counter.reverse": _l("Undo a redemption"),
    "counter.oversee": _l("See everybody's day at the counter, undo redemptions of earlier days"),
    "touchpoints.view": _l("See joining codes and what they brought"),
    "touchpoints.edit": _l("Make joining codes and say who is assigned"),
    "groups.view": _l("See chat groups"),
    "groups.edit": _l("Make chat groups and say who is in them"),
    "tasks.do": _l("Do tasks"),
    "tasks.give": _l("Give tasks"),
    "imports.run": _l("Bring files in"),
    "brand.edit": _l("Change name, colour, logo and stores"),
    "settings.edit": _l("Change the shop's settings"),
    "plugins.edit": _l("Switch plugins on and set them"),
    "api.keys": _l("Make and revoke keys for tills and shops"),
    "backup.view": _l("See and make backups"),
    "staff.edit": _l("Let staff in"),
    "staff.quick": _l("Give guides and clerks a quick sign-in"),
}

_CLERK = frozenset({"counter.redeem", "counter.reverse", "members.view", "members.edit", "tasks.do"})
_GUIDE = frozenset(
    {
        "counter.redeem",
        "groups.view",
        "members.edit",
        "members.view",
        "tags.edit",
        "tasks.do",
        "touchpoints.view",
    }
)
_MANAGER = (
    _CLERK
    | _GUIDE
    | {
        "catalogue.view",
        "counter.oversee",
        "coupons.view",
        "groups.edit",
        "members.reveal",
        "staff.quick",
        "tags.define",
        "tasks.give",
        "touchpoints.edit",
    }
)
_SENDER = frozenset(
    {
        "campaigns.send",
        "campaigns.view",
        "catalogue.view",
        "coupons.view",
        "groups.view",
        "lifecycle.view",
        "members.view",
        "touchpoints.view",
    }
)
_OPERATOR = (_MANAGER - {"staff.quick"}) | {
    "campaigns.edit",
    "campaigns.view",
    "catalogue.edit",
    "coupons.edit",
    "imports.run",
    "lifecycle.run",
    "lifecycle.view",
}
ROLES: dict[str, frozenset[str]] = {
    "owner": frozenset(PERMISSIONS),
    "operator": _OPERATOR,
    "sender": _SENDER,
    "manager": _MANAGER,
    "guide": _GUIDE,
    "clerk": _CLERK,
}
ROLE_NAMES = {
    "owner": _l("Owner"),
    "operator": _l("Operator"),
    "sender": _l("Sender"),
    "manager": _l("Store manager"),
    "guide": _l("Guide"),
    "clerk": _l("Clerk"),
}
# Roles whose reach is their stores (none given: the whole brand). The others always see the whole brand.
IN_STORES = frozenset({"manager", "guide", "clerk"})
