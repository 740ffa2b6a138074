"""Which plugin a brand has switched on, how it is set, and what it has asked to do later."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Index,
    Integer,
    String,
    UniqueConstraint,
    and_,
    case,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, inline
from webapp.kernel.types import JsonValue, UtcDateTime


class PluginState(Base):
    """Enabling is data. No row: the plugin is off for the brand, unless its manifest says that it starts switched on."""

    __tablename__ = "plugin_state"

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    plugin: Mapped[str] = mapped_column(String(60), primary_key=True)
    enabled: Mapped[bool] = mapped_column(Boolean)


def switch_of(plugins: tuple[tuple[str, str], ...], brand_id: Any, key: Any) -> ColumnElement[bool]:
    """Where PluginState is the row of the plugin that owns a key, of a coupon type say. plugins: keys with their plugins
    (calls.coupon_plugins)."""
    owner = [(key == inline(known), inline(plugin)) for known, plugin in plugins]
    if not owner:
        return false()
    return and_(PluginState.brand_id == brand_id, PluginState.plugin == case(*owner, else_=inline("")))


class PluginSetting(Base):
    """One typed setting of a plugin for a brand. A secret's value is sealed (kernel.secrets)."""

    __tablename__ = "plugin_setting"

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    plugin: Mapped[str] = mapped_column(String(60), primary_key=True)
    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[Any] = mapped_column(JsonValue)


class PluginWork(BrandRow, Base):
    """Work that a plugin has asked for (webapp.plugin_runtime.work). waiting -> done, or parked after so many tries, from
    where a person lets it be tried again or drops it; a parked or waiting row is never forgotten.

    due_at: the moment that was asked for; next_at: the moment of the next try, None where there is none. tries: how often
    it was begun. error: what went wrong the last time. key: the plugin's own; the same key never makes a second row.
    """

    __tablename__ = "plugin_work"
    __table_args__ = (
        UniqueConstraint("brand_id", "plugin", "key"),
        Index(None, "next_at"),
        Index(None, "brand_id", "done_at"),
    )

    plugin: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    state: Mapped[str] = mapped_column(String(10))  # waiting, done, parked, dropped
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
