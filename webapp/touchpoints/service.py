"""Making and changing touchpoints. Every change is in the audit trail; the code is made once and stays."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from webapp.brands.models import Store
from webapp.coupons import queries as coupons
from webapp.groups import queries as groups
from webapp.kernel import secrets
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.reach import reaches
from webapp.kernel.scope import Scope
from webapp.matrix import queries as matrices
from webapp.touchpoints import guides, queries
from webapp.touchpoints.models import Touchpoint

ASK = ("phone", "email", "both")
CODE_BYTES = 9  # 72 bits: nobody finds one by guessing


@dataclass(frozen=True, slots=True)
class Details:
    """What a touchpoint does. Ids None: none. brought_by_id, serves_id, standin_id: accounts of the brand."""

    name: str
    store_id: int | None = None
    place: str = ""
    brought_by_id: int | None = None
    serving: str = "none"
    serves_id: int | None = None
    standin_id: int | None = None
    offer_id: int | None = None
    welcome: str = ""
    ask: str = "phone"
    ask_name: bool = True
    ask_birthday: bool = False
    active: bool = True
    group_id: int | None = None
    matrix_id: int | None = None


def new(scope: Scope, details: Details) -> Touchpoint | Refused:
    """A new code. Refused: name, store, staff, serves, offer, ask; facts name the field."""
    read = _read(scope, details, None)
    if isinstance(read, Refused):
        return read
    row = Touchpoint(
        brand_id=scope.brand.id,
        id=scope.new_id(),
        code=secrets.brand_token(scope.brand.id, CODE_BYTES),
        created_at=scope.now,
        turn=0,
        **asdict(read),
    )
    scope.session.add(row)
    scope.session.flush()
    scope.audit("touchpoint.new", "touchpoint", row.id, name=row.name)
    return row


def change(scope: Scope, touchpoint_id: int, details: Details) -> Touchpoint | Refused:
    """What the printed code does from now on. Refusals as for `new`. Raises NotFound."""
    row = queries.get(scope, touchpoint_id)
    read = _read(scope, details, row)
    if isinstance(read, Refused):
        return read
    changed: dict[str, Any] = {}
    for name, value in asdict(read).items():
        if (before := getattr(row, name)) != value:
            changed[name] = [before, value]
            setattr(row, name, value)
    scope.session.flush()
    if changed:
        scope.audit("touchpoint.change", "touchpoint", row.id, changed=changed)
    return row


def default(scope: Scope, store: Store | None = None) -> Touchpoint:
    """The joining page of the brand, or of a store, made when it is first asked for: phone, name, no guide, no welcome."""
    slot = f"store:{store.id}" if store is not None else "brand"
    found = queries.by_slot(scope, slot)
    if found is None:
        scope.session.execute(
            insert_or_ignore(scope, Touchpoint).values(
                brand_id=scope.brand.id,
                id=scope.new_id(),
                code=secrets.brand_token(scope.brand.id, CODE_BYTES),
                name=(store.name if store is not None else scope.brand.name)[:120],
                slot=slot,
                store_id=store.id if store is not None else None,
                place="",
                serving="none",
                turn=0,
                welcome="",
                ask="phone",
                ask_name=True,
                ask_birthday=False,
                active=True,
                created_at=scope.now,
            )
        )
        found = queries.by_slot(scope, slot)
        if found is None:
            raise RuntimeError("the joining page is being made by somebody else: try again")
        scope.audit("touchpoint.new", "touchpoint", found.id, name=found.name)
    return found


def _read(scope: Scope, details: Details, old: Touchpoint | None) -> Details | Refused:
    """The details, tidied and checked against the brand and the actor's stores."""
    name, place = " ".join(details.name.split()), " ".join(details.place.split())
    welcome = details.welcome.strip()
    if not 1 <= len(name) <= 120:
        return Refused("name", {"field": "name"})
    if len(place) > 120:
        return Refused("long", {"field": "place", "most": 120})
    if len(welcome) > 500:
        return Refused("long", {"field": "welcome", "most": 500})
    if details.ask not in ASK:
        return Refused("ask", {"field": "ask"})
    if not _store_fits(scope, details.store_id):
        return Refused("store", {"field": "store"})
    there = guides.choosable(scope)
    for field in ("brought_by_id", "serves_id", "standin_id"):
        chosen = getattr(details, field)
        fits = chosen in there and (field == "brought_by_id" or there[chosen].serves)
        if chosen and not fits and (old is None or getattr(old, field) != chosen):
            return Refused("staff", {"field": field.removesuffix("_id")})
    if details.serving not in guides.SERVING:
        return Refused("ask", {"field": "serving"})
    if details.serving == "one" and not details.serves_id:
        return Refused("serves", {"field": "serves"})
    if details.offer_id:
        try:
            offer = coupons.offer(scope, details.offer_id)
        except NotFound:
            return Refused("offer", {"field": "offer"})
        if offer.state != "open" and (old is None or old.offer_id != offer.id):
            return Refused("offer", {"field": "offer"})
    if details.matrix_id:
        try:
            gives = bool(matrices.giving(scope, matrices.get(scope, details.matrix_id).id))
        except NotFound:
            return Refused("offer", {"field": "offer"})
        if details.offer_id or (not gives and (old is None or old.matrix_id != details.matrix_id)):
            return Refused("offer", {"field": "offer"})
    if details.group_id and (old is None or old.group_id != details.group_id):
        try:
            groups.get(scope, details.group_id)
        except NotFound:
            return Refused("store", {"field": "group"})
    return Details(
        name,
        details.store_id or None,
        place,
        details.brought_by_id or None,
        details.serving,
        details.serves_id if details.serving == "one" else None,
        details.standin_id if details.serving != "none" else None,
        details.offer_id or None,
        welcome,
        details.ask,
        details.ask_name,
        details.ask_birthday,
        details.active,
        details.group_id or None,
        details.matrix_id or None,
    )


def _store_fits(scope: Scope, store_id: int | None) -> bool:
    if not reaches(scope, store_id or None):
        return False
    return not store_id or scope.session.get(Store, (scope.brand.id, store_id)) is not None
