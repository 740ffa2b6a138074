"""Which plugin a brand has switched on, and how it is set."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base
from webapp.kernel.types import JsonValue


class PluginState(Base):
    """Enabling is data. No row: the plugin is off for the brand, unless its manifest says that it starts switched on."""

    __tablename__ = "plugin_state"

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    plugin: Mapped[str] = mapped_column(String(60), primary_key=True)
    enabled: Mapped[bool] = mapped_column(Boolean)


class PluginSetting(Base):
    """One typed setting of a plugin for a brand. A secret's value is sealed (kernel.secrets)."""

    __tablename__ = "plugin_setting"

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    plugin: Mapped[str] = mapped_column(String(60), primary_key=True)
    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[Any] = mapped_column(JsonValue)
