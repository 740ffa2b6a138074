"""What a message may be filled with. Each placeholder says what it needs and has a sample, so that a preview always works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any

from babel.dates import format_date
from babel.support import NullTranslations, Translations
from flask_babel import lazy_gettext as _l

from webapp.kernel.paths import translations_dir


@dataclass(frozen=True, slots=True)
class CouponFacts:
    """One member's coupon as their message tells of it, in the brand's language."""

    url: str
    code: str
    until: str
    terms: str
    name: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one recipient. coupon None: the campaign carries no offer."""

    name: str
    number: str
    store: str
    brand: str
    coupon: CouponFacts | None = None
    group: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{{ key }}`. sample: what it looks like; needs_offer: only where the campaign carries an offer; kinds: of
    campaigns, in which it can stand."""

    key: str
    label: Any  # lazy text
    sample: Any  # lazy text
    of: Callable[[Facts], str]
    needs_offer: bool = False
    kinds: tuple[str, ...] = ("members",)


def _coupon(name: str) -> Callable[[Facts], str]:
    return lambda facts: str(getattr(facts.coupon, name)) if facts.coupon else ""


BOTH = ("members", "groups")
PLACEHOLDERS: dict[str, Placeholder] = {
    one.key: one
    for one in (
        Placeholder("member.name", _l("The member's name"), _l("Li Lei"), lambda facts: facts.name),
        Placeholder("member.number", _l("The member's number"), "00042", lambda facts: facts.number),
        Placeholder(
            "store.name", _l("The member's store"), _l("Nanjing Road"), lambda facts: facts.store, kinds=BOTH
        ),
        Placeholder("brand.name", _l("The name of your shop"), "Acme", lambda facts: facts.brand, kinds=BOTH),
        Placeholder("coupon.name", _l("What the offer is called"), _l("20 off"), _coupon("name"), True, BOTH),
        Placeholder(
            "coupon.terms",
            _l("What the coupon saves"),
            _l("Spend 100, save 20"),
            _coupon("terms"),
            True,
            BOTH,
        ),
        Placeholder(
            "coupon.url", _l("The link to their coupon"), "https://example.com/c/…", _coupon("url"), True
        ),
        Placeholder("coupon.code", _l("The code for the counter"), "ABC DEF GHJ", _coupon("code"), True),
        Placeholder(
            "coupon.until", _l("The coupon's last day"), _l("31 December"), _coupon("until"), True, BOTH
        ),
        Placeholder(
            "group.name",
            _l("What the group is called"),
            _l("Fans of Nanjing Road"),
            lambda facts: facts.group,
            kinds=("groups",),
        ),
        Placeholder(
            "group.link",
            _l("The group's own link, which is counted"),
            "https://example.com/g/…",
            lambda facts: facts.link,
            kinds=("groups",),
        ),
    )
}


def of_kind(kind: str, *, has_offer: bool) -> list[Placeholder]:
    """Those that can stand in a campaign of this kind."""
    return [one for one in PLACEHOLDERS.values() if kind in one.kinds and (has_offer or not one.needs_offer)]


def namespace(facts: Facts, kind: str = "members") -> dict[str, dict[str, str]]:
    """The values as templates of this kind of campaign see them; coupon.* only where there is a coupon."""
    tree: dict[str, dict[str, str]] = {}
    for key, one in PLACEHOLDERS.items():
        if kind not in one.kinds or (one.needs_offer and facts.coupon is None):
            continue
        root, _, leaf = key.partition(".")
        tree.setdefault(root, {})[leaf] = one.of(facts)
    return tree


# -------------------------------------------------------------------------------------- words in the brand's language


def N_(message: str) -> str:
    """Marks a message for the catalogue; it is translated where the brand's language is known."""
    return message


@cache
def _catalogue(locale: str) -> NullTranslations:
    return Translations.load(str(translations_dir()), [locale])


@lru_cache(maxsize=256)
def last_day(day: date | None, days_from_claim: int | None, locale: str) -> str:
    """A coupon's last day, or how many days it holds from the moment it is opened."""
    if day is not None:
        return format_date(day, format="long", locale=locale)
    message = N_("%(n)s days after you open it")
    return _catalogue(locale).ugettext(message) % {"n": days_from_claim or 0}


POST_IN = N_("Post in %(group)s")


def in_words(message: str, locale: str) -> str:
    """A message of ours in the brand's language."""
    return _catalogue(locale).ugettext(message)


def greeting(name: str, locale: str) -> str:
    """How a message of the shop's own begins."""
    return in_words(N_("Dear %(name)s,"), locale) % {"name": name} if name else in_words(N_("Hello,"), locale)


def joined(lines: list[str], locale: str) -> str:
    """What an offer promises, its sentences in one line."""
    return _catalogue(locale).ugettext(N_("; ")).join(lines)


def spaced(code: str) -> str:
    """A coupon's code in groups of three, as a clerk reads it."""
    return " ".join(code[at : at + 3] for at in range(0, len(code), 3))
