"""Reading phones and e-mail addresses as people write them, and hiding them from who need not see them."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

PHONE, EMAIL = "phone", "email"

_PHONE = re.compile(r"[+＋]?[\d\s().·/\-‐-―－（）]{3,40}")
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


@lru_cache(maxsize=4096)
def normalise_phone(text: str, region: str) -> str | None:
    """E.164 ("+8613800138000") of a number as written in `region`; None when it cannot be a phone.

    Letters and extensions are refused: two people behind one switchboard would become one.
    """
    text = text.strip()
    if not _PHONE.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@lru_cache(maxsize=4096)
def normalise_email(text: str) -> str | None:
    """The address with its domain in small letters; None when it cannot be one. Nothing is looked up."""
    text = text.strip()
    if len(text) > 200:
        return None
    if _EMAIL.fullmatch(text):
        local, domain = text.rsplit("@", 1)
        if ".." in local or local[0] == "." or local[-1] == ".":
            return None
        return f"{local}@{domain.lower()}"
    if text.isascii():
        return None
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        return None


def mask_phone(phone: str) -> str:
    """+8613800138000 -> "+86•••••••8000": enough to tell two members apart."""
    return phone[:3] + "•" * max(3, len(phone) - 7) + phone[-4:] if len(phone) > 7 else "•••"


def mask_name(name: str) -> str:
    """王小明 -> "王••", Ada Byron -> "A•• B••": enough for the person in front of one to be the one."""
    return " ".join(f"{word[0]}••" for word in name.split())


def mask_email(address: str) -> str:
    """ada@shop.example -> "a•••@shop.example"."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
