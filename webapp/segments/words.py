"""A rule in words, in the reader's language."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, ngettext

from webapp.kernel import i18n, money
from webapp.kernel.scope import Scope
from webapp.segments.fields import FIELDS, Field, attributes
from webapp.segments.rules import Condition, Rule

THOUSAND = 1000


def _(message: str, **facts: Any) -> str:
    """gettext, typed."""
    return str(gettext(message, **facts))


def describe(scope: Scope, rule: Rule) -> list[str]:
    """One sentence a condition; an empty rule is everybody."""
    if not rule.all:
        return [_("All members")]
    return [_sentence(scope, one) for one in rule.all]


def _sentence(scope: Scope, one: Condition) -> str:
    field = FIELDS.get(one.field)
    if field is None:
        return _("%(field)s: nobody knows this any more", field=one.field)
    label = str(field.label)
    if one.never:
        return _("%(field)s: never ordered", field=label)
    if field.kind == "choice":
        names = {value: str(text) for value, text in (field.choices(scope) if field.choices else ())}
        said = [names.get(value, value) for value in one.values]
        return _("%(field)s: %(values)s", field=label, values=_(" or ").join(said))
    if field.kind == "attribute":
        known = {row.key: row.label for row in attributes(scope)}
        parts = [_(" or ").join(one.values)] if one.values else []
        parts += [_bounds(scope, field, one)] if one.least is not None or one.most is not None else []
        return _("%(field)s: %(values)s", field=known.get(one.key, one.key), values=_(", ").join(parts))
    bounds = _bounds(scope, field, one)
    if field.kind == "window" and one.days is not None:
        window = ngettext("in the last day", "in the last %(num)s days", one.days)
        return _("%(field)s %(window)s: %(bounds)s", field=label, window=window, bounds=bounds)
    return _("%(field)s: %(bounds)s", field=label, bounds=bounds)


def _bounds(scope: Scope, field: Field, one: Condition) -> str:
    least, most = _shown(scope, field, one.least), _shown(scope, field, one.most)
    if one.least is not None and one.most is not None:
        return least if least == most else _("%(least)s to %(most)s", least=least, most=most)
    return _("at least %(least)s", least=least) if one.least is not None else _("at most %(most)s", most=most)


def _shown(scope: Scope, field: Field, value: int | None) -> str:
    if value is None:
        return ""
    if field.kind == "attribute":
        return f"{value / THOUSAND:g}"
    if field.unit == "percent":
        return f"{value}%"
    return (
        money.show(value, scope.brand.currency, i18n.pick_locale()) if field.unit == "money" else str(value)
    )
