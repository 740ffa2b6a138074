"""The database that the program before this one made, with the sample shop in it: started, it is brought up to date and works."""

from __future__ import annotations

import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.support import databases, older
from tests.support.live import live_shop
from webapp.brands import queries as brands
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel import migrate
from webapp.staff import service as staff
from webapp.staff.cookie import COOKIE
from webapp.staff.models import StaffRole

pytestmark = pytest.mark.drill


def test_every_row_is_kept_and_the_shop_works(
    db_kind: str, run: databases.Run, sample_shop: Callable[[], Path], tmp_path: Path
) -> None:
    source = sample_shop()
    with databases.empty(db_kind, run, tmp_path) as url:
        columns = older.first_revision(url, tmp_path / "versions")
        older.fill(url, source / "regulars.db", columns)
        before = older.prints(url, columns)
        assert int(before["orders"].split()[0]) > 100
        instance = tmp_path / "instance"
        instance.mkdir()
        (instance / "secret.key").write_bytes((source / "secret.key").read_bytes())
        began = time.monotonic()
        with live_shop(instance, url) as shop:
            shop.start(seconds=120)
            print(
                f"{db_kind}: {before['orders'].split()[0]} orders; open {time.monotonic() - began:.1f} s after the start"
            )
            assert migrate.pending(url) == []
            after = older.prints(url, columns)
            changed = {name for name in before if before[name] != after[name]}
            assert changed <= {"id_block", "lifecycle_run", "step_run"}, (
                changed
            )  # what a shop that starts moves by itself
            with shop.db.read() as scope:
                [brand] = brands.all_refs(scope.session)
                owner = scope.session.scalars(
                    select(StaffRole.staff_id).where(StaffRole.role == "owner")
                ).first()
                coupon = scope.session.scalars(select(Coupon).where(Coupon.state == "claimed")).first()
            with shop.db.read(brand=brand) as scope:
                store = brands.stores(scope)[0].id
            assert owner is not None and coupon is not None
            token = shop.db.write(lambda scope: staff.open_session(scope, owner, agent="drill"), brand=brand)
            headers = {"Cookie": f"{COOKIE}={token}", "Sec-Fetch-Site": "same-origin"}

            def ask(path: str, data: dict[str, object] | None = None) -> str:
                body = urllib.parse.urlencode(data).encode() if data else None
                request = urllib.request.Request(shop.address + path, body, headers)
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return str(answer.read().decode())

            for path in ("/", "/members", "/campaigns", "/offers", "/lifecycle", "/counter", "/more"):
                assert "</html>" in ask(path), path
            member = re.search(r'href="(/members/\d{3,})"', ask("/members"))
            assert member is not None and "</html>" in ask(member[1])
            page = ask(
                "/counter/redeem",
                {"key": "after-the-upgrade", "code": coupon.code, "basket": "5000", "store": store},
            )
            assert "</html>" in page
            with shop.db.read() as scope:
                assert scope.session.scalars(
                    select(Redemption.id).where(Redemption.open_coupon_id == coupon.id)
                ).all()
            assert shop.stop() == 0
            assert " ERROR " not in shop.log
