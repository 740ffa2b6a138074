"""The hooks. Grouped in the order of a plugin's life; each says when, what it returns, and its failure policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from webapp.plugin_api.channel import Channel
    from webapp.plugin_api.context import Setting
    from webapp.plugin_api.coupon_type import CouponType
    from webapp.plugin_api.lifecycle import LifecyclePolicy

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
