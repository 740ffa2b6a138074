"""The app factory: a table of contents, nothing else."""

from __future__ import annotations

from importlib import import_module

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp import config
from webapp.brands import queries as brands
from webapp.jobs.address import queue_url
from webapp.kernel import (
    assets,
    csrf,
    edge,
    errorpages,
    filters,
    htmx,
    i18n,
    limits,
    links,
    migrate,
    security,
    shell,
)
from webapp.kernel.db import Database
from webapp.kernel.paths import templates_dir
from webapp.kernel.secrets import SecretBox
from webapp.plugin_runtime import context, runtime

ROOMS = (
    "brands",
    "staff",
    "today",
    "plugin_runtime",
    "members",
    "orders",
    "catalogue",
    "lifecycle",
    "groups",
    "coupons",
    "matrix",
    "outbox",
    "campaigns",
    "preferences",
    "touchpoints",
    "backup",
    "settings",
    "tags",
    "tasks",
    "imports",
    "api",
)
JOBS = (
    "plugin_runtime",
    "members",
    "orders",
    "catalogue",
    "lifecycle",
    "coupons",
    "matrix",
    "outbox",
    "campaigns",
    "reminders",
    "telling",
    "imports",
    "backup",
    "tasks",
    "touchpoints",
)


def create_database(settings: config.Settings) -> Database:
    """The database of an instance, with the bell of its queue server."""
    from webapp.jobs.bell import bell_for

    settings.instance.mkdir(parents=True, exist_ok=True)
    return Database(settings.database_url, ring=bell_for(settings), load_brand=brands.load)


def create_app(settings: config.Settings | None = None, db: Database | None = None) -> Flask:
    """The web application; tests hand in their own settings and database."""
    settings = settings or config.load()
    if db is None:
        plugins = runtime.branches(runtime.load_all(settings.instance / "plugins"))
        migrate.require_current(settings.database_url, plugins)
        db = create_database(settings)
    if settings.public_url:
        links.use(settings.public_url)
    links.watch(db)
    limits.use_server(queue_url(settings.instance, settings.redis_url))
    app = Flask("webapp", template_folder=str(templates_dir()), static_folder=None)
    app.extensions["regulars.settings"] = settings
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    app.config["SECRET_KEY"] = SecretBox.of(settings.instance).derive("flask")
    htmx.init_htmx(app)
    csrf.init_csrf(app)
    security.init_security(app, strict_cookies=settings.strict_cookies)
    i18n.init_i18n(app)
    filters.init_filters(app)
    assets.init_assets(app)
    errorpages.init_errors(app)
    edge.init_edge(app, db)
    shell.init_shell(app)
    load_plugins(app, settings)
    load_jobs()
    for room in ROOMS:
        import_module(f"webapp.{room}.routes").init_app(app)
    app.before_request(edge.guard)  # after the staff room has recognised who asks
    return app


def load_plugins(app: Flask, settings: config.Settings) -> None:
    """Find and load plugins; one that fails is shown, and the app runs."""
    context.use_secrets_of(settings.instance)
    app.extensions["regulars.plugins"] = runtime.load_all(settings.instance / "plugins")


def load_jobs() -> None:
    """Register every room's jobs, sweeps and subscribers."""
    import_module("webapp.kernel.events")
    for room in JOBS:
        import_module(f"webapp.{room}.jobs")
