"""What an offer promises, in words for members: when and where a coupon can be used, how far the offer is, why none was
given. Used by routes, in a request."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from webapp.brands import queries as brands
from webapp.catalogue import queries as catalogue
from webapp.coupons import says
from webapp.coupons.conditions import Conditions, load
from webapp.coupons.models import Offer, OfferTerms
from webapp.coupons.says_using import clock, days, listed
from webapp.kernel.errors import Refused
from webapp.kernel.filters import moment
from webapp.kernel.scope import Scope

# stage (public_page.stage) -> words, kind of badge; one that is simply open needs no word
STAGES: dict[str, tuple[Any, str]] = {
    "soon": (_l("soon"), "wait"),
    "open": (_l("open"), "good"),
    "few": (_l("few left"), "warn"),
    "today_gone": (_l("gone for today"), "wait"),
    "sold_out": (_l("sold out"), "off"),
    "over": (_l("ended"), "off"),
    "resting": (_l("not now"), "wait"),
}


def _(message: str, **facts: Any) -> str:
    return str(gettext(message, **facts))


def conditions_in_words(
    conditions: Conditions, stores: Mapping[int, str], goods: Mapping[str, str] | None = None
) -> list[str]:
    """What a member has to know before they go: days, hours, stores, goods, least spend, whether it joins others.

    stores: id -> name of the brand's stores; goods: the till's word -> what people call it, where that differs.
    """
    said: list[str] = []
    if conditions.weekdays and len(set(conditions.weekdays)) < 7:
        said.append(_("Good on %(days)s.", days=_days(conditions.weekdays)))
    if conditions.hours is not None:
        first, end = conditions.hours
        span = {"first": clock(first), "end": clock(end)}
        said.append(
            _("Good from %(first)s to %(end)s.", **span)
            if first < end
            else _("Good from %(first)s to %(end)s the next morning.", **span)
        )
    if conditions.stores:
        named = [stores[id_] for id_ in conditions.stores if id_ in stores]
        said.append(
            _("Good at %(stores)s.", stores=listed(named))
            if named
            else _("Good at some stores only: please ask.")
        )
    said += _goods(conditions, goods or {})
    if conditions.least_minor:
        amount = says.show_money(conditions.least_minor)
        said.append(
            _("From %(amount)s of these goods.", amount=amount)
            if conditions.picks
            else _("From a purchase of %(amount)s.", amount=amount)
        )
    said.append(
        _("Can be used together with other coupons that can, on one purchase.")
        if conditions.joins
        else _("One purchase takes one coupon: this one does not join others.")
    )
    return said


def of_terms(scope: Scope, terms: OfferTerms) -> list[str]:
    """The conditions of an offer's terms in words, with the stores and goods as the shop calls them."""
    said = load(terms.conditions or {})
    stores = {one.id: one.name for one in brands.stores(scope)} if said.stores else {}
    goods = catalogue.names(scope, (*said.products, *said.products_out)) if said.picks else {}
    if said.picks:
        goods = catalogue.category_names(scope, (*said.categories, *said.categories_out)) | goods
    return conditions_in_words(said, stores, goods)


def _goods(conditions: Conditions, names: Mapping[str, str]) -> list[str]:
    def called(words: Sequence[str]) -> str:
        return listed([names.get(word) or word for word in words])

    said = []
    if named := (*conditions.products, *conditions.categories):
        said.append(_("Good for: %(goods)s.", goods=called(named)))
    if out := (*conditions.products_out, *conditions.categories_out):
        said.append(_("Not for: %(goods)s.", goods=called(out)))
    return said


def _days(weekdays: Collection[int]) -> str:
    """Three and more in a row as "Monday to Friday", others one by one."""
    found = sorted(set(weekdays))
    if len(found) > 2 and found == list(range(found[0], found[-1] + 1)):
        return _("%(first)s to %(last)s", first=days(found[:1]), last=days(found[-1:]))
    return days(found)


def stage_in_words(offer: Offer, stage: str) -> str:
    """One sentence about how far an offer is, with what to do; blank where there is nothing to add."""
    if stage == "soon" and offer.claim_from is not None:
        return _("You can take it from %(moment)s.", moment=moment(offer.claim_from))
    if stage in ("open", "few") and offer.claim_until is not None:
        return _("You can take it until %(moment)s.", moment=moment(offer.claim_until))
    plain = {
        "today_gone": _("All of today are taken. There are more tomorrow."),
        "sold_out": _("All are taken. Coupons that people have taken stay good."),
        "over": _("It cannot be taken any more. Coupons that people have taken stay good."),
        "resting": _("It cannot be taken at the moment. Please ask in the shop."),
    }
    return plain.get(stage, "")


def not_given(why: Refused, offer: Offer, limit: int) -> str:
    """Why somebody who asked for a coupon has none, and what to do. Says nothing of anybody's phone."""
    if why.code == "too_early":
        return stage_in_words(offer, "soon") or _("It cannot be taken yet.")
    plain = {
        "not_open": stage_in_words(offer, "over"),
        "over": stage_in_words(offer, "over"),
        "too_late": stage_in_words(offer, "over"),
        "sold_out": stage_in_words(offer, "sold_out"),
        "per_day": stage_in_words(offer, "today_gone"),
        "parked": stage_in_words(offer, "resting"),
        "per_person": _("You have had as many of these as one person may have: %(limit)s.", limit=limit),
        "who_unknown": _("We cannot tell just now for whom this is. Please ask in the shop."),
        "not_for_you": _(
            "This offer is for certain members. If you are one, open your wallet first, by the link that the shop gave "
            "you, and then this page again on the same phone. Or ask in the shop."
        ),
        "code_needed": _("Type the code that you were given."),
        "code_unknown": _("This offer has no such code. Please look at it again."),
        "code_used_up": _(
            "This code has been used as often as it can be. Please ask whoever gave it to you."
        ),
    }
    return plain.get(why.code) or says.refused(why)
