"""What plugins may change, through the rooms that own it: a room registers its verbs, a plugin's context carries them bound.

Where a context is handed out with a unit of work at hand (a page that was posted, work that is due), its verbs belong to that
unit: all of it is committed, or nothing. Elsewhere (a channel's sender) each is a unit of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from webapp.kernel.scope import BrandRef, Scope
from webapp.plugin_api import TaskAnswer, TellAnswer
from webapp.plugin_api.coupons import CouponView, OfferView, Refusal

if TYPE_CHECKING:
    from webapp.kernel.db import Database

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unit:
    """Where the verbs of a context write and read. db: units of their own; scope: the unit at hand; looking: it only reads."""

    brand: BrandRef
    db: Database | None = None
    scope: Scope | None = None
    looking: bool = False

    def write(self, work: Callable[[Scope], T]) -> T:
        """Raises RuntimeError where nothing may be written."""
        if self.looking:
            raise RuntimeError(
                "a page that is looked at (GET) changes nothing: change it where a form is posted"
            )
        if self.scope is not None:
            return work(self.scope)
        if self.db is None:
            raise RuntimeError("there is no shop behind this context")
        return self.db.write(work, brand=self.brand)

    def read(self, work: Callable[[Scope], T]) -> T:
        """Look."""
        if self.scope is not None:
            return work(self.scope)
        if self.db is None:
            raise RuntimeError("there is no shop behind this context")
        with self.db.read(brand=self.brand) as scope:
            return work(scope)


# ---------------------------------------------------------------------------------------------------------------- tasks


class AddTask(Protocol):
    """The room of tasks gives it; called in a unit of work. plugin: who asks."""

    def __call__(
        self,
        scope: Scope,
        plugin: str,
        key: str,
        *,
        to: str,
        title: str,
        text: str,
        link: str,
        due_on: date | None,
    ) -> TaskAnswer: ...


_add_task: list[AddTask] = []


def register_tasks(add: AddTask) -> None:
    """Once a process, at import of the room's jobs."""
    if add not in _add_task:
        _add_task[:] = [add]


@dataclass(frozen=True, slots=True)
class BoundTasks:
    """`ctx.tasks` of one plugin for one brand (webapp.plugin_api.Tasks)."""

    unit: Unit
    plugin: str

    def add(
        self, key: str, *, to: str, title: str, text: str, link: str = "", due_on: date | None = None
    ) -> TaskAnswer:
        """Raises RuntimeError where no room takes tasks."""
        if not _add_task:
            raise RuntimeError("nobody takes tasks here")
        add = _add_task[0]
        return self.unit.write(
            lambda scope: add(
                scope, self.plugin, key, to=to, title=title, text=text, link=link, due_on=due_on
            )
        )


class NoTasks:
    """A context that was made without a shop (a contract suite): nobody takes tasks."""

    def add(
        self, key: str, *, to: str, title: str, text: str, link: str = "", due_on: date | None = None
    ) -> TaskAnswer:
        """Raises RuntimeError."""
        raise RuntimeError("nobody takes tasks here")


# -------------------------------------------------------------------------------------------------------------- members

NamesOf = Callable[[Scope, Sequence[str]], Mapping[str, str]]
_names: list[NamesOf] = []


def register_names(names: NamesOf) -> None:
    """Once a process, at import of the room of members: `member:17` -> what strangers may read of the name."""
    _names[:] = [names]


def names_of(scope: Scope, members: Sequence[str]) -> Mapping[str, str]:
    """Raises RuntimeError where no room knows members."""
    if not _names:
        raise RuntimeError("nobody knows members here")
    return _names[0](scope, members)


class Tell(Protocol):
    """The room of telling gives it; called in a unit of work. plugin: who asks."""

    def __call__(
        self,
        scope: Scope,
        plugin: str,
        to: Mapping[str, str],
        *,
        key: str,
        subject: str,
        text: str,
        facts: Mapping[str, Any],
    ) -> Mapping[str, TellAnswer]: ...


_tell: list[Tell] = []


def register_telling(tell: Tell) -> None:
    """Once a process, at import of the room's jobs."""
    _tell[:] = [tell]


def telling() -> Tell:
    """Raises RuntimeError where no room tells members anything."""
    if not _tell:
        raise RuntimeError("nobody tells members anything here")
    return _tell[0]


# -------------------------------------------------------------------------------------------------------------- coupons


class CouponRoom(Protocol):
    """What the room of coupons gives, each called in a unit of work. plugin: who asks; it reaches its own types alone."""

    def offers(self, scope: Scope, plugin: str) -> list[OfferView]: ...

    def offer(self, scope: Scope, plugin: str, word: str) -> OfferView | None: ...

    def offer_by_id(self, scope: Scope, plugin: str, offer_id: int) -> OfferView | None: ...

    def left(self, scope: Scope, plugin: str, offer_id: int) -> int | None: ...

    def state(self, scope: Scope, plugin: str, coupon_id: int) -> CouponView | None: ...

    def take(
        self,
        scope: Scope,
        plugin: str,
        offer_id: int,
        member: str,
        key: str,
        code: str,
        until: datetime | None,
    ) -> CouponView | Refusal: ...

    def grant(self, scope: Scope, plugin: str, coupon_ids: Sequence[int]) -> list[CouponView] | Refusal: ...

    def let_go(self, scope: Scope, plugin: str, coupon_ids: Sequence[int]) -> list[CouponView] | Refusal: ...

    def hold(self, scope: Scope, plugin: str, coupon_id: int, until: datetime) -> CouponView | Refusal: ...

    def release(self, scope: Scope, plugin: str, coupon_id: int) -> CouponView | Refusal: ...

    def void(self, scope: Scope, plugin: str, coupon_id: int, reason: str) -> CouponView | Refusal: ...


_coupons: list[CouponRoom] = []


def register_coupons(room: CouponRoom) -> None:
    """Once a process, at import of the room's jobs."""
    _coupons[:] = [room]


@dataclass(frozen=True, slots=True)
class BoundCoupons:
    """`ctx.coupons` of one plugin for one brand (webapp.plugin_api.Coupons)."""

    unit: Unit | None
    plugin: str

    def offers(self) -> list[OfferView]:
        """All of its types."""
        return self._at().read(lambda scope: self._room().offers(scope, self.plugin))

    def offer(self, word: str) -> OfferView | None:
        """By the word of its public page."""
        return self._at().read(lambda scope: self._room().offer(scope, self.plugin, word))

    def offer_by_id(self, offer_id: int) -> OfferView | None:
        """By its id."""
        return self._at().read(lambda scope: self._room().offer_by_id(scope, self.plugin, offer_id))

    def left(self, offer_id: int) -> int | None:
        """How many can still be given."""
        return self._at().read(lambda scope: self._room().left(scope, self.plugin, offer_id))

    def state(self, coupon_id: int) -> CouponView | None:
        """As it is now."""
        return self._at().read(lambda scope: self._room().state(scope, self.plugin, coupon_id))

    def take(
        self, offer_id: int, member: str, key: str, *, code: str = "", until: datetime | None = None
    ) -> CouponView | Refusal:
        """Issued and claimed, or kept, in one."""
        return self._at().write(
            lambda scope: self._room().take(scope, self.plugin, offer_id, member, key, code, until)
        )

    def grant(self, coupon_ids: Sequence[int]) -> list[CouponView] | Refusal:
        """Theirs from now on."""
        return self._at().write(lambda scope: self._room().grant(scope, self.plugin, coupon_ids))

    def let_go(self, coupon_ids: Sequence[int]) -> list[CouponView] | Refusal:
        """Back to the stock."""
        return self._at().write(lambda scope: self._room().let_go(scope, self.plugin, coupon_ids))

    def hold(self, coupon_id: int, until: datetime) -> CouponView | Refusal:
        """Aside until then."""
        return self._at().write(lambda scope: self._room().hold(scope, self.plugin, coupon_id, until))

    def release(self, coupon_id: int) -> CouponView | Refusal:
        """No longer."""
        return self._at().write(lambda scope: self._room().release(scope, self.plugin, coupon_id))

    def void(self, coupon_id: int, reason: str = "") -> CouponView | Refusal:
        """For good."""
        return self._at().write(lambda scope: self._room().void(scope, self.plugin, coupon_id, reason))

    def _at(self) -> Unit:
        if self.unit is None:
            raise RuntimeError("there is no shop behind this context")
        return self.unit

    def _room(self) -> CouponRoom:
        if not _coupons:
            raise RuntimeError("nobody gives coupons here")
        return _coupons[0]
