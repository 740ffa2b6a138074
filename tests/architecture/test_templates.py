"""What the content security policy and the pages' own rules ask of every template."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from tests.architecture import source
from tests.support.databases import ONE_DATABASE

TEMPLATES = [path for path in source.files("*.html") if "static" not in path.parts]

INLINE = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "an inline script": re.compile(r"<script\b(?![^>]*\bsrc\s*=)", re.I),
    "an event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=\s*[\"']", re.I),
    "hx-on": re.compile(r"\bhx-on\b", re.I),
    "a javascript: address": re.compile(r"javascript:", re.I),
    "js: in an htmx attribute": re.compile(r"hx-[a-z]+\s*=\s*[\"']js:", re.I),
    "an address elsewhere": re.compile(r"\b(?:src|href|action)\s*=\s*[\"']?(?:https?:)?//", re.I),
}
# template -> why it may put text on the page unescaped.
UNESCAPED: dict[str, str] = {}


def body(path: Path) -> str:
    """The template without its comments, tags that Jinja spreads over lines joined."""
    return re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S)


@pytest.mark.parametrize("path", TEMPLATES, ids=source.name)
def test_nothing_inline_and_nothing_from_elsewhere(path: Path) -> None:
    """The policy of webapp/kernel/security.py refuses it in the browser; here it is refused before."""
    text = body(path)
    # A value may hold ">": Jinja expressions are taken out before tags are looked at.
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text, flags=re.S)
    assert not [what for what, pattern in INLINE.items() if pattern.search(text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=source.name)
def test_every_posting_form_carries_the_token(path: Path) -> None:
    """A browser that sends neither Sec-Fetch-Site nor Origin has only the token."""
    for form in re.findall(r"<form\b.*?</form>", body(path), flags=re.S | re.I):
        if re.search(r"method\s*=\s*[\"']post", form, re.I):
            assert re.search(r"\{\{-?\s*csrf\(\)", form), form[:120]


@pytest.mark.parametrize("path", TEMPLATES, ids=source.name)
def test_text_is_escaped(path: Path) -> None:
    text = body(path)
    if source.name(path) not in UNESCAPED:
        assert not re.search(r"\|\s*safe\b|autoescape\s+false", text), (
            "use Markup in Python, where the value is made safe"
        )


@pytest.mark.parametrize("path", TEMPLATES, ids=source.name)
def test_a_new_window_cannot_reach_back(path: Path) -> None:
    for tag in re.findall(r"<a\b[^>]*target\s*=\s*[\"']_blank[^>]*>", body(path), flags=re.I):
        assert "noopener" in tag, tag


@ONE_DATABASE
def test_every_template_compiles(app: Flask) -> None:
    """With the app's own filters and extensions: a misspelt filter is found here, not by a customer."""
    for name in app.jinja_env.list_templates(filter_func=lambda name: name.endswith((".html", ".txt"))):
        app.jinja_env.get_template(name)


def test_no_template_is_left_over() -> None:
    """A template that nobody names is a page that nobody sees. (A room may name its own without the folder.)"""
    text = "\n".join(
        p.read_text(encoding="utf-8") for p in [*source.files("*.py", under="webapp"), *TEMPLATES]
    )
    left = [
        source.name(path)
        for path in source.files("*.html", under="templates")
        if path.parent.name != "errors"
        and path.relative_to(source.ROOT / "templates").as_posix() not in text
        and f'"{path.name}"' not in text
    ]
    assert not left
