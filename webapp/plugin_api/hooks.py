"""The hooks. Grouped in the order of a plugin's life; each says when, what it returns, and its failure policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webapp.plugin_api.channel import Channel
    from webapp.plugin_api.context import PluginContext, Setting
    from webapp.plugin_api.coupon_type import CouponType
    from webapp.plugin_api.lifecycle import LifecyclePolicy
    from webapp.plugin_api.pages import PublicPage, StaffPage

PROJECT = "regulars"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """What a plugin may implement, as module-level functions marked with `@hookimpl`."""

    @hookspec
    def settings(self) -> list[Setting]:
        """Declare the plugin's settings for a brand.

        When: once, when the plugin is loaded. Returns: settings with unique keys.
        Failure policy: collect; a plugin that raises here is shown as broken and stays off.
        Example: `return [Setting("host", "text", "Mail server", required=True)]`
        """
        raise AssertionError

    @hookspec
    def channels(self) -> list[Channel]:
        """Offer channels (kind channel/1).

        When: once, at load. Returns: instances with keys unique among all plugins.
        Failure policy: collect at load; what a channel does later is decided by `Channel`.
        Example: `return [EmailChannel()]`
        """
        raise AssertionError

    @hookspec
    def coupon_types(self) -> list[CouponType]:
        """Offer coupon types (kind coupon_type/1).

        When: once, at load. Returns: instances with keys unique among all plugins.
        Failure policy: collect at load; a type that raises while it quotes is a refusal (decide: fail closed).
        Example: `return [SpendAndSave()]`
        """
        raise AssertionError

    @hookspec
    def lifecycle_policies(self) -> list[LifecyclePolicy]:
        """Offer lifecycle policies (kind lifecycle_policy/1).

        When: once, at load. Returns: instances with keys unique among all plugins.
        Failure policy: collect at load; a policy that raises stops the brand's run with the error shown, and no stage
        is changed (decide: fail closed).
        Example: `return [FiveStage()]`
        """
        raise AssertionError

    @hookspec
    def pages(self) -> list[PublicPage | StaffPage]:
        """Bring pages, for anybody who has an address and for the shop's people.

        When: once, at load; a page's handler at each request, in a brand where the plugin is switched on. Returns: pages
        with paths of their own; their templates stand in `templates/<plugin>/`.
        Failure policy: collect at load; a handler or a template that raises is an error page, logged with the plugin's
        name, and nothing of its request is kept.
        Example: `return [PublicPage("", show), StaffPage("", sales, "coupons.view", label="Flash sales")]`
        """
        raise AssertionError

    @hookspec
    def work(self, ctx: PluginContext, name: str, payload: Mapping[str, Any]) -> None:
        """Do what `ctx.later` asked for.

        When: its moment has come and the plugin is switched on. Inside a unit of work of at most 250 ms that its verbs
        belong to: all of it is kept, or nothing. It does not speak to the world. Returns: nothing.
        Failure policy: observe; what it raises is tried again with growing pauses, six tries in all, then parked with the
        reason on the plugin's page, where a person lets it be tried again or drops it.
        Example: `if name == "remind": ctx.tasks.add(...)`
        """
        raise AssertionError
