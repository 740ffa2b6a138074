"""What is said to people about coupons: states, refusals, mistakes in an offer. Used by routes, in a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask import g
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _l

from webapp.coupons import says_together, says_using
from webapp.coupons.checking import Wrong
from webapp.kernel import money
from webapp.kernel.errors import Refused
from webapp.kernel.filters import day, moment
from webapp.kernel.i18n import pick_locale
from webapp.plugin_runtime.runtime import registry
from webapp.plugin_runtime.words import words

OFFER_STATES = {"draft": (_l("draft"), "wait"), "open": (_l("open"), "good"), "closed": (_l("closed"), "off")}
# state -> words, kind of badge
COUPON_STATES = {
    "issued": (_l("given, not taken yet"), "wait"),
    "claimed": (_l("taken"), "act"),
    "held": (_l("kept for a while"), "act"),
    "redeemed": (_l("used"), "good"),
    "reversed": (_l("given back, usable"), "act"),
    "expired": (_l("over"), "off"),
    "void": (_l("taken away"), "off"),
}
SHOWN = {
    "all": _l("All"),
    "issued": _l("Given"),
    "claimed": _l("Taken"),
    "redeemed": _l("Used"),
    "usable": _l("Usable"),
    "expired": _l("Over"),
    "void": _l("Taken away"),
}

_WRONG = {
    "name_length": _l("Give it a name of 1 to 120 characters."),
    "code_bad": _l("Use letters, digits, dashes and underscores, at most 40; begin with a letter or digit."),
    "code_taken": _l("Another offer has this code."),
    "out_of_range": _l("Between %(least)s and %(most)s."),
    "stock_below_issued": _l("%(issued)s are given already: the stock cannot be below that."),
    "no_end": _l("Say how many days it is valid, or the last day, or both."),
    "ends_before_it_begins": _l("The last day is before the first."),
    "ends_in_the_past": _l("This day has passed."),
    "over": _l("This day has passed."),
    "amount": _l("Give an amount above zero, and not beyond what can be paid."),
    "budget_below_saved": _l("%(saved_minor)s are saved already: the budget cannot be below that."),
    "choose": _l("Choose from the list."),
    "hours": _l("Give both times, and two that differ."),
    "words": _l("At most %(most)s lines of %(length)s characters."),
    "in_and_out": _l("%(word)s is named above as well."),
    "parked": _l("The plugin of this coupon type is switched off."),
    "plugin_failed": _l("The plugin of this coupon type failed; its author can see why in the log."),
}


def _(message: str, **facts: Any) -> str:
    return str(gettext(message, **facts))


def show_money(minor: int) -> str:
    """Plain text, for sentences."""
    return money.show(minor, g.brand.currency, pick_locale())


def _facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """As places of a sentence: what ends in _minor is money."""
    return {key: show_money(value) if key.endswith("_minor") else value for key, value in facts.items()}


def wrong(one: Wrong, plugin: str) -> str:
    """A mistake in an offer; the type's own mistakes in the words of its plugin."""
    if one.problem is not None:
        return words(plugin)(one.problem.message, **_facts(one.problem.facts))
    sentence = _WRONG.get(one.code)
    return str(sentence) % _facts(one.facts) if sentence else _("This does not fit.")


def refused(why: Refused) -> str:
    """Why a coupon was not given, or cannot be used, and what to do."""
    facts = why.facts
    if why.code == "not_applicable":
        return _not_applicable(facts)
    if why.code == "used":
        return _used(facts)
    if why.code == "expired":
        return _("It was valid until %(day)s.", day=day(date.fromisoformat(facts["until"])))
    if why.code == "not_yet":
        return _("It can be used from %(day)s.", day=day(date.fromisoformat(facts["from"])))
    if why.code == "over":
        return _("The offer ended on %(day)s.", day=day(date.fromisoformat(facts["until"])))
    if why.code == "too_early":
        return _("It can be had from %(moment)s.", moment=moment(datetime.fromisoformat(facts["from"])))
    if why.code == "too_late":
        return _("It could be had until %(moment)s.", moment=moment(datetime.fromisoformat(facts["until"])))
    if why.code == "per_person":
        return _("This person has had as many as one may have: %(limit)s.", limit=facts["limit"])
    if why.code in _PLAIN:
        return str(_PLAIN[why.code]) % {"most": facts.get("most", "")}
    beside = says_using.refused(why) or says_together.refused(why)
    return beside or _("This is not possible now.")


_PLAIN: Mapping[str, Any] = {
    "mistyped": _l(
        "This is no code of ours: one letter is wrong, missing or in another place. Type it once more."
    ),
    "unknown": _l("No coupon of this shop has this code."),
    "void": _l("This coupon was taken away."),
    "parked": _l("This kind of coupon is switched off at the moment. The owner can switch its plugin on."),
    "basket": _l("Give what the basket costs."),
    "plugin_failed": _l(
        "This coupon could not be worked out. Nothing was changed; the owner can see why in the log."
    ),
    "till_number": _l("A till number has at most %(most)s characters."),
    "sold_out": _l("All coupons of this offer are given."),
    "per_day": _l("All coupons of today are given. Come back tomorrow."),
    "not_for_you": _l("This offer is for other members."),
    "who_unknown": _l(
        "Whom this offer is for cannot be found out at the moment. The owner can look at who may have it."
    ),
    "code_needed": _l("This offer is for those who have a code. Type it."),
    "code_unknown": _l("This code does not belong to this offer. Look at it once more."),
    "code_used_up": _l("This code has been used as often as it may be."),
    "not_open": _l("This offer is not open."),
    "not_draft": _l(
        "Only a draft can be removed. An offer that was open once stays: coupons and figures tell of it."
    ),
    "in_use": _l(
        "It cannot be removed: a campaign, a matrix, an event page or a joining code gives coupons by it. "
        "Choose another offer there first."
    ),
    "codes_good": _l(
        "It cannot be removed: codes of it are still good, and may be on paper. Stop them first, on the page of its codes; "
        "then they go with it."
    ),
    "own_page": _l(
        "Members take this kind of coupon themselves, on the offer's own page. Give them its address, or its QR code."
    ),
    "claim_used": _l(
        "The same phone or address has used this offer as often as one person may. If it is somebody else's by mistake, "
        "give them one by hand."
    ),
    "welcome_used": _l("The same phone or address has used this welcome already: it is given once."),
}


def _not_applicable(facts: Mapping[str, Any]) -> str:
    if facts.get("needs_minor"):
        return _("The basket needs %(amount)s more.", amount=show_money(facts["needs_minor"]))
    if facts.get("needs_pieces"):
        return str(
            ngettext(
                "It needs %(num)s more piece.", "It needs %(num)s more pieces.", int(facts["needs_pieces"])
            )
        )
    if facts.get("reason") == "needs_lines":
        return _("It is worked out from the single goods: type what each of them costs.")
    owned = registry().coupon_types.get(facts.get("type", ""))
    sentence = owned[1].reasons.get(facts.get("reason", "")) if owned else None
    return words(owned[0])(sentence) if owned and sentence else _("It saves nothing on this basket.")


def _used(facts: Mapping[str, Any]) -> str:
    if "at" not in facts:
        return _("It has been used.")
    when = moment(datetime.fromisoformat(facts["at"]))
    if facts.get("store"):
        return _("It was used %(when)s at %(store)s.", when=when, store=facts["store"])
    return _("It was used %(when)s.", when=when)
