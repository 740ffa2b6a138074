"""Loading: each plugin by itself, so that one that fails is shown and the app runs."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import logging
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pluggy

from webapp.kernel.migrate import Branch
from webapp.kernel.paths import plugins_dir
from webapp.plugin_api import Channel, CouponType, LifecyclePolicy, PublicPage, Setting, StaffPage
from webapp.plugin_api.hooks import PROJECT, Hooks
from webapp.plugin_runtime import discover
from webapp.plugin_runtime.discover import Found
from webapp.plugin_runtime.manifest import Manifest

log = logging.getLogger("regulars.plugins")
K = TypeVar("K", Channel, CouponType, LifecyclePolicy)
PAGE_PATH = re.compile(r"|[a-z0-9][a-z0-9-]{0,39}(/[a-z0-9][a-z0-9-]{0,39}){0,3}")


class Broken(Exception):
    """Why a plugin cannot be used, in a sentence for its author."""


@dataclass(slots=True)
class Loaded:
    """A plugin that was found. error: why it is off everywhere (shown on the plugins page), None if it is usable. public,
    staff: its pages by path; work: its hook of that name."""

    name: str
    folder: Path
    manifest: Manifest | None
    error: str | None = None
    settings: tuple[Setting, ...] = ()
    public: dict[str, PublicPage] = field(default_factory=dict)
    staff: dict[str, StaffPage] = field(default_factory=dict)
    work: Callable[..., None] | None = None


@dataclass(slots=True)
class Registry:
    """What was found and what it offers. Kinds by key, each with the plugin that owns it."""

    plugins: dict[str, Loaded] = field(default_factory=dict)
    channels: dict[str, tuple[str, Channel]] = field(default_factory=dict)
    coupon_types: dict[str, tuple[str, CouponType]] = field(default_factory=dict)
    policies: dict[str, tuple[str, LifecyclePolicy]] = field(default_factory=dict)
    manager: pluggy.PluginManager = field(default_factory=lambda: _manager())


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    return manager


_registry: Registry | None = None


def registry() -> Registry:
    """The process's registry; loads at the first call."""
    global _registry
    if _registry is None:
        _registry = load_all()
    return _registry


def load_all(extra: Path | None = None) -> Registry:
    """Find and load every plugin anew: the product's folder, `extra` (the instance's plugins folder), pip packages."""
    global _registry
    fresh = Registry()
    found = [
        *discover.in_folder(plugins_dir()),
        *(discover.in_folder(extra) if extra else ()),
        *discover.installed(),
    ]
    for one in found:
        if one.name in fresh.plugins:
            log.error("plugin %s is there twice; the one in %s is left out", one.name, one.folder)
            continue
        _load(fresh, one)
    _registry = fresh
    return fresh


def branches(of: Registry) -> list[Branch]:
    """The migrations of plugins that have tables of their own, broken ones included: their tables are theirs still."""
    return [
        Branch(one.name, one.folder / "migrations")
        for _, one in sorted(of.plugins.items())
        if one.manifest is not None and (one.folder / "migrations").is_dir()
    ]


def hold_to(permissions: Iterable[str], of: Registry | None = None) -> None:
    """Whoever has a staff page that names no permission of the core is off, and shown: nobody could be let in."""
    for one in (of or registry()).plugins.values():
        unknown = sorted({page.permission for page in one.staff.values()} - set(permissions))
        if unknown and not one.error:
            one.error = f"its staff pages name permissions that there are not: {', '.join(unknown)}"
            log.error("plugin %s is off: %s", one.name, one.error)


def try_one(found: Found, permissions: Iterable[str] | None = None) -> str | None:
    """Load one plugin beside the running registry (`regulars plugins check`). What is wrong with it, or None. permissions:
    those that there are, where its pages are to be held to them."""
    alone = Registry()
    _load(alone, found)
    if permissions is not None:
        hold_to(permissions, alone)
    return alone.plugins[found.name].error


def _load(into: Registry, found: Found) -> None:
    loaded = Loaded(found.name, found.folder, found.manifest, found.error)
    into.plugins[found.name] = loaded
    if found.manifest is None:
        log.error("plugin %s: %s", found.name, found.error)
        return
    try:
        module = _module(found)
        _check_hooks(module)
        into.manager.register(module, name=found.name)
        _collect(into, loaded, module)
    except Broken as why:
        loaded.error = str(why)
    except Exception as why:  # whatever an author's code raises at import
        log.exception("plugin %s failed to load", found.name)
        loaded.error = f"{type(why).__name__}: {why}"[:300]
    if loaded.error:
        log.error("plugin %s is off: %s", found.name, loaded.error)
        if into.manager.has_plugin(found.name):
            into.manager.unregister(name=found.name)


def _module(found: Found) -> ModuleType:
    if found.module:
        return importlib.import_module(found.module)
    name = f"regulars_plugin_{found.name}"
    for known in [known for known in sys.modules if known == name or known.startswith(name + ".")]:
        del sys.modules[known]
    spec = importlib.util.spec_from_file_location(
        name, found.folder / "__init__.py", submodule_search_locations=[str(found.folder)]
    )
    if spec is None or spec.loader is None:
        raise Broken("there is no __init__.py in its folder")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _check_hooks(module: ModuleType) -> None:
    """A misspelt hook would be silent: refuse it."""
    marker = f"{PROJECT}_impl"
    known = {name for name in vars(Hooks) if not name.startswith("_")}
    for name, value in vars(module).items():
        if getattr(value, marker, None) is not None and name not in known:
            raise Broken(f"there is no hook {name!r}; known hooks: {', '.join(sorted(known))}")


def _collect(into: Registry, loaded: Loaded, module: ModuleType) -> None:
    """Ask one plugin for all it offers; nothing of it counts unless all of it stands."""

    def hook(name: str) -> Callable[..., Any] | None:
        function: Callable[..., Any] | None = getattr(module, name, None)
        return None if getattr(function, f"{PROJECT}_impl", None) is None else function

    def ask(name: str) -> list[Any]:
        function = hook(name)
        return [] if function is None else list(function())

    settings = ask("settings")
    if len({s.key for s in settings}) != len(settings):
        raise Broken("two of its settings have the same key")
    # type-abstract: mypy wants concrete classes for type[K]; isinstance works with abstract ones
    channels = _keyed(ask("channels"), Channel, into.channels, loaded)  # type: ignore[type-abstract]
    coupon_types = _keyed(ask("coupon_types"), CouponType, into.coupon_types, loaded)  # type: ignore[type-abstract]
    policies = _keyed(ask("lifecycle_policies"), LifecyclePolicy, into.policies, loaded)  # type: ignore[type-abstract]
    public, staff = _pages(ask("pages"))
    if "" not in public and any(kind.own_page for _owner, kind in coupon_types.values()):
        raise Broken("a coupon type that is taken on its own page needs a PublicPage with a blank path")
    work = hook("work")
    if work is not None and len(inspect.signature(work).parameters) != 3:
        raise Broken("its hook work must take ctx, name and payload")
    loaded.settings = tuple(settings)
    loaded.public, loaded.staff, loaded.work = public, staff, work
    into.channels.update(channels)
    into.coupon_types.update(coupon_types)
    into.policies.update(policies)


def _keyed(
    offered: list[Any], base: type[K], taken: dict[str, tuple[str, K]], loaded: Loaded
) -> dict[str, tuple[str, K]]:
    assert loaded.manifest is not None
    fresh: dict[str, tuple[str, K]] = {}
    for one in offered:
        if not isinstance(one, base):
            raise Broken(f"{one!r} is no {base.__name__}")
        if one.kind not in loaded.manifest.kinds:
            raise Broken(f"it offers {one.kind} but its plugin.toml does not name that kind")
        if one.key in taken or one.key in fresh:
            owner = taken[one.key][0] if one.key in taken else loaded.name
            raise Broken(f"the key {one.key!r} is taken by {owner}")
        fresh[one.key] = (loaded.name, one)
    return fresh


def _pages(offered: list[Any]) -> tuple[dict[str, PublicPage], dict[str, StaffPage]]:
    public: dict[str, PublicPage] = {}
    staff: dict[str, StaffPage] = {}
    for one in offered:
        if not isinstance(one, PublicPage | StaffPage):
            raise Broken(f"{one!r} is neither a PublicPage nor a StaffPage")
        if not PAGE_PATH.fullmatch(one.path):
            raise Broken(f"the path {one.path!r} of a page: small letters, digits and dashes between slashes")
        if not callable(one.handler):
            raise Broken(f"the page {one.path!r} has no handler")
        if isinstance(one, StaffPage) and not one.permission:
            raise Broken(f"the staff page {one.path!r} names no permission")
        if one.path in (public if isinstance(one, PublicPage) else staff):
            raise Broken(f"two of its pages have the path {one.path!r}")
        if isinstance(one, PublicPage):
            public[one.path] = one
        else:
            staff[one.path] = one
    return public, staff
