"""Consent that is said twice at the same moment, and what is kept of a form that was refused."""

from __future__ import annotations

from sqlalchemy import func, select

from tests import factories as make
from tests.support.databases import OTHER_IN_DRILL
from tests.support.together import together
from tests.support.web import Client
from webapp.kernel.db import Database
from webapp.kernel.idempotency import Idempotency
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import service
from webapp.members.models import Consent, ConsentNow

pytestmark = OTHER_IN_DRILL


def test_two_who_leave_at_once_leave_once(db: Database, brand: BrandRef) -> None:
    """The button and the mail reader's one click, for somebody who had never said anything."""
    people = db.write(lambda s: [m.id for m in make.make_members(s, 12, consents={})], brand=brand)

    def leave(db: Database, n: int) -> list[bool]:
        return [
            db.write(lambda s, m=m: service.withdraw(s, m, "email", "unsubscribe"), brand=brand)
            for m in people
        ]

    told = together(db.url, 3, leave)
    assert [sum(one) for one in zip(*told, strict=True)] == [1] * 12
    with db.read() as scope:
        for model in (Consent, ConsentNow):
            assert scope.session.scalar(select(func.count()).select_from(model)) == 12


def test_a_refused_form_leaves_no_phone_behind(client: Client, db: Database, brand: BrandRef) -> None:
    """Personal data stands with the member and nowhere else, not even in the answer that a key is given."""
    typed = {"name": "Ada", "email": "ada at home", "store": "0", "gender": "", "key": "a-key-of-the-form"}
    assert client.post("/members/new", data=typed).status_code == 422
    with db.read(brand=brand) as scope:
        kept = scope.session.scalars(select(Idempotency.answer)).one()
    assert kept["refused"] == "email_bad" and "ada" not in str(kept)


def test_a_fault_does_not_tell_the_log_what_it_was_about(db: Database, brand: BrandRef) -> None:
    """SQLAlchemy writes a statement's values into its errors, and faults are logged."""
    from sqlalchemy.exc import DBAPIError

    def unit(scope: Scope) -> None:
        scope.session.execute(
            select(Consent).where(func.no_such_function(Consent.source) == "+8613800138000")
        )

    try:
        db.write(unit, brand=brand)
    except DBAPIError as fault:
        assert "8613800138000" not in str(fault)
    else:
        raise AssertionError("there is such a function")
