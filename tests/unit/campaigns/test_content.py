"""Texts with placeholders: what is refused and how it is named, and that what is filled in cannot do harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.campaigns.content import check, compiled, used
from webapp.campaigns.placeholders import PLACEHOLDERS, CouponFacts, Facts, last_day, namespace, spaced
from webapp.plugin_api import ContentField

FIELDS = (
    ContentField("subject", "line", "Subject", max_length=60),
    ContentField("text", "text", "Text"),
    ContentField("html", "html", "HTML", required=False),
)
COUPON = CouponFacts(
    "https://shop.example/c/abc?a=1&b=2", "ABC DEF GHJ", "31 December 2026", "Spend, save", "Twenty off"
)
FACTS = Facts("Li Lei", "00042", "", "Acme", COUPON)


def fill(facts: Facts = FACTS, **texts: str) -> dict[str, str]:
    said = {"subject": "s", "text": "t"} | texts
    assert not check(FIELDS, said, has_offer=True), check(FIELDS, said, has_offer=True)
    return compiled(FIELDS, said).fill(namespace(facts))


def wrong(text: str, *, has_offer: bool = True, field: str = "text") -> list[tuple[str, str, int]]:
    said = {"subject": "s", "text": "t"} | {field: text}
    return [(one.code, one.what, one.line) for one in check(FIELDS, said, has_offer=has_offer).get(field, [])]


def test_every_placeholder_can_be_filled() -> None:
    of_members = [key for key, one in PLACEHOLDERS.items() if "members" in one.kinds]
    said = " ".join("{{ " + key + " }}" for key in of_members)
    assert fill(text=said)["text"] == (
        "Li Lei 00042  Acme Twenty off Spend, save https://shop.example/c/abc?a=1&b=2 ABC DEF GHJ 31 December 2026"
    )
    assert used({"text": said}) == set(of_members)


def test_what_stands_where_something_is_missing() -> None:
    assert fill(text="{{ store.name or 'our shop' }}")["text"] == "our shop"
    assert fill(text="{{ store.name|default('our shop', true) }}")["text"] == "our shop"
    assert fill(text="{% if store.name %}At {{ store.name }}{% else %}Here{% endif %}")["text"] == "Here"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ok\n{{ member.nmae }}", ("unknown", "member.nmae", 2)),
        ("{{ member }}", ("unknown", "member", 1)),
        ("{{ member.name.__class__ }}", ("not_allowed", "getattr", 1)),
        ("{{ member['name'] }}", ("not_allowed", "getitem", 1)),
        ("{{ member.name.upper() }}", ("not_allowed", "call", 1)),
        ("{% for x in member.name %}{{ x }}{% endfor %}", ("not_allowed", "for", 1)),
        ("{% set a = member.name %}", ("not_allowed", "assign", 1)),
        ("{% include 'x' %}", ("not_allowed", "include", 1)),
        ("{{ 'a' * 1000000000 }}", ("not_allowed", "mul", 1)),
        ("{{ 'a'|center(1000000000) }}", ("not_allowed", "|center", 1)),
        ("{{ " + "9" * 5000 + " }}", ("not_allowed", "0123…", 0)),
        (r"{{ '\ud83c' }}", ("not_allowed", "\\…", 1)),
        (r"{{ '\x00' }}", ("not_allowed", "\\…", 1)),
        ("{{ member.name|format }}", ("not_allowed", "|format", 1)),
        ("{{ " + "(" * 4000, ("not_allowed", "((((", 1)),
        ("{% if member.name %}" * 11 + "{% endif %}" * 11, ("not_allowed", "…", 1)),
        ("{{ member.name }}" * 600, ("not_allowed", "…", 1)),
    ],
)
def test_what_cannot_stand_is_named(text: str, found: tuple[str, str, int]) -> None:
    assert found in wrong(text)


def test_unfinished_placeholders_and_lengths() -> None:
    assert wrong("{{ member.name ")[0][0] == "syntax"
    assert wrong("  ") == [("required", "", 0)]
    assert wrong("x" * 61, field="subject") == [("too_long", "", 0)]
    assert wrong("", field="html") == []
    assert wrong("{{ coupon.url }}", has_offer=False) == [("needs_offer", "coupon.url", 1)]


def test_html_is_escaped_and_cleaned_after_it_is_filled() -> None:
    said = '<p onclick="x()">{{ member.name }}</p><script>alert(1)</script><a href="{{ coupon.url }}">go</a>'
    filled = fill(Facts('<img src=x onerror=y>"', "1", "", "Acme", COUPON), html=said)["html"]
    assert filled == (
        '<p>&lt;img src=x onerror=y&gt;"</p><a href="https://shop.example/c/abc?a=1&amp;b=2">go</a>'
    )
    assert "javascript" not in fill(html="<a href='javascript:x()'>go</a>")["html"]
    assert "position" not in fill(html='<p style="position:fixed;color:red">x</p>')["html"]
    assert (
        'href="javascript'
        not in fill(Facts("javascript:x()", "1", "", "A", COUPON), html="<a href='{{ member.name }}'>go</a>")[
            "html"
        ]
    )


@given(st.text(max_size=40))
def test_a_name_never_breaks_out(name: str) -> None:
    """Whatever a member is called: a subject stays one line, and HTML has the tags that were written, no others."""
    filled = fill(
        Facts(name, "1", "", "Acme", COUPON), subject="Hi {{ member.name }}", html="<p>{{ member.name }}</p>"
    )
    assert len(filled["subject"].splitlines()) == 1
    assert filled["html"].count("<") == 2
    assert "{{" not in filled["text"]


def test_a_template_in_a_name_is_a_name() -> None:
    filled = fill(Facts("{{ coupon.code }}", "1", "", "Acme", COUPON), text="Dear {{ member.name }}")
    assert filled["text"] == "Dear {{ coupon.code }}"


def test_the_last_day_is_in_the_brands_language() -> None:
    from datetime import date

    assert last_day(date(2026, 12, 31), None, "en") == "December 31, 2026"
    assert last_day(date(2026, 12, 31), None, "zh_CN") == "2026年12月31日"
    assert "30" in last_day(None, 30, "en")
    assert spaced("ABCDEFGHJ") == "ABC DEF GHJ"
