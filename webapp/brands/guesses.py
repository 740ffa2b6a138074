"""What a country usually has: its currency, its time zones, the language of its messages, its name."""

from __future__ import annotations

import os
import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.core import get_global
from babel.numbers import get_territory_currencies
from phonenumbers import SUPPORTED_REGIONS

CHINESE = frozenset({"CN", "TW", "HK", "MO", "SG"})
# Babel knows more zones of China than its people do: everybody's clock shows Beijing's time.
ONE_CLOCK = {"CN": "Asia/Shanghai"}


@cache
def zones() -> dict[str, tuple[str, ...]]:
    """Country -> its zones."""
    known = available_timezones()
    found: dict[str, list[str]] = {}
    for zone, country in get_global("zone_territories").items():
        if zone in known:
            found.setdefault(country, []).append(zone)
    return {country: tuple(sorted(names)) for country, names in found.items()}


def regions(language: str) -> list[tuple[str, str]]:
    """(code, name in that language) of every country whose phones can be read, by name."""
    names = Locale.parse(language).territories
    return sorted(((code, names.get(code, code)) for code in SUPPORTED_REGIONS), key=lambda pair: pair[1])


def currency_of(region: str, on: date) -> str:
    """What is paid with in a country on that day; "" where nobody can say."""
    found = get_territory_currencies(region, on, on) if region else []
    return str(found[0]) if found else ""


def zone_of(region: str, seen: str = "") -> str:
    """The zone of a country whose clocks agree; else the one that was `seen` on the machine or in the browser; or ""."""
    if region in ONE_CLOCK:
        return ONE_CLOCK[region]
    of_region = zones().get(region, ())
    if seen in of_region:
        return seen
    clocks = {
        tuple(datetime(2026, month, 1, tzinfo=ZoneInfo(zone)).utcoffset() for month in (1, 7))
        for zone in of_region
    }
    return of_region[0] if len(clocks) == 1 else ""


def language_of(region: str) -> str:
    """What its people read, of the two that we speak."""
    return "zh_CN" if region in CHINESE else "en"


def region_of(accepted: list[str], zone: str) -> str:
    """A country: the machine's zone names one, or the browser's languages do ("zh-CN", "de-AT"); else ""."""
    country = get_global("zone_territories").get(zone, "")
    if country in SUPPORTED_REGIONS:
        return str(country)
    for tag in accepted:
        parts = re.split("[-_]", tag)
        if len(parts) > 1 and parts[-1].upper() in SUPPORTED_REGIONS:
            return parts[-1].upper()
    return "CN" if any(tag.lower().startswith("zh") for tag in accepted) else ""


def machine_zone() -> str:
    """The zone of this machine's clock; "" where it cannot be told, or is UTC as on most servers."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name:
        try:
            target = os.path.realpath("/etc/localtime")
            name = (
                target.split("zoneinfo/", 1)[1]
                if "zoneinfo/" in target
                else Path("/etc/timezone").read_text().strip()
            )
        except OSError:
            name = ""
    name = name.removeprefix("posix/").removeprefix("right/")
    return name if get_global("zone_territories").get(name) in SUPPORTED_REGIONS else ""


def code_of(name: str) -> str:
    """A brand's code from its name: small letters, digits, dashes; "shop" for a name that has none."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return words[:40].strip("-") or "shop"
