"""The context handed to plugins, and their typed settings for a brand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope
from webapp.kernel.secrets import SecretBox, brand_token
from webapp.plugin_api import Coupons, Setting, Tables, Tasks, TellAnswer
from webapp.plugin_runtime import later
from webapp.plugin_runtime.models import PluginSetting, PluginState
from webapp.plugin_runtime.runtime import Loaded, registry
from webapp.plugin_runtime.tables import BoundTables
from webapp.plugin_runtime.verbs import BoundCoupons, BoundTasks, NoTasks, Unit, names_of, telling
from webapp.plugin_runtime.words import words

_box: SecretBox | None = None


def use_secrets_of(instance: Path) -> None:
    """Once per process, at start: the key with which secret settings are sealed."""
    global _box
    _box = SecretBox.of(instance)


def box() -> SecretBox:
    """The instance's secret box."""
    if _box is None:
        raise RuntimeError("use_secrets_of() was not called at start")
    return _box


@dataclass(frozen=True, slots=True)
class Context:
    """A brand, a moment and a plugin's settings there (webapp.plugin_api.PluginContext)."""

    brand_code: str
    brand_name: str
    currency: str
    timezone: str
    locale: str
    now: datetime
    settings: dict[str, Any]
    tasks: Tasks = field(default_factory=NoTasks, compare=False)
    coupons: Coupons = field(default_factory=lambda: BoundCoupons(None, ""), compare=False)
    tables: Tables = field(default_factory=lambda: BoundTables(None, ""), compare=False)
    _unit: Unit | None = field(default=None, compare=False, repr=False)
    _plugin: str = ""

    def later(self, name: str, payload: Mapping[str, Any], *, key: str, at: datetime) -> bool:
        """A row of work, in the unit at hand if there is one (webapp.plugin_runtime.later)."""
        if self._unit is None:
            raise RuntimeError("there is no shop behind this context")
        return self._unit.write(lambda scope: later.add(scope, self._plugin, name, payload, key=key, at=at))

    def tell(
        self, to: Mapping[str, str], *, key: str, subject: str, text: str, **facts: str | int
    ) -> Mapping[str, TellAnswer]:
        """Laid in the unit at hand if there is one."""
        if self._unit is None:
            raise RuntimeError("there is no shop behind this context")
        tell = telling()
        return self._unit.write(
            lambda scope: tell(scope, self._plugin, to, key=key, subject=subject, text=text, facts=facts)
        )

    def names(self, members: Sequence[str]) -> Mapping[str, str]:
        """Masked."""
        if self._unit is None:
            raise RuntimeError("there is no shop behind this context")
        return self._unit.read(lambda scope: names_of(scope, members))

    def say(self, message: str, **facts: Any) -> str:
        """In the brand's language."""
        return words(self._plugin, self.locale)(message, **facts)

    def new_word(self) -> str:
        """A word that names the brand."""
        if self._unit is None:
            raise RuntimeError("there is no shop behind this context")
        return brand_token(self._unit.brand.id)


def context(scope: Scope, plugin: str) -> Context:
    """The context of a plugin for the scope's brand; its verbs are units of their own."""
    return _context(scope, plugin, Unit(scope.brand, db=scope.db), settings_of(scope, plugin))


def bare(scope: Scope, plugin: str) -> Context:
    """The same without the plugin's settings, for what asks for none: nothing is looked up."""
    return _context(scope, plugin, Unit(scope.brand, db=scope.db), {})


def inside(scope: Scope, plugin: str, *, looking: bool = False) -> Context:
    """The same with verbs that belong to this very unit. looking: the unit only reads, and so do they."""
    return _context(
        scope, plugin, Unit(scope.brand, scope=scope, looking=looking), settings_of(scope, plugin)
    )


def _context(scope: Scope, plugin: str, unit: Unit, settings: dict[str, Any]) -> Context:
    brand = scope.brand
    return Context(
        brand.code,
        brand.name,
        brand.currency,
        brand.timezone,
        brand.locale,
        scope.now,
        settings,
        BoundTasks(unit, plugin),
        BoundCoupons(unit, plugin),
        BoundTables(unit, plugin),
        unit,
        plugin,
    )


def enabled(scope: Scope, plugin: str) -> bool:
    """The brand's gate: is this plugin usable and switched on here?"""
    return enabled_at(scope.session, scope.brand.id, plugin)


def enabled_at(session: Session, brand_id: int, plugin: str) -> bool:
    """The same for what looks over all brands."""
    if not usable(plugin, True):
        return False
    state = session.get(PluginState, (brand_id, plugin))
    return usable(plugin, None if state is None else state.enabled)


def usable(plugin: str, switched: bool | None) -> bool:
    """The same for whoever has read its switch (PluginState.enabled, None: no row)."""
    loaded = registry().plugins.get(plugin)
    if loaded is None or loaded.error or loaded.manifest is None:
        return False
    return loaded.manifest.starts_enabled if switched is None else switched


def switch(scope: Scope, plugin: str, *, on: bool) -> None:
    """Switch a plugin on or off for the brand. Its rows stay; what needs it is parked."""
    scope.session.execute(
        insert_or_ignore(scope, PluginState).values(brand_id=scope.brand.id, plugin=plugin, enabled=on)
    )
    state = scope.session.get_one(PluginState, (scope.brand.id, plugin))
    state.enabled = on
    scope.audit("plugin.on" if on else "plugin.off", "plugin", plugin=plugin)
    scope.emit("plugin.changed", plugin=plugin)


def settings_of(scope: Scope, plugin: str) -> dict[str, Any]:
    """Every declared setting, typed, defaults filled in, secrets opened."""
    declared = _loaded(plugin).settings
    if not declared:
        return {}
    rows = scope.session.execute(
        select(PluginSetting.key, PluginSetting.value).where(
            PluginSetting.brand_id == scope.brand.id, PluginSetting.plugin == plugin
        )
    ).all()
    stored = {row.key: row.value for row in rows}
    values: dict[str, Any] = {}
    for setting in declared:
        value = stored.get(setting.key, setting.default)
        if setting.kind == "secret" and setting.key in stored and value:
            value = box().open(value)
        values[setting.key] = value
    return values


def save_settings(scope: Scope, plugin: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Check and store settings (typed or as texts of a form). Returns field -> English msgid of what is wrong; then
    nothing is stored. An absent key keeps what is stored; a blank secret keeps the stored one; None forgets."""
    problems: dict[str, str] = {}
    cleaned: dict[str, Any] = {}
    for setting in _loaded(plugin).settings:
        if setting.key not in given:
            continue
        raw = given[setting.key]
        if setting.kind == "secret" and raw == "":
            continue
        try:
            cleaned[setting.key] = clean(setting, raw)
        except ValueError as why:
            problems[setting.key] = str(why)
    if problems:
        return problems
    declared = {setting.key: setting for setting in _loaded(plugin).settings}
    for key, value in cleaned.items():
        where = (
            PluginSetting.brand_id == scope.brand.id,
            PluginSetting.plugin == plugin,
            PluginSetting.key == key,
        )
        scope.session.execute(delete(PluginSetting).where(*where))
        if value is not None:
            kept = box().seal(value) if declared[key].kind == "secret" else value
            scope.session.add(PluginSetting(brand_id=scope.brand.id, plugin=plugin, key=key, value=kept))
    scope.session.flush()
    scope.audit("plugin.settings", "plugin", plugin=plugin, keys=sorted(cleaned))
    scope.emit("plugin.changed", plugin=plugin)
    return {}


def clean(setting: Setting, raw: Any) -> Any:
    """One value, typed. Raises ValueError with an English msgid (core catalogue)."""
    text = raw.strip() if isinstance(raw, str) else raw
    if setting.kind == "bool":
        return text in (True, 1, "1", "true", "on", "yes", "y")
    if text in (None, ""):
        if setting.required:
            raise ValueError("This is needed.")
        return None
    if setting.kind == "int":
        try:
            number = int(str(text))
        except ValueError as why:
            raise ValueError("Give a whole number.") from why
        if setting.minimum is not None and number < setting.minimum:
            raise ValueError("This number is too small.")
        if setting.maximum is not None and number > setting.maximum:
            raise ValueError("This number is too large.")
        return number
    text = str(text)
    if len(text) > 500 or any(ord(c) < 32 for c in text):
        raise ValueError("Give one line of at most 500 characters.")
    if setting.kind == "choice" and text not in {value for value, _ in setting.choices}:
        raise ValueError("Choose one of the list.")
    if setting.kind == "email":
        try:
            return validate_email(text, check_deliverability=False).normalized
        except EmailNotValidError as why:
            raise ValueError("This is no e-mail address.") from why
    return text


def _loaded(plugin: str) -> Loaded:
    loaded = registry().plugins.get(plugin)
    if loaded is None:
        raise KeyError(plugin)
    return loaded
