"""A form made from a plugin's declared settings."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, EmailField, Field, PasswordField, SelectChoice, SelectField, StringField

from webapp.kernel.edge import Form
from webapp.plugin_api import Setting
from webapp.plugin_runtime.runtime import Loaded
from webapp.plugin_runtime.words import words


class SettingsForm(Form):
    """Base of the generated forms; checking is `context.clean`, the same for forms and for commands."""

    declared: tuple[Setting, ...] = ()

    def given(self) -> dict[str, Any]:
        """What was posted, by key; a checkbox that is not ticked is False."""
        return {setting.key: self[setting.key].data for setting in self.declared}


def settings_form(loaded: Loaded, values: dict[str, Any]) -> SettingsForm:
    """The form with current values; secrets are never filled in."""
    say = words(loaded.name)
    fields: dict[str, Any] = {"declared": loaded.settings}
    for setting in loaded.settings:
        fields[setting.key] = _field(setting, say, has_value=bool(values.get(setting.key)))
    form_class = type("PluginSettingsForm", (SettingsForm,), fields)
    shown = {
        s.key: values.get(s.key)
        for s in loaded.settings
        if s.kind != "secret" and values.get(s.key) is not None
    }
    form: SettingsForm = form_class(data=shown)
    return form


def _field(setting: Setting, say: Any, *, has_value: bool) -> Field:
    label, hint = say(setting.label), say(setting.help) if setting.help else ""
    flags = {"required": True} if setting.required else {}
    kwargs: dict[str, Any] = {"description": hint, "render_kw": {}}
    if setting.kind == "bool":
        return BooleanField(label, **kwargs)
    if setting.kind == "choice":
        return SelectField(
            label,
            choices=[SelectChoice(v, say(t)) for v, t in setting.choices],
            validate_choice=False,
            **kwargs,
        )
    if setting.kind == "secret":
        return PasswordField(
            label, **kwargs | {"render_kw": {"placeholder": "••••••••" if has_value else ""}}
        )
    if setting.kind == "email":
        return EmailField(label, **kwargs)
    if setting.kind == "int":
        return StringField(label, **kwargs | {"render_kw": {"inputmode": "numeric"} | flags})
    return StringField(label, **kwargs | {"render_kw": flags})
