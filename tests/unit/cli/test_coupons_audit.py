"""`regulars coupons audit`: what it says, and how it ends."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from tests import factories as make
from webapp.cli import context
from webapp.cli import main as cli
from webapp.coupons import auditing, service
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope


def test_it_ends_with_0_where_all_is_right_and_1_where_it_is_not(
    db: Database,
    brand: BrandRef,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(context, "database", lambda: db)

    def told(*words: str) -> tuple[object, str]:
        with pytest.raises(SystemExit) as ending:
            cli.main(["coupons", "audit", *words])
        said = capsys.readouterr()
        return ending.value.code, said.out + said.err

    def give(scope: Scope) -> int:
        offer = make.make_offer(scope)
        service.give(scope, offer.id, make.make_member(scope).id, "a-key")
        return offer.id

    offer_id = db.write(give, brand=brand)
    code, said = told()
    assert code == 0 and "All is right." in said
    assert all(one.key in said for one in auditing.PROMISES)
    code, said = told("--brand", "nobody")
    assert code == 2 and brand.code in said

    db.write(lambda scope: scope.session.execute(text("UPDATE offer SET issued = issued + 1")), brand=brand)
    code, said = told("--brand", brand.code)
    assert code == 1 and "is not the number of its coupons" in said and f"offer {offer_id}" in said
    assert "Nothing was changed" in said
    code, said = told("--json")
    answer = json.loads(said)
    assert code == 1 and answer["clean"] is False
    (wrong,) = [one for one in answer["brands"][brand.code] if one["broken"]]
    assert (wrong["promise"], wrong["examples"]) == ("stock_counted", [offer_id])
