"""The five stages of a member's life with a shop."""

from __future__ import annotations

from webapp.plugin_api import LifecyclePolicy, Setting, hookimpl

from .policy import FiveStage

LONGEST = 3650  # days; ten years


def _(message: str) -> str:
    """Marks a text for the plugin's catalogue; it is translated where it is shown."""
    return message


@hookimpl
def settings() -> list[Setting]:
    """Where one stage ends and the next begins."""
    return [
        Setting(
            "introduction_days",
            "int",
            _("Introduction lasts, in days"),
            30,
            _(
                "A member with one order is new for this long after it. 0: the first order ends the introduction."
            ),
            required=True,
            minimum=0,
            maximum=LONGEST,
        ),
        Setting(
            "churn_days",
            "int",
            _("Churn begins after, in days"),
            180,
            _(
                "Without an order for longer than this, a member is gone. So is one who joined and never bought."
            ),
            required=True,
            minimum=1,
            maximum=LONGEST,
        ),
        Setting(
            "window_days",
            "int",
            _("Window, in days"),
            90,
            _("Orders are counted, and baskets compared, over this many days before today."),
            required=True,
            minimum=1,
            maximum=LONGEST,
        ),
        Setting(
            "basket_drop_percent",
            "int",
            _("Basket drop, in percent"),
            60,
            _("A member whose average basket fell by this much from one window to the next is dormant."),
            required=True,
            minimum=0,
            maximum=100,
        ),
        Setting(
            "maturity_orders",
            "int",
            _("Maturity begins at, in orders"),
            5,
            _("So many orders in the window make a member mature."),
            required=True,
            minimum=1,
            maximum=1000,
        ),
    ]


@hookimpl
def lifecycle_policies() -> list[LifecyclePolicy]:
    """The policy."""
    return [FiveStage()]
