"""Made-up people for the sample's households: the data has none. Plainly marked, and the same on every run.

Phones are of the range kept for fiction (555-0100 to 555-0199), e-mail addresses of a domain kept for examples
(RFC 2606): neither can ever reach anybody.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

HOUSEHOLDS = 2500  # the highest number in the data; 31 of them never bought anything

# Women's and men's names in turn, so that an even index is "female" and an odd one "male".
_GIVEN = (
    "Ada Ben Clara Daniel Elena Felix Grace Henry Iris Jonas Karen Leo Maria Nathan Olivia Peter Quinn Robert Sofia "
    "Thomas Ursula Victor Wendy Xavier Yvonne Adam Beatrice Carl Diana Eric Fiona George Hannah Ivan Julia Kevin "
    "Laura Martin Nora Oscar Paula Ralph Ruth Samuel Tessa Tony Vera Walter Zoe Simon"
)
_FAMILY = (
    "Abbott Baker Carter Dawson Ellis Foster Garcia Harper Ingram Jensen Keller Lambert Miller Nolan Ortiz Parker "
    "Quigley Reed Sutton Turner Underwood Vaughn Weaver Young Zimmer Archer Bishop Chandler Dyer Everett Fisher "
    "Gardner Hunter Ivory Joyner Knight Lawson Mason North Osborn Porter Ramsey Sawyer Tanner Usher Vance Walker "
    "Yates Zeller Brooks Cooper"
)
GIVEN, FAMILY = _GIVEN.split(), _FAMILY.split()
# One area code a hundred households: the fictional range has a hundred numbers in each.
AREAS = (
    *(201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215),
    *(216, 217, 218, 219, 224, 225, 228, 229, 231, 234, 239, 240),
)
SPREAD, PRIME = 1009, 2503  # h -> h * SPREAD % PRIME is one to one, and keeps neighbours apart
AGES = {
    "19-24": (19, 24),
    "25-34": (25, 34),
    "35-44": (35, 44),
    "45-54": (45, 54),
    "55-64": (55, 64),
    "65+": (65, 84),
}
ANY_AGE = (19, 84)


@dataclass(frozen=True, slots=True)
class Person:
    """Who stands for a household. Blank where a real shop would not know. `consent_email` is "yes", "no" or blank."""

    number: str
    name: str
    phone: str
    email: str
    birthday: str
    gender: str
    consent_email: str


def number_of(household: int) -> str:
    """The member's number, with its leading zeros."""
    return f"{household:05d}"


def person(household: int, today: date, age_band: str = "") -> Person:
    """The person of a household (1 to HOUSEHOLDS), `today` only to make an age of a birthday.

    About 3 % have no e-mail address; of the others 85 % agree to e-mail, 5 % said no and 10 % were never asked. About
    a tenth name no gender, and a fifth no birthday.
    """
    if not 1 <= household <= HOUSEHOLDS:
        raise ValueError(f"households are numbered 1 to {HOUSEHOLDS}, not {household}")
    family, given = divmod(household * SPREAD % PRIME, len(GIVEN))
    area, last = divmod(household - 1, 100)
    number = number_of(household)
    has_email = _draw("email", household) >= 30
    asked = _draw("consent", household)
    return Person(
        number=number,
        name=f"{GIVEN[given]} {FAMILY[family]} (sample)",
        phone=f"+1 {AREAS[area]}-555-01{last:02d}",
        email=f"member-{number}@example.com" if has_email else "",
        birthday=_birthday(household, today, age_band) if _draw("birthday known", household) >= 200 else "",
        gender=("female", "male")[given % 2] if _draw("gender", household) >= 100 else "",
        consent_email="" if not has_email or asked >= 900 else "yes" if asked < 850 else "no",
    )


def _birthday(household: int, today: date, age_band: str) -> str:
    youngest, oldest = AGES.get(age_band, ANY_AGE)
    age = youngest + _draw("age", household) % (oldest - youngest + 1)
    month, day = _draw("month", household) % 12 + 1, _draw("day", household) % 28 + 1
    return date(today.year - age - ((month, day) > (today.month, today.day)), month, day).isoformat()


def _draw(what: str, household: int) -> int:
    """0 to 999, fixed for this household and matter on every machine."""
    return zlib.crc32(f"{what} {household}".encode()) % 1000
