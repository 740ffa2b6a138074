"""Words that bring a coupon of an offer: shared ones of the shop's, and printed batches of one coupon each.

A word is kept as `normal` makes it, so that capitals, spaces, dashes and a Chinese keyboard's wide letters do not matter.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, true, update

from webapp.coupons import queries
from webapp.coupons.models import OfferCode
from webapp.kernel import secrets
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.idempotency import insert_or_ignore, once
from webapp.kernel.scope import Scope
from webapp.kernel.steps import Done, Next

SHORTEST, LONGEST = 3, 40  # characters of a word
LENGTH = 10  # of a printed code, the last one a check letter: longer than a coupon's, so that no clerk takes one for the other
MOST_AT_ONCE = 10_000  # codes of a batch
MOST_USES = 10_000_000  # of a shared word
ROWS = 500  # a statement
UNIT = 1000  # codes a unit, some 60 ms (law 3)
STEPS = "offer.codes"


def normal(typed: str) -> str:
    """What was meant: letters and digits only, capitals."""
    word = unicodedata.normalize("NFKC", typed[: 4 * LONGEST]).upper()
    return "".join(c for c in word if c.isalnum())[: LONGEST + 1]


def find(scope: Scope, typed: str) -> OfferCode | None:
    """The code of a typed word, whichever offer it is of, as it stands now."""
    word = normal(typed)
    if not word:
        return None
    return scope.session.scalars(
        select(OfferCode)
        .where(OfferCode.brand_id == scope.brand.id, OfferCode.code == word)
        .execution_options(populate_existing=True)
    ).one_or_none()


def shown(code: str) -> str:
    """A printed code in two groups."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


# ---------------------------------------------------------------------------------------------------------- shared words


def make_shared(scope: Scope, offer_id: int, word: str, most: int | None = None) -> OfferCode | Refused:
    """A word that brings coupons of an offer to whoever knows it, `most` in all (None: no limit but the offer's own).

    Asked again for the same offer it is the same word, with the new limit. Refused: word (3 to 40 letters and digits),
    most (1 to 10,000,000, and not below what it has brought: used), word_taken (it is another offer's, or printed).
    """
    queries.offer(scope, offer_id)
    code = normal(word)
    if not SHORTEST <= len(code) <= LONGEST:
        return Refused("word", {"least": SHORTEST, "most": LONGEST})
    if most is not None and not 1 <= most <= MOST_USES:
        return Refused("most", {"least": 1, "most": MOST_USES})
    scope.session.execute(
        insert_or_ignore(scope, OfferCode).values(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            offer_id=offer_id,
            code=code,
            batch="",
            most=most,
            used=0,
            created_at=scope.now,
        )
    )
    row = find(scope, code)
    assert row is not None
    if row.offer_id != offer_id or row.batch:
        return Refused("word_taken")
    if row.most != most:
        enough = true() if most is None else OfferCode.used <= most
        scope.session.execute(
            update(OfferCode)
            .where(OfferCode.brand_id == scope.brand.id, OfferCode.id == row.id, enough)
            .values(most=most)
            .execution_options(synchronize_session=False)
        )
        scope.session.refresh(row)
        if row.most != most:
            return Refused("used", {"used": row.used})
    scope.audit("offer.code", "offer", offer_id, code=row.id, most=most)
    return row


# --------------------------------------------------------------------------------------------------------------- batches


def batch_of(key: str) -> str:
    """The name of the batch that a form with this key makes."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def make_batch(scope: Scope, offer_id: int, n: int, key: str) -> str:
    """n codes of one coupon each, in one unit, for a few hundred; more: kernel.run_steps with `step`. The same key makes the
    same batch, once. Returns its name. Raises ValueError for an n out of range."""
    _bounded(n)
    batch = batch_of(key)

    def work() -> str:
        outcome: Next | Done = Next(0)
        while isinstance(outcome, Next):
            outcome = step(scope, offer_id, n, batch, outcome.cursor)
        return batch

    return str(once(scope, f"codes:{batch}", f"codes:{offer_id}", work))


def step(scope: Scope, offer_id: int, n: int, batch: str, made: int) -> Next | Done:
    """Some of a batch of n codes. made: how many there are. Raises ValueError for an n out of range."""
    _bounded(n)
    queries.offer(scope, offer_id)
    until = min(n, made + UNIT)
    while made < until:
        some = min(ROWS, until - made)
        rows = [
            {
                "brand_id": scope.brand.id,
                "id": id_,
                "offer_id": offer_id,
                "code": secrets.typed_code(LENGTH),
                "batch": batch,
                "most": 1,
                "used": 0,
                "created_at": scope.now,
            }
            for id_ in scope.new_ids(some)
        ]
        statement = insert_or_ignore(scope, OfferCode).returning(OfferCode.id)
        made += len(scope.session.scalars(statement, rows).all())  # one that there is already is drawn anew
    if made < n:
        return Next(made)
    scope.audit("offer.codes", "offer", offer_id, batch=batch, codes=n)
    return Done(n)


def _bounded(n: int) -> None:
    if not 1 <= n <= MOST_AT_ONCE:
        raise ValueError(f"1 to {MOST_AT_ONCE} codes, not {n}")


def stop(scope: Scope, offer_id: int, *, batch: str = "", code_id: int | None = None) -> int:
    """A shared word, or what is unused of a batch, brings no more coupons; what they brought stays. Returns how many codes."""
    where = [OfferCode.brand_id == scope.brand.id, OfferCode.offer_id == offer_id, OfferCode.batch == batch]
    if not batch:
        where.append(OfferCode.id == (code_id or 0))
    done = scope.session.execute(
        update(OfferCode)
        .where(*where, OfferCode.most.is_distinct_from(OfferCode.used))
        .values(most=OfferCode.used)
        .execution_options(synchronize_session=False)
    )
    stopped = int(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult
    if stopped:
        scope.audit("offer.code_stop", "offer", offer_id, batch=batch, code=code_id)
    return stopped


# --------------------------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class Batch:
    """A printed batch. left: how many of its codes are still good."""

    name: str
    codes: int
    used: int
    left: int
    made_at: datetime


def batches(scope: Scope, offer_id: int) -> list[Batch]:
    """Of an offer, newest first."""
    rows = scope.session.execute(
        select(
            OfferCode.batch,
            func.count(),
            func.sum(OfferCode.used),
            func.sum(OfferCode.most - OfferCode.used),
            func.min(OfferCode.created_at),
        )
        .where(OfferCode.brand_id == scope.brand.id, OfferCode.offer_id == offer_id, OfferCode.batch != "")
        .group_by(OfferCode.batch)
    )
    found = [Batch(name, codes, int(used or 0), int(left or 0), at) for name, codes, used, left, at in rows]
    return sorted(found, key=lambda one: one.made_at, reverse=True)


def shared(scope: Scope, offer_id: int) -> list[OfferCode]:
    """The shared words of an offer, newest first."""
    return list(
        scope.session.scalars(
            select(OfferCode)
            .where(
                OfferCode.brand_id == scope.brand.id, OfferCode.offer_id == offer_id, OfferCode.batch == ""
            )
            .order_by(OfferCode.id.desc())
        )
    )


def of_batch(scope: Scope, offer_id: int, batch: str) -> Iterator[tuple[str, bool]]:
    """Every code of a batch as printed, and whether it is still good. Raises NotFound for a batch that there is not."""
    after, first = 0, True
    while True:
        rows = scope.session.execute(
            select(OfferCode.id, OfferCode.code, OfferCode.most > OfferCode.used)
            .where(
                OfferCode.brand_id == scope.brand.id,
                OfferCode.offer_id == offer_id,
                OfferCode.batch == batch,
                OfferCode.id > after,
            )
            .order_by(OfferCode.id)
            .limit(2 * ROWS)
        ).all()
        if not batch or (first and not rows):
            raise NotFound(f"batch of offer {offer_id}")
        yield from ((shown(code), bool(good)) for _id, code, good in rows)
        if len(rows) < 2 * ROWS:
            return
        after, first = rows[-1][0], False
