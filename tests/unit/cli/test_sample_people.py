"""Made-up people: plainly so, unreachable, unique, and accepted by the same checks as real ones."""

from __future__ import annotations

from collections import Counter
from datetime import date

import phonenumbers
import pytest
from email_validator import validate_email

from webapp.cli.sample.people import AGES, HOUSEHOLDS, person

TODAY = date(2026, 2, 28)
EVERYBODY = [person(household, TODAY) for household in range(1, HOUSEHOLDS + 1)]


def test_phones_are_valid_fictional_and_unique() -> None:
    numbers = set()
    for someone in EVERYBODY:
        number = phonenumbers.parse(someone.phone, None)
        assert phonenumbers.is_valid_number(number), someone
        assert str(number.national_number)[3:8] == "55501", someone
        numbers.add(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    assert len(numbers) == HOUSEHOLDS


def test_emails_are_valid_unique_and_of_the_reserved_domain() -> None:
    emails = [someone.email for someone in EVERYBODY if someone.email]
    assert len(set(emails)) == len(emails)
    assert all(validate_email(email, check_deliverability=False).domain == "example.com" for email in emails)


def test_names_are_unique_and_say_that_they_are_samples() -> None:
    assert len({someone.name for someone in EVERYBODY}) == HOUSEHOLDS
    assert all(someone.name.endswith(" (sample)") for someone in EVERYBODY)


def test_a_number_keeps_its_zeros() -> None:
    assert person(7, TODAY).number == "00007"


def test_some_things_are_not_known() -> None:
    blank = {
        field: sum(not getattr(someone, field) for someone in EVERYBODY) / HOUSEHOLDS
        for field in ("email", "gender", "birthday")
    }
    assert 0.02 < blank["email"] < 0.04
    assert 0.08 < blank["gender"] < 0.12
    assert 0.17 < blank["birthday"] < 0.23


def test_most_agree_to_email_and_nobody_without_an_address() -> None:
    consents = Counter(someone.consent_email for someone in EVERYBODY if someone.email)
    assert set(consents) == {"yes", "no", ""}
    assert 0.83 < consents["yes"] / consents.total() < 0.87
    assert not any(someone.consent_email for someone in EVERYBODY if not someone.email)


def test_a_given_name_goes_with_one_gender() -> None:
    genders: dict[str, set[str]] = {}
    for someone in EVERYBODY:
        if someone.gender:
            genders.setdefault(someone.name.split()[0], set()).add(someone.gender)
    assert {len(found) for found in genders.values()} == {1}


@pytest.mark.parametrize("band", AGES)
@pytest.mark.parametrize("today", [TODAY, date(2026, 12, 31), date(2028, 2, 29)])
def test_birthdays_are_of_the_age_that_is_known(band: str, today: date) -> None:
    youngest, oldest = AGES[band]
    for household in range(1, 300):
        if text := person(household, today, band).birthday:
            born = date.fromisoformat(text)
            age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
            assert youngest <= age <= oldest, (household, born)


def test_the_same_household_is_the_same_person_every_time() -> None:
    assert person(1082, TODAY) == person(1082, TODAY)
    assert person(1082, TODAY).name == person(1082, date(2030, 1, 1)).name


@pytest.mark.parametrize("household", [0, HOUSEHOLDS + 1])
def test_a_household_outside_the_range_is_a_fault(household: int) -> None:
    with pytest.raises(ValueError, match="1 to 2500"):
        person(household, TODAY)
