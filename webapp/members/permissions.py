"""What staff may do with members, and which roles may."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

PERMISSIONS = {
    "members.view": _l("See members, their purchases and their stages"),
    "members.edit": _l("Add and correct members, and record what they agree to"),
    "members.reveal": _l("See phones and e-mail addresses in full"),
}
ROLES = {
    "owner": {"members.view", "members.edit", "members.reveal"},
    "operator": {"members.view", "members.edit", "members.reveal"},
    "clerk": {"members.view", "members.edit"},
}
