"""The statements of taking one coupon, built once a process: a crowd sends nothing else.

They say what counters.py says for many; values are bound by name. Each counter changes one row, or none: then it refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, case, cast, exists, false, insert, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.coupons.models import (
    Coupon,
    CouponChange,
    Offer,
    OfferAllowance,
    OfferCode,
    OfferDay,
    OfferTerms,
)
from webapp.kernel.model import inline, table_of
from webapp.members.models import Member
from webapp.plugin_runtime.models import PluginState, switch_of

COUNTED = {"preserve_rowcount": True}  # psycopg's inserts drop it unless they are told


_BUILD: dict[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@cache
def everything(plugins: tuple[tuple[str, str], ...]) -> Any:
    """The offer, its terms, the member, and the counters as they stand: one row, read without a lock. ending: it is sold out,
    but coupons were kept for others whose time has passed. switched: its plugin's switch, None: nobody has touched it.

    plugins: each coupon type's plugin. Binds brand, offer, member, day, now.
    """
    c, o, t, m = Coupon.__table__, Offer.__table__, OfferTerms.__table__, Member.__table__
    a, d = OfferAllowance.__table__, OfferDay.__table__
    p = PluginState.__table__
    ending = (
        exists()
        .where(
            c.c.brand_id == o.c.brand_id,
            c.c.offer_id == o.c.id,
            c.c.state == inline("held"),
            c.c.held_until <= bindparam("now"),
            c.c.claimed_at.is_(None),  # kept, not held for a basket
        )
        .correlate(o)
    )
    return (
        select(
            *(
                o.c[name]
                for name in (
                    "id",
                    "code",
                    "name",
                    "type_key",
                    "state",
                    "stock",
                    "issued",
                    "per_person",
                    "per_day",
                )
            ),
            *(o.c[name] for name in ("claim_from", "claim_until", "who", "by_code", "terms_version")),
            *(t.c[name] for name in ("terms", "valid_from", "valid_days", "valid_until")),
            m.c.person_id,
            a.c.used.label("had"),
            d.c.used.label("today"),
            p.c.enabled.label("switched"),
            case((o.c.issued >= o.c.stock, ending), else_=false()).label("ending"),
        )
        .select_from(o)
        .join(t, and_(t.c.brand_id == o.c.brand_id, t.c.offer_id == o.c.id, t.c.version == o.c.terms_version))
        .outerjoin(m, and_(m.c.brand_id == o.c.brand_id, m.c.id == bindparam("member")))
        .outerjoin(
            a, and_(a.c.brand_id == o.c.brand_id, a.c.offer_id == o.c.id, a.c.person_id == m.c.person_id)
        )
        .outerjoin(d, and_(d.c.brand_id == o.c.brand_id, d.c.offer_id == o.c.id, d.c.day == bindparam("day")))
        .outerjoin(p, switch_of(plugins, o.c.brand_id, o.c.type_key))
        .where(o.c.brand_id == bindparam("brand"), o.c.id == bindparam("offer"))
    )


@cache
def new_coupon(dialect: str) -> Any:
    """A coupon's row; none where its member has it already, or another coupon its code."""
    return _BUILD[dialect](Coupon.__table__).on_conflict_do_nothing().execution_options(**COUNTED)


@cache
def new_steps() -> Any:
    """Its history: given, and taken at the same moment. Binds the columns' names; given, taken: the ids; day and step: what is
    said of each; state: what it became."""
    table = table_of(CouponChange)

    def bound(column: str, name: str = "") -> Any:
        return bindparam(name or column, type_=table.c[column].type)

    def step(id_: str, was: Any, state: Any, detail: str) -> Any:
        both = (bound(name) for name in ("brand_id", "coupon_id", "at", "actor_kind", "actor_id"))
        return select(*both, bound("id", id_), was, state, bound("detail", detail))

    # As a SELECT: of several rows of VALUES SQLAlchemy keeps no compiled statement, and sent one by one they are two.
    columns = ("brand_id", "coupon_id", "at", "actor_kind", "actor_id", "id", "from_state", "state", "detail")
    nothing = cast(null(), table.c.from_state.type)
    given = step("given", nothing, inline("issued"), "day")
    taken = step("taken", inline("issued"), bound("state"), "step")
    return insert(table).from_select(columns, given.union_all(taken), include_defaults=False)


@cache
def count_person(dialect: str) -> Any:
    """One more for a person. The columns' names, and most."""
    table = OfferAllowance.__table__
    return (
        _BUILD[dialect](table)
        .values(**{name: bindparam(name) for name in ("brand_id", "offer_id", "person_id")}, used=1)
        .on_conflict_do_update(
            index_elements=["brand_id", "offer_id", "person_id"],
            set_={"used": table.c.used + 1},
            where=table.c.used < bindparam("most_each"),
        )
        .execution_options(**COUNTED)
    )


@cache
def count_day(dialect: str) -> Any:
    """One more on a day."""
    table = OfferDay.__table__
    return (
        _BUILD[dialect](table)
        .values(**{name: bindparam(name) for name in ("brand_id", "offer_id", "day")}, used=1)
        .on_conflict_do_update(
            index_elements=["brand_id", "offer_id", "day"],
            set_={"used": table.c.used + 1},
            where=table.c.used < bindparam("most_each"),
        )
        .execution_options(**COUNTED)
    )


@cache
def count_code() -> Any:
    """One more by a code."""
    table = table_of(OfferCode)
    return (
        update(table)
        .where(
            table.c.brand_id == bindparam("of_brand"),
            table.c.id == bindparam("code_id"),
            or_(table.c.most.is_(None), table.c.used < table.c.most),
        )
        .values(used=table.c.used + 1)
    )


@cache
def count_stock() -> Any:
    """One more out of the offer's stock."""
    table = table_of(Offer)
    return (
        update(table)
        .where(
            table.c.brand_id == bindparam("of_brand"),
            table.c.id == bindparam("offer_id"),
            table.c.state == "open",
            or_(table.c.stock.is_(None), table.c.issued < table.c.stock),
        )
        .values(issued=table.c.issued + 1)
    )
