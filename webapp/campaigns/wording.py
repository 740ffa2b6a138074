"""Codes of campaigns in words."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from webapp.campaigns.content import Wrong
from webapp.kernel.errors import Refused
from webapp.outbox import words as outbox
from webapp.plugin_runtime import words


def _(message: str, **facts: Any) -> str:
    """gettext, typed."""
    return str(gettext(message, **facts))


# state -> (words, kind of badge)
STATES: dict[str, tuple[Any, str]] = {
    "draft": (_l("draft"), "plain"),
    "laying": (_l("being prepared"), "act"),
    "sending": (_l("being sent"), "act"),
    "paused": (_l("paused"), "wait"),
    "done": (_l("done"), "good"),
    "cancelled": (_l("cancelled"), "off"),
}
DELIVERY: dict[str, tuple[Any, str]] = {
    "queued": (_l("waiting"), "wait"),
    "leased": (_l("waiting"), "wait"),
    "in_flight": (_l("on its way"), "act"),
    "sent": (_l("sent"), "good"),
    "failed": (_l("failed"), "warn"),
    "unknown": (_l("not known"), "warn"),
    "left_out": (_l("left out"), "off"),
    "cancelled": (_l("cancelled"), "off"),
}
REASONS: dict[str, Any] = {
    "no_address": _l("No address for this channel"),
    "no_consent": _l("Has not agreed to be written to"),
    "ordered_since": _l("Has ordered since"),
    "coupon_limit": _l("Has had as many of these coupons as one person may"),
    "no_coupon": _l("No coupon left"),
    "no_row": _l("No row of the matrix has a coupon for them"),
    "not_for_them": _l("The offer is for other members"),
    "day_limit": _l("No coupon left for this day"),
    "no_offer": _l("The offer gave no coupons at that moment"),
    "held_out": _l("Held out, to compare with"),
    "gone": _l("No longer a member"),
    "group_closed": _l("The group is closed"),
    "no_owner": _l("Nobody owns the group"),
    "render": _l("The text could not be filled in for them"),
    "bad_address": _l("The address does not exist"),
    "refused": _l("The receiving side refused it"),
    "worker_lost": _l("The program was stopped while it was on its way"),
    "plugin_failed": _l("The channel's plugin failed"),
    "nothing_to_say": _l("There was nothing to say"),
}
REFUSALS: dict[str, Any] = {
    "name_length": _l("Give it a name of 1 to 120 characters."),
    "no_channel": _l("This channel is not switched on. Settings, Plugins: switch it on, or choose another."),
    "no_offer": _l("This offer is not open. Open it, or choose another."),
    "no_matrix": _l("No row of this matrix gives coupons now. Open one of its offers, or choose another."),
    "matrix_in_groups": _l("A post in groups tells of one offer: choose one, not a matrix."),
    "offer_over": _l("The offer's last day has passed. Choose another, or give it a later day."),
    "offer_window": _l("The offer gives no coupons now: look at from when and until when it does."),
    "offer_parked": _l("The offer's coupon type is switched off. Settings, Plugins: switch it on."),
    "not_a_draft": _l("This campaign has been sent off already."),
    "bad_rule": _l("The audience cannot be read. Open it and save it again."),
    "no_groups": _l("No group is chosen that somebody owns and that is open."),
    "not_groups": _l("This campaign goes to members, not to groups."),
    "too_many_groups": _l("At most 500 groups at once."),
    "nobody": _l("Nobody would get it. Widen the audience, or look at why people are left out."),
    "content": _l("The message is not finished: open it and look at what is marked."),
    "too_long": _l("The texts are too long."),
    "not_sending": _l("It is not being sent just now."),
    "not_paused": _l("It is not paused."),
    "over": _l("It is over already."),
    "not_unknown": _l("Somebody has answered this already."),
    "campaign_over": _l("The campaign was cancelled: nothing more can be sent."),
    "channel_not_ready": _l("The channel is not set up yet."),
    "plugin_failed": _l("The channel's plugin failed."),
}


def reason(code: str) -> str:
    """Why a delivery was left out or failed; the outbox knows what channels say."""
    return str(REASONS.get(code) or outbox.reason(code) or _("not said"))


def refusal(refused: Refused) -> str:
    """A refusal as a sentence."""
    if refused.code == "channel_not_ready" and refused.facts.get("sentence"):
        return str(words.words(refused.facts["plugin"])(refused.facts["sentence"]))
    return str(REFUSALS.get(refused.code) or _("This cannot be done now."))


def wrong(one: Wrong) -> str:
    """What is wrong with a text, naming the placeholder and the line."""
    where = _(" (line %(line)s)", line=one.line) if one.line > 1 else ""
    if one.code == "required":
        return _("This is needed.")
    if one.code == "no_address":
        return _("This is no whole address. It begins with https://.")
    if one.code == "too_long":
        return _("At most %(most)s characters; these are %(length)s.", **one.facts)
    if one.code == "unknown":
        return _("There is no placeholder “%(what)s”. Below stand all there are.", what=one.what) + where
    if one.code == "needs_offer":
        return _("“%(what)s” needs an offer: choose one first, or take it out.", what=one.what) + where
    if one.code == "syntax":
        return (
            _("A placeholder is not finished: %(what)s. It reads {{ member.name }}.", what=one.what) + where
        )
    return (
        _("“%(what)s” cannot be used in a message: only placeholders, “or” and “if”.", what=one.what) + where
    )
