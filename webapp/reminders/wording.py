"""What a reminder says, in the language of whoever reads it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from babel.dates import format_date

from webapp.campaigns.placeholders import N_, greeting, in_words, joined, spaced

ONE = N_("%(offer)s: until %(day)s")
SAME_DAY = N_("Your coupons end on %(day)s")
SEVERAL = N_("Your coupons end soon")
TASK_ONE = N_("Remind of a coupon: %(offer)s, until %(day)s")
TASK_SEVERAL = N_("Remind of coupons that end soon, the first on %(day)s")
BEFORE = N_("you have not used this yet:")
LINE = N_("%(offer)s (%(promise)s)")
UNTIL = N_("Until %(day)s. Code for the counter: %(code)s")
PROFILE = N_("A reminder of coupons that end soon")
SUBJECT = 200  # characters


@dataclass(frozen=True, slots=True)
class Named:
    """A coupon as a reminder names it. promise: what it saves, in sentences."""

    offer: str
    promise: tuple[str, ...]
    code: str
    url: str
    until: date


def subject(coupons: Sequence[Named], locale: str) -> str:
    """The line above: the coupon, or how soon they end."""
    days = sorted({one.until for one in coupons})
    first = _day(days[0], locale)
    if len(coupons) == 1:
        return (in_words(ONE, locale) % {"offer": coupons[0].offer, "day": first})[:SUBJECT]
    return in_words(SAME_DAY if len(days) == 1 else SEVERAL, locale) % {"day": first}


def task(coupons: Sequence[Named], locale: str) -> str:
    """The same for the guide who says it."""
    first = _day(min(one.until for one in coupons), locale)
    message = TASK_ONE if len(coupons) == 1 else TASK_SEVERAL
    return (in_words(message, locale) % {"offer": coupons[0].offer, "day": first})[:SUBJECT]


def profile(locale: str) -> str:
    """What staff read of it on a member's profile."""
    return in_words(PROFILE, locale)


def text(name: str, coupons: Sequence[Named], locale: str) -> str:
    """The whole message: those that end first on top."""
    parts = [f"{greeting(name, locale)}\n\n{in_words(BEFORE, locale)}"]
    for one in sorted(coupons, key=lambda one: one.until):
        what = one.offer
        if one.promise:
            promise = joined(list(one.promise), locale)
            what = in_words(LINE, locale) % {"offer": one.offer, "promise": promise}
        until = in_words(UNTIL, locale) % {"day": _day(one.until, locale), "code": spaced(one.code)}
        parts.append(f"{what}\n{until}\n{one.url}")
    return "\n\n".join(parts) + "\n"


def _day(day: date, locale: str) -> str:
    return format_date(day, format="long", locale=locale)
