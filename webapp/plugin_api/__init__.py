"""The one thing that a plugin imports: kinds, types, hook marker, settings, and the context handed to it.

Everything in `__all__` is public and versioned: kinds are `channel/1`, `coupon_type/1`, `lifecycle_policy/1`.
"""

from webapp.plugin_api.channel import Address, Channel, ContentField, Message, Outcome, Sender
from webapp.plugin_api.context import PluginContext, Setting, TaskAnswer, Tasks, TellAnswer
from webapp.plugin_api.coupon_type import (
    Basket,
    BasketLine,
    CouponType,
    Money,
    NotApplicable,
    Problem,
    Quote,
    TermField,
)
from webapp.plugin_api.coupons import Coupons, CouponView, OfferView, Refusal
from webapp.plugin_api.hooks import hookimpl
from webapp.plugin_api.lifecycle import STAGES, Amount, Decision, LifecyclePolicy, MemberFacts, Stage
from webapp.plugin_api.pages import NotFound, Page, PageRequest, PublicPage, Redirect, StaffPage, Text
from webapp.plugin_api.tables import Json, Moment, Row, Tables, own_table, own_tables

__all__ = [
    "STAGES",
    "Address",
    "Amount",
    "Basket",
    "BasketLine",
    "Channel",
    "ContentField",
    "CouponType",
    "CouponView",
    "Coupons",
    "Decision",
    "Json",
    "LifecyclePolicy",
    "MemberFacts",
    "Message",
    "Moment",
    "Money",
    "NotApplicable",
    "NotFound",
    "OfferView",
    "Outcome",
    "Page",
    "PageRequest",
    "PluginContext",
    "Problem",
    "PublicPage",
    "Quote",
    "Redirect",
    "Refusal",
    "Row",
    "Sender",
    "Setting",
    "StaffPage",
    "Stage",
    "Tables",
    "TaskAnswer",
    "Tasks",
    "TellAnswer",
    "TermField",
    "Text",
    "hookimpl",
    "own_table",
    "own_tables",
]
