"""How values are written on pages: money, numbers, days and moments in the brand's currency and zone and the reader's language."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_decimal, format_percent
from flask import Flask, g, has_request_context

from webapp.kernel import clock
from webapp.kernel import money as minor_units
from webapp.kernel.i18n import pick_locale, pick_timezone

_MISSING = "–"  # what stands where there is no value; read as nothing by a screen reader, seen as a dash


def money(minor: int | None, currency: str | None = None) -> str:
    """Minor units in the brand's currency (or the one named): 1250 -> ¥12.50."""
    if minor is None:
        return _MISSING
    brand = g.get("brand") if has_request_context() else None
    code = currency or (brand.currency if brand else "")
    if not code:
        raise LookupError(
            "money is shown without a brand: name the currency, as in {{ amount|money('CNY') }}"
        )
    return str(minor_units.show(minor, code, pick_locale()))


def number(value: float | int | None, digits: int | None = None) -> str:
    """Grouped digits; `digits` fixes those after the point."""
    if value is None:
        return _MISSING
    pattern = None if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
    return str(format_decimal(value, format=pattern, locale=pick_locale()))


def percent(part: float | int | None, whole: float | int | None = 1, digits: int = 0) -> str:
    """`part` of `whole` as a percentage; a dash where there is no whole."""
    if part is None or not whole:
        return _MISSING
    pattern = "#,##0" + ("." + "0" * digits if digits else "") + "%"
    return str(format_percent(part / whole, format=pattern, locale=pick_locale()))


def day(value: date | datetime | None, style: str = "medium") -> str:
    """A calendar day. A moment is first brought to the brand's zone."""
    if value is None:
        return _MISSING
    if isinstance(value, datetime):
        value = value.astimezone(ZoneInfo(pick_timezone())).date()
    return str(format_date(value, format=style, locale=pick_locale()))


def moment(value: datetime | None, style: str = "medium") -> str:
    """A day and time in the brand's zone, without seconds; today's and yesterday's days are named in words."""
    if value is None:
        return _MISSING
    zone = ZoneInfo(pick_timezone())
    local, locale = value.astimezone(zone), pick_locale()
    hour = format_time(local, format="short", tzinfo=zone, locale=locale)
    away = (clock.now().astimezone(zone).date() - local.date()).days
    if style == "medium" and away == 0:
        from flask_babel import gettext as _

        return str(_("today %(hour)s", hour=hour))
    if style == "full":
        return str(format_datetime(value, format="long", tzinfo=zone, locale=locale))
    return f"{format_date(local.date(), format='medium', locale=locale)} {hour}"


def phone_masked(value: str | None) -> str:
    """A phone with its middle hidden: +8613800138000 -> +86138••••8000. Short ones keep their last two digits."""
    if not value:
        return _MISSING
    keep = 4 if len(value) >= 9 else 2
    head = value[: max(len(value) - keep - 4, 0)]
    return head + "•" * (len(value) - keep - len(head)) + value[-keep:]


def email_masked(value: str | None) -> str:
    """An address with its name hidden: ada@example.com -> a•••@example.com."""
    if not value:
        return _MISSING
    name, _at, host = value.rpartition("@")
    return f"{name[:1]}•••@{host}"


def ink_on(colour: str | None) -> str:
    """Black or white, whichever reads better on a brand's colour (#rrggbb), by WCAG's contrast."""
    try:
        parts = [int((colour or "")[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    except ValueError:
        return "#ffffff"
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if light > 0.179 else "#ffffff"


FILTERS: dict[str, Any] = {
    "money": money,
    "number": number,
    "percent": percent,
    "day": day,
    "moment": moment,
    "phone_masked": phone_masked,
    "email_masked": email_masked,
    "ink_on": ink_on,
}


def init_filters(app: Flask) -> None:
    """Hand the filters to the templates. `|percent` is a share: {{ opened|percent(sent) }}."""
    app.jinja_env.filters.update(FILTERS)
