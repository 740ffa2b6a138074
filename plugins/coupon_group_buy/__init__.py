"""Coupon type: a group buy, with the page where teams are opened, each team's page, a list for the shop's people, and the work
that decides a team when its time is up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.plugin_api import CouponType, PluginContext, PublicPage, Setting, StaffPage, hookimpl

from . import teams, telling
from .coupon import GroupBuy
from .showing import all_teams, offer, team


@hookimpl
def settings() -> list[Setting]:
    """Whether members are told."""
    return [
        Setting(
            telling.SETTING,
            "bool",
            "Tell members how their team ended",
            default=True,
            help="One message each, once it is complete or its time is up, to those who agreed to be written to.",
        )
    ]


@hookimpl
def coupon_types() -> list[CouponType]:
    """One type."""
    return [GroupBuy()]


@hookimpl
def pages() -> list[PublicPage | StaffPage]:
    """Where a team is opened, by the offer's word; the team's own page, by its word; what the shop sees of them."""
    return [
        PublicPage("", offer, posts=True),
        PublicPage("team", team, posts=True),
        StaffPage(
            "",
            all_teams,
            "coupons.view",
            label="Group buys",
            help="The teams of each offer: who is still waiting, who made it, who did not.",
        ),
    ]


@hookimpl
def work(ctx: PluginContext, name: str, payload: Mapping[str, Any]) -> None:
    """A team whose time is up."""
    if name == teams.WORK:
        teams.settle(ctx, payload["team"])
