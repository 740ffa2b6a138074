"""The macros as any page uses them: what a reader, a keyboard and a screen reader get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask, g, render_template_string
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DecimalField,
    EmailField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
    widgets,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from tests.support.web import text_of
from webapp.kernel import assets, csrf, edge, filters, i18n
from webapp.kernel.paths import templates_dir
from webapp.kernel.scope import BrandRef

Render = Callable[..., str]
NASTY = "<b>&\"'"


class Sample(edge.Form):
    """One field of each sort."""

    secret = HiddenField()
    name = StringField(
        "Name", [DataRequired("Write the name."), Length(max=40)], description="As on the card."
    )
    email = EmailField("E-mail", [Optional()])
    count = IntegerField("How many", [DataRequired("Write a number.")])
    paid = DecimalField("Paid", [Optional()])
    agreed = BooleanField("May be written to")
    when = RadioField(
        "When",
        choices=[SelectChoice("now", "Now"), SelectChoice("later", "Later")],
        validators=[DataRequired("Choose one.")],
    )
    stages = SelectMultipleField(
        "Stages",
        choices=[SelectChoice("a", "A"), SelectChoice("b", "B")],
        widget=widgets.ListWidget(),
        option_widget=widgets.CheckboxInput(),
    )


@pytest.fixture
def render() -> Iterator[Render]:
    """Renders a template's text in a request of a brand, with the kernel's filters and globals only."""
    app = Flask("probe", template_folder=str(templates_dir()), static_folder=None)
    app.secret_key = "for tests only"
    i18n.init_i18n(app)
    filters.init_filters(app)
    assets.init_assets(app)
    app.jinja_env.globals.update(csrf=csrf.hidden_input, once=edge.once_input)
    with app.test_request_context("/"):
        g.brand = BrandRef(1, "lin", "Lin", "CNY", "Asia/Shanghai", "CN")
        yield render_template_string


class Tags(HTMLParser):
    """Elements of a page with their attributes, and a check that they are closed as they were opened."""

    VOID = frozenset(
        {"input", "br", "hr", "img", "meta", "link", "path", "rect", "line", "polyline", "circle"}
    )

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.stack: list[str] = []
        self.feed(html)
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def one(self, tag: str, **attrs: str) -> dict[str, str]:
        (found,) = self.all(tag, **attrs)
        return found

    def all(self, tag: str, **attrs: str) -> list[dict[str, str]]:
        wanted = {k.rstrip("_"): v for k, v in attrs.items()}
        return [a for t, a in self.found if t == tag and wanted.items() <= a.items()]


def form(**data: Any) -> Sample:
    made = Sample(MultiDict(data))
    made.validate()
    return made


FIELDS = """{% from "macros/forms.html" import field, form_errors, hidden_fields %}
{{ hidden_fields(form) }}{{ form_errors(form) }}{% for f in form if f.name != "secret" %}{{ field(f) }}{% endfor %}"""


def test_a_field_says_what_it_is_and_what_is_wrong_with_it(render: Render) -> None:
    tags = Tags(render(FIELDS, form=form(name="", count="many", email=NASTY)))
    ids = {a["id"] for _t, a in tags.found if "id" in a}
    for field in tags.all("input"):
        if field.get("type") != "hidden":
            assert tags.all("label", for_=field["id"]), field
    name = tags.one("input", id="name")
    assert name["aria-invalid"] == "true" and name["aria-describedby"] == "name-hint name-error"
    for _tag, attrs in tags.found:
        assert set(attrs.get("aria-describedby", "").split()) <= ids
    assert tags.one("input", id="email")["value"] == NASTY, "what was typed is kept"
    assert "aria-invalid" not in tags.one("input", id="email")
    assert tags.one("fieldset", id="when")["aria-invalid"] == "true"
    assert len(tags.all("legend")) == 2


def test_the_summary_leads_to_each_field(render: Render) -> None:
    html = render(FIELDS, form=form())
    tags = Tags(html)
    assert tags.one("div", id="errors")["role"] == "alert"
    ids = {a["id"] for _t, a in tags.found if "id" in a}
    links = {a["href"].removeprefix("#") for a in tags.all("a")}
    assert links == {"name", "count", "when"} <= ids
    assert "Write the name." in text_of(html)
    right = render(FIELDS, form=form(name="Lin", count="1", when="now"))
    assert "errors" not in right and "aria-invalid" not in right


def test_the_keyboard_follows_the_field(render: Render) -> None:
    tags = Tags(render(FIELDS, form=Sample(MultiDict())))
    assert tags.one("input", id="email")["type"] == "email"
    assert tags.one("input", id="count")["inputmode"] == "numeric"
    assert tags.one("input", id="paid")["inputmode"] == "decimal"
    assert tags.one("input", id="paid")["type"] == "text", "a wheel over a number field changes it"
    assert tags.one("input", id="agreed")["type"] == "checkbox"


def test_what_is_not_needed_says_so(render: Render) -> None:
    html = render('{% from "macros/forms.html" import field %}{{ field(f.name) }}|{{ field(f.email) }}|{{ field(f.email, optional=false) }}', f=Sample(MultiDict()))  # fmt: skip
    name, email, filtering = html.split("|")
    assert "(optional)" in email and "(optional)" not in name + filtering


def test_buttons_that_post_carry_the_token_and_the_key(render: Render) -> None:
    html = render("""{% from "macros/forms.html" import confirm, post %}
        {% call confirm("/send", "Send to 412", title="Now?") %}<p>412 letters</p>{% endcall %}
        {{ post("/undo", "Undo", "quiet", "undo", coupon=NASTY) }}""", NASTY=NASTY)  # fmt: skip
    tags = Tags(html)
    assert [f["action"] for f in tags.all("form", method="post")] == ["/send", "/undo"]
    assert len(tags.all("input", name="csrf_token")) == len(tags.all("input", name="key")) == 2
    assert tags.one("input", name="coupon")["value"] == NASTY


def test_search_works_without_a_script(render: Render) -> None:
    tags = Tags(render("""{% from "macros/forms.html" import search %}{{ search("/members", q, "Name", "#results") }}""", q=NASTY))  # fmt: skip
    box = tags.one("form", role="search")
    assert box["method"] == "get" and box["action"] == box["hx-get"] == "/members"
    assert tags.one("input", type="search")["value"] == NASTY
    assert tags.all("button", type="submit")


TABLE = """{% from "macros/tables.html" import table, row, head, cell, pager, tabs %}
{% call table("Members", ["Name", ("Paid", "r"), "Stage"]) %}
{% call row() %}{{ head(name, "/m/1") }}{{ cell("Paid", 1250|money, "r") }}{% call cell("Stage") %}<i>grown</i>{% endcall %}{% endcall %}
{% call row() %}{{ head("Jo") }}{{ cell("Paid", 0|number) }}{{ cell("Stage") }}{% endcall %}
{% endcall %}{{ pager(next="/members?after=9") }}{{ tabs("Which", [("All", "/a", true, 1200), ("Mine", "/b", false, none)]) }}"""


def test_a_table_stays_one_when_its_rows_become_cards(render: Render) -> None:
    html = render(TABLE, name=NASTY)
    tags = Tags(html)
    roles = [a["role"] for t, a in tags.found if t in ("table", "thead", "tbody", "tr", "th", "td")]
    assert roles.count("row") == 3 and roles.count("rowheader") == 2 and roles.count("cell") == 4
    labels = [a.get("data-label") for a in tags.all("td")]
    assert labels == ["Paid", "Stage", "Paid", None], "a zero is a value, nothing is nothing"
    assert NASTY in text_of(html) and "<b>" not in html
    assert tags.one("a", rel="next")["href"] == "/members?after=9" and not tags.all("a", rel="prev")
    assert [a["href"] for a in tags.all("a") if a.get("aria-current") == "page"] == ["/a"]


SHOWN = """{% from "macros/show.html" import figures, figure, facts, badge, stage, notice, empty, progress, menu, timeline, event, copy, qr, back, at, on, fact_list, fact %}
{% call figures() %}{{ figure("Paid", 123456789|money, "before", "/rows") }}{{ figure("Opened", 1|percent(3)) }}{% endcall %}
{{ facts([("Name", x), ("None", none), ("Zero", 0)]) }}{% call fact_list() %}{% call fact("L") %}v{% endcall %}{% endcall %}
{{ badge("Sent", "good") }}{{ stage("dormancy", "Asleep") }}{{ notice(x) }}{% call notice(kind="warn", title="T") %}<p>{{ x }}</p>{% endcall %}
{{ empty("Nothing", x, "/new", "First one", "campaigns") }}{{ progress(1200, 5000, "3 min left") }}
{{ menu([{"label": x, "href": "/m", "hint": x, "icon": "offers"}]) }}
{% call timeline() %}{% call event(now, "good") %}<p>{{ x }}</p>{% endcall %}{% endcall %}
{{ copy(x) }}{% call qr("7K3M", "Show this") %}<i></i>{% endcall %}{{ back("/", x) }}{{ at(now) }}{{ on(day) }}"""


def test_what_a_page_shows(render: Render) -> None:
    html = render(SHOWN, x=NASTY, now=datetime(2026, 1, 1, 20, tzinfo=UTC), day=date(2026, 1, 2))
    tags = Tags(html)
    read = text_of(html)
    assert "<b>" not in html and html.count("&lt;b&gt;") >= 9
    assert "None" not in read and "Zero 0" in read
    assert "1,200 of 5,000 · 3 min left" in read
    assert tags.one("progress")["max"] == "5000"
    assert [t["datetime"] for t in tags.all("time")] == ["2026-01-01T20:00:00+00:00"] * 2 + ["2026-01-02"]
    assert "Jan 2, 2026" in read, "the brand's day, not Greenwich's"
    assert all("hidden" in b for b in tags.all("button") if "data-copy" in b), (
        "shown by the script that can copy"
    )
    assert {a["role"] for t, a in tags.found if t == "div" and "notice" in a.get("class", "")} == {
        "status",
        "alert",
    }
    for svg in tags.all("svg"):
        assert svg.get("aria-hidden") == "true" or svg.get("aria-label"), svg


@pytest.mark.parametrize("fmt", ["number", "money"])
def test_a_chart_has_its_figures_under_it(render: Render, fmt: str) -> None:
    html = render("""{% from "macros/charts.html" import columns, line, bars %}
        {{ columns("By week", [("W1", 100), ("W2", 5000), ("W3", 0)], fmt) }}
        {{ line("Both", [("D1", 1, 9), ("D2", 2, 8)], fmt, ["One", "Two"]) }}
        {{ bars("Stages", [("A", 0), (x, 4, "/a")], fmt) }}{{ columns("None", [], fmt) }}{{ line("Zero", [("D", 0)], fmt) }}""", fmt=fmt, x=NASTY)  # fmt: skip
    tags = Tags(html)
    assert len(tags.all("table")) == 4 and "<b>" not in html
    heights = [float(r["height"]) for r in tags.all("rect", class_="a") if "y" in r]
    assert heights == [2.4, 120.0, 0.0]
    assert len(tags.all("polyline")) == 3
    assert ("CN¥50.00" if fmt == "money" else "5,000") in text_of(html)


def test_every_icon_draws(render: Render) -> None:
    html = render("""{% from "macros/icons.html" import icon, seal, PATHS, STATES %}
        {% for name in PATHS %}{{ icon(name) }}{% endfor %}{{ icon("no such icon") }}{{ icon("qr", "Code") }}{{ seal() }}
        {% for s in STATES.values() %}{{ "" if s in PATHS else "lost:" ~ s }}{% endfor %}""")  # fmt: skip
    tags = Tags(html)
    drawn = [p["d"] for p in tags.all("path")]
    assert all(d.startswith("M") for d in drawn) and "lost:" not in html
    names = len(set(drawn))
    assert names > 40, "each has its own shape"
