"""Which language a page is in: the reader's choice, then the account's, then the browser's, then the brand's."""

from __future__ import annotations

from typing import Any

from babel import Locale
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, format_decimal, get_locale

from webapp.kernel.paths import translations_dir

LANGUAGES = ("en", "zh_CN")
COOKIE = "rg_lang"
# Babel calls zh_CN zh_Hans_CN, and would look for a folder of that name.
_NAMES = {Locale.parse(name): name for name in LANGUAGES}


class _Catalogues(Domain):  # type: ignore[misc]
    """Our catalogues, found by our names for the languages."""

    def get_translations(self) -> NullTranslations:
        """Of the locale in force; English, the messages themselves, where there is none."""
        name = _NAMES.get(get_locale(), "en")
        if name not in self.cache:
            self.cache[name] = Translations.load(str(translations_dir()), [name])
        found: NullTranslations = self.cache[name]
        return found

    def ngettext(self, singular: str, plural: str, num: int, **variables: Any) -> str:
        """As any, but that a number in a sentence is written as every other: 1,234."""
        found = self.get_translations().ungettext(singular, plural, num)
        return str(found % {"num": format_decimal(num), **variables})


def pick_locale() -> str:
    """One of LANGUAGES."""
    if not has_request_context():
        return "en"
    chosen = request.cookies.get(COOKIE, "") or g.get("locale", "")
    if chosen in LANGUAGES:
        return str(chosen)
    best = request.accept_languages.best_match(["zh-CN", "zh", "en"])
    if best:
        return "zh_CN" if best.startswith("zh") else "en"
    brand = g.get("brand")
    return brand.locale if brand and brand.locale in LANGUAGES else "en"


def pick_timezone() -> str:
    """Times are shown in the brand's zone."""
    brand = g.get("brand") if has_request_context() else None
    return brand.timezone if brand else "UTC"


def init_i18n(app: Flask) -> None:
    """Flask-Babel with our catalogue."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(translations_dir())
    babel = Babel(app, locale_selector=pick_locale, timezone_selector=pick_timezone)
    babel.domain_instance = _Catalogues()
    app.jinja_env.globals["lang"] = pick_locale
