"""A plugin as an agency would bring its own, for tests of the contract: pages, work for later, verbs."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from webapp.plugin_api import (
    Basket,
    CouponType,
    NotFound,
    Page,
    PageRequest,
    PluginContext,
    Problem,
    PublicPage,
    Quote,
    Redirect,
    StaffPage,
    Text,
    hookimpl,
)


class Probe(CouponType):
    key = "probe"
    label = "Probe"

    def check(self, terms: Mapping[str, Any]) -> list[Problem]:
        return []

    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote:
        return Quote(min(1, basket.total_minor))

    def describe(self, terms: Mapping[str, Any], money: Any, _: Any) -> list[str]:
        return [_("One unit less")]


@hookimpl
def coupon_types() -> list[CouponType]:
    return [Probe()]


def note(ctx: PluginContext, staff: str, key: str) -> None:
    """Something that is seen from outside: a task."""
    ctx.tasks.add(key, to=staff, title=f"noted {key}", text="")


def show(ctx: PluginContext, request: PageRequest) -> Page:
    values = {"word": request.word, "of": ctx.brand_name, "name": request.args.get("name", "")}
    return Page("coupon_probe/page.html", values, seconds=1)


def join(ctx: PluginContext, request: PageRequest) -> Page | Redirect:
    if request.posted and request.form.get("name"):
        note(ctx, request.form["staff"], request.form["name"])
        if request.form.get("late"):
            return Page("coupon_probe/page.html", {"word": "", "of": "too late", "name": ""})
        return Redirect(request.address(), "Joined as %(name)s.", facts={"name": request.form["name"]})
    return Page("coupon_probe/page.html", {"word": "", "of": "nobody", "name": ""})


def raises(ctx: PluginContext, request: PageRequest) -> Page:
    if request.posted:
        note(ctx, request.form["staff"], "before the fault")
    raise RuntimeError("of the plugin's own making")


def writes(ctx: PluginContext, request: PageRequest) -> Text:
    ctx.later("note", {}, key="a GET", at=request.moment)
    return Text("never")


@hookimpl
def pages() -> list[PublicPage | StaffPage]:
    return [
        PublicPage("", show),
        PublicPage("join", join, posts=True),
        PublicPage("raises", raises, posts=True),
        PublicPage("writes", writes),
        PublicPage("bad-template", lambda ctx, request: Page("coupon_probe/broken.html")),
        PublicPage("others-template", lambda ctx, request: Page("pages/today/more.html")),
        PublicPage("away", lambda ctx, request: Redirect("//elsewhere.example/")),
        PublicPage("none", lambda ctx, request: NotFound()),
        PublicPage("wrong", lambda ctx, request: None),  # type: ignore[arg-type, return-value]
        PublicPage("text", lambda ctx, request: Text(request.member or "nobody")),
        StaffPage("", show, "coupons.view", label="Probe's page"),
        StaffPage("deep/er", lambda ctx, request: Text(request.staff), "plugins.edit"),
    ]


@hookimpl
def work(ctx: PluginContext, name: str, payload: Mapping[str, Any]) -> None:
    note(ctx, payload["staff"], payload["key"])
    if name == "fail":
        raise ValueError("it cannot be done")
    if name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "again":
        ctx.later("note", {**payload, "key": "second"}, key="second", at=ctx.now + timedelta(hours=1))
