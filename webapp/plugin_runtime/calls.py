"""The one file that calls plugins, with the brand in hand.

Failure policies: *collect* (at load, runtime.py: isolate, show, go on), *decide* (here: an exception is a refusal), *observe*
(work.py: tried again, then parked).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.plugin_api import Channel, CouponType, LifecyclePolicy, Message, Outcome
from webapp.plugin_api.pages import Answer, Handler, PageRequest
from webapp.plugin_runtime.context import Context, bare, context, enabled, inside, usable
from webapp.plugin_runtime.runtime import registry

log = logging.getLogger("regulars.plugins")
K = TypeVar("K", Channel, CouponType, LifecyclePolicy)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bound(Generic[K]):
    """A plugin's implementation of a kind, bound to the scope's brand."""

    plugin: str
    impl: K
    ctx: Context


Make = Callable[[Scope, str], Context]


def _bind(scope: Scope, kinds: dict[str, tuple[str, K]], key: str, make: Make = context) -> Bound[K] | None:
    owned = kinds.get(key)
    if owned is None or not enabled(scope, owned[0]):
        return None
    return Bound(owned[0], owned[1], make(scope, owned[0]))


def _all(scope: Scope, kinds: dict[str, tuple[str, K]], make: Make = context) -> list[Bound[K]]:
    bound = (_bind(scope, kinds, key, make) for key in sorted(kinds))
    return [one for one in bound if one is not None]


def channel(scope: Scope, key: str) -> Bound[Channel] | None:
    """The channel of a key, if its plugin is usable and switched on for the brand."""
    return _bind(scope, registry().channels, key)


def channels(scope: Scope) -> list[Bound[Channel]]:
    """Every channel that the brand has."""
    return _all(scope, registry().channels)


def coupon_type(scope: Scope, key: str) -> Bound[CouponType] | None:
    """The coupon type of a key, likewise. It is pure and asks for no settings, so that none are read for it."""
    return _bind(scope, registry().coupon_types, key, bare)


def coupon_type_read(scope: Scope, key: str, switched: bool | None) -> Bound[CouponType] | None:
    """The same for whoever has read the plugin's switch in a statement of their own (PluginState.enabled, None: no row)."""
    owned = registry().coupon_types.get(key)
    if owned is None or not usable(owned[0], switched):
        return None
    return Bound(owned[0], owned[1], bare(scope, owned[0]))


def coupon_plugins() -> tuple[tuple[str, str], ...]:
    """Each coupon type's key with its plugin, whether or not it is switched on."""
    return tuple((key, owned[0]) for key, owned in registry().coupon_types.items())


def coupon_types(scope: Scope) -> list[Bound[CouponType]]:
    """Every coupon type that the brand has."""
    return _all(scope, registry().coupon_types, bare)


def policy(scope: Scope) -> Bound[LifecyclePolicy] | None:
    """The brand's lifecycle policy: the first one switched on, by key."""
    return next(iter(_all(scope, registry().policies)), None)


def decide(plugin: str, question: Callable[[], T]) -> T | Refused:
    """Ask a plugin to decide; whatever it raises is a refusal (fail closed), logged with the plugin's name."""
    try:
        return question()
    except Exception as fault:
        log.exception("plugin %s failed to decide", plugin)
        return Refused("plugin_failed", {"plugin": plugin, "error": type(fault).__name__})


@contextmanager
def speaking(bound: Bound[Channel]) -> Iterator[Callable[[Message], Outcome]]:
    """Open a channel, outside any transaction; what is yielded sends one message and never raises for the plugin.

    A channel that cannot be opened answers each message with a halt. An exception while it speaks is `unknown`: the
    message may be out. One while it hangs up is logged.
    """
    broken = Outcome("retry", "plugin_failed", halt=True)
    with ExitStack() as stack:
        try:
            sender = stack.enter_context(bound.impl.open(bound.ctx))
        except Exception:
            log.exception("plugin %s failed to open", bound.plugin)
            yield lambda message: broken
            return

        def send(message: Message) -> Outcome:
            try:
                outcome = sender.send(message)
            except Exception:
                log.exception("plugin %s failed while it sent %s", bound.plugin, message.key)
                return Outcome("unknown", "plugin_failed")
            if not isinstance(outcome, Outcome):
                log.error("plugin %s answered %r for %s", bound.plugin, type(outcome), message.key)  # type: ignore[unreachable]
                return Outcome("unknown", "plugin_failed")
            return outcome

        try:
            yield send
        finally:
            try:
                stack.close()
            except Exception:
                log.exception("plugin %s failed to hang up", bound.plugin)


def work(scope: Scope, plugin: str, name: str, payload: Mapping[str, Any]) -> None:
    """Have a plugin do work in this unit; it raises whatever the plugin raises (work.py isolates it)."""
    hook = registry().plugins[plugin].work
    if hook is None:
        raise LookupError("the plugin has no hook work any more")
    hook(inside(scope, plugin), name, payload)


def handle(scope: Scope, plugin: str, handler: Handler, request: PageRequest) -> Answer:
    """Have a plugin answer a request in this unit, which only reads unless a form was posted. Raises whatever the plugin
    raises (routes isolate it), and TypeError for what is no answer."""
    answer = handler(inside(scope, plugin, looking=not request.posted), request)
    if not isinstance(answer, Answer):
        raise TypeError(f"a page must answer Page, Redirect, Text or NotFound, not {type(answer).__name__}")
    return answer
