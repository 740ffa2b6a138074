"""Letting people in by link, changing them, letting them go; several brands; quick sign-in."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from tests import factories as make
from tests.support import seed
from tests.support.databases import ONE_DATABASE, OTHER_IN_DRILL
from tests.support.web import Client, text_of
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.staff import people, queries, quick, service

pytestmark = OTHER_IN_DRILL

GOOD = {"name": "Grace", "password": "a good sentence"}


def stranger(app: Flask) -> Client:
    return app.test_client()  # type: ignore[return-value]


def invite(owner: Client, email: str = "grace@acme.example", role: str = "guide", **more: object) -> str:
    """As the owner does on the page; the link's path."""
    page = owner.submit("/settings/staff/invite", {"email": email, "role": role, **more})
    found = re.search(r"(/invited/[\w-]+)", page.text)
    assert page.status_code == 200 and found, text_of(page.text)
    return found[1]


def stores(db: Database, brand: BrandRef) -> dict[str, int]:
    return {
        code: db.write(lambda s, c=code: make.make_store(s, c).id, brand=brand)  # type: ignore[misc]
        for code in seed.STORES
    }


def staff_id(db: Database, email: str) -> int:
    with db.read() as scope:
        found = queries.by_email(scope, email)
        assert found is not None
        return found.id


def actor_of(db: Database, brand: BrandRef, email: str) -> Actor:
    """As a request of theirs carries it."""
    id_ = staff_id(db, email)
    token = db.write(lambda s: service.open_session(s, id_), brand=brand)
    with db.read() as scope:
        found = queries.signed_in(scope, token)
    assert found is not None
    return found.actor


@ONE_DATABASE
class TestInvitations:
    def test_a_new_colleague_comes_in_with_role_and_stores_once(
        self, app: Flask, client: Client, db: Database, brand: BrandRef
    ) -> None:
        here = stores(db, brand)["xujiahui"]
        link = invite(client, stores=[str(here)])
        grace = stranger(app)
        page = text_of(grace.get(link).text)
        assert "Guide" in page and "grace@acme.example" in page and "Acme" in page
        short = grace.post(link, data=GOOD | {"password": "short"})
        assert short.status_code == 422 and 'value="Grace"' in short.text
        assert grace.post(link, data=GOOD).status_code == 303
        assert grace.get("/members").status_code == 200
        actor = actor_of(db, brand, "grace@acme.example")
        assert (actor.role, actor.stores) == ("guide", frozenset({here}))
        again = stranger(app)
        assert again.get(link).status_code == 410 and again.post(link, data=GOOD).status_code == 410

    def test_it_runs_out_and_is_withdrawn_and_a_newer_one_ends_it(self, app: Flask, client: Client) -> None:
        first = invite(client)
        second = invite(client)
        assert stranger(app).get(first).status_code == 410
        with time_machine.travel(clock.now() + timedelta(days=8)):
            assert stranger(app).get(second).status_code == 410
        gone = client.submit("/settings/staff", form="withdraw")
        assert "no longer works" in text_of(gone.text)
        assert stranger(app).post(second, data=GOOD).status_code == 410

    def test_a_form_sent_twice_makes_one_link(self, client: Client) -> None:
        data = {"email": "grace@acme.example", "role": "clerk", "key": "the-same-form-twice"}
        links = {
            re.search(r"/invited/[\w-]+", client.post("/settings/staff/invite", data=data).text)[0]  # type: ignore[index]
            for _ in range(2)
        }
        assert len(links) == 1

    def test_who_has_an_account_joins_with_its_own_password(
        self, app: Flask, client: Client, db: Database, brand: BrandRef
    ) -> None:
        """A link that another shop's owner holds must not open somebody's account."""
        other = db.write(lambda s: make.make_brand(s, "other"))
        hashed = service.hash_password("her own sentence")
        assert not isinstance(hashed, Refused)

        def elsewhere(scope: Scope) -> None:
            person = service.let_in(scope, email="grace@acme.example", role="owner", name="Grace")
            service.set_password(scope, person, hashed)

        db.write(elsewhere, brand=other)
        link = invite(client, role="clerk")
        thief = stranger(app)
        assert 'name="password"' not in thief.get(link).text
        assert thief.post(link, data=GOOD).status_code == 422
        grace = stranger(app)
        grace.submit("/sign-in", {"email": "grace@acme.example", "password": "her own sentence"})
        stays = grace.submit(link)
        assert stays.request.path == "/brands"
        assert "Acme" in stays.text and "Other" in stays.text
        grace.post("/brands", data={"brand": str(brand.id)})
        assert grace.get("/settings/staff").status_code == 403  # a clerk here
        grace.post("/brands", data={"brand": str(other.id)})
        assert grace.get("/settings/staff").status_code == 200  # an owner there

    def test_somebody_elses_browser_is_told_so(self, app: Flask, client: Client) -> None:
        link = invite(client)
        clerk = stranger(app).sign_in("clerk")
        assert "signed in as clerk@acme.example" in text_of(clerk.get(link).text)
        assert clerk.post(link).status_code == 422
        assert stranger(app).get(link).status_code == 200

    def test_mistakes_are_beside_their_field(self, client: Client) -> None:
        for data, words in (
            ({"email": "nonsense", "role": "clerk"}, "This is no e-mail address."),
            ({"email": seed.email("clerk"), "role": "clerk"}, "works here already"),
        ):
            page = client.submit("/settings/staff/invite", data)
            assert page.status_code == 422 and words in text_of(page.text)
            assert f'value="{data["email"]}"' in page.text
        forged = client.post(
            "/settings/staff/invite",
            data={"email": "a@b.example", "role": "clerk", "stores": "999", "key": "k" * 9},
        )
        assert forged.status_code == 422

    def test_a_guessed_link_leads_nowhere(self, app: Flask) -> None:
        for word in ("x", "AAAA", "_" * 32, "é"):
            assert stranger(app).get(f"/invited/{word}").status_code == 410


@ONE_DATABASE
class TestPeople:
    def test_another_role_holds_from_the_next_click(self, app: Flask, client: Client, db: Database) -> None:
        clerk = stranger(app).sign_in("clerk")
        assert clerk.get("/coupons").status_code == 403
        client.submit(f"/settings/staff/{staff_id(db, seed.email('clerk'))}", {"role": "operator"})
        assert clerk.get("/coupons").status_code == 200

    def test_letting_go_signs_out_at_once_and_back_in_again(
        self, app: Flask, client: Client, db: Database
    ) -> None:
        clerk, id_ = stranger(app).sign_in("clerk"), staff_id(db, seed.email("clerk"))
        assert client.submit(f"/settings/staff/{id_}", form="off").status_code == 200
        assert clerk.get("/members").status_code == 303
        assert "No longer here" in text_of(client.get("/settings/staff").text)
        client.submit("/settings/staff", form=f"{id_}/on")
        assert stranger(app).sign_in("clerk").get("/members").status_code == 200

    def test_the_last_owner_stays(self, client: Client, db: Database) -> None:
        id_ = staff_id(db, seed.email("owner"))
        for answer in (
            client.submit(f"/settings/staff/{id_}", {"role": "clerk"}),
            client.submit(f"/settings/staff/{id_}", form="off"),
        ):
            assert "only owner" in text_of(answer.text)
        assert client.get("/settings/staff").status_code == 200

    def test_an_owner_has_no_say_over_accounts_of_other_shops(
        self, client: Client, db: Database, brand: BrandRef
    ) -> None:
        other = db.write(lambda s: make.make_brand(s, "other"))
        both = staff_id(db, seed.email("clerk"))
        db.write(lambda s: service.let_in(s, email=seed.email("clerk"), role="owner"), brand=other)
        db.write(lambda s: service.let_in(s, email="theirs@other.example", role="clerk"), brand=other)
        theirs = staff_id(db, "theirs@other.example")
        assert "also works in another shop" in text_of(
            client.submit(f"/settings/staff/{both}", form="link").text
        )
        for path in ("", "/off", "/on", "/link"):
            assert client.post(f"/settings/staff/{theirs}{path}", data={"role": "clerk"}).status_code == 404
        assert client.get(f"/settings/staff/{theirs}").status_code == 404

    def test_a_forgotten_password_gets_a_link(self, app: Flask, client: Client, db: Database) -> None:
        page = client.submit(f"/settings/staff/{staff_id(db, seed.email('clerk'))}", form="link")
        link = re.search(r"(/welcome/[\w-]+)", page.text)
        assert link and stranger(app).get(link[1]).status_code == 200


@ONE_DATABASE
class TestQuick:
    def code(self, maker: Client, id_: int) -> str:
        page = maker.submit("/settings/quick", form=f"/{id_}")
        found = re.search(r"/quick\?code=(\w{8})", page.text)
        assert found, text_of(page.text)
        return found[1]

    def test_a_guide_comes_in_once_and_stays_small(
        self, app: Flask, client: Client, db: Database, brand: BrandRef
    ) -> None:
        id_ = staff_id(db, seed.email("guide"))
        other = db.write(lambda s: make.make_brand(s, "other"))
        db.write(lambda s: service.let_in(s, email=seed.email("guide"), role="owner"), brand=other)
        code = self.code(client, id_)
        phone = stranger(app)
        assert phone.get(f"/quick?code={code}").status_code == 200  # a chat app's preview uses nothing up
        assert phone.post("/quick", data={"code": f"{code[:4].lower()} {code[4:]}"}).status_code == 303
        assert phone.get("/members").status_code == 200
        assert phone.get("/account").status_code == 200
        for path in ("password", "second-factor"):
            assert phone.get(f"/account/{path}").status_code == 403
        for path in ("", "/password", "/sessions/end-others", "/second-factor/begin", "/second-factor/off"):
            assert phone.post(f"/account{path}", data={"name": "x"}).status_code == 403
        phone.post("/brands", data={"brand": str(other.id)})
        assert phone.get("/settings/staff").status_code == 403  # still this brand, still a guide
        assert stranger(app).post("/quick", data={"code": code}).status_code == 422  # once
        with time_machine.travel(clock.now() + timedelta(hours=15)):
            assert phone.get("/members").status_code == 303
        client.submit(f"/settings/staff/{id_}", {"role": "operator"})
        assert phone.get("/members").status_code == 303  # it was made for a guide

    def test_it_runs_out_and_a_newer_one_ends_it(self, app: Flask, client: Client, db: Database) -> None:
        id_ = staff_id(db, seed.email("guide"))
        first, second = self.code(client, id_), self.code(client, id_)
        assert stranger(app).post("/quick", data={"code": first}).status_code == 422
        with time_machine.travel(clock.now() + timedelta(minutes=11)):
            assert stranger(app).post("/quick", data={"code": second}).status_code == 422

    def test_guessing_ends_soon(self, app: Flask) -> None:
        phone = stranger(app)
        answers = [phone.post("/quick", data={"code": "BCDFGHJK"}).status_code for _ in range(12)]
        assert answers[-1] == 429

    def test_a_manager_makes_codes_for_their_stores_people_only(
        self, app: Flask, db: Database, brand: BrandRef
    ) -> None:
        """Whoever makes a code could use it: so never for more than they have."""
        at = stores(db, brand)
        here, there = at["nanjing-road"], at["xujiahui"]
        rows = {
            "boss@acme.example": ("manager", [here]),
            "near@acme.example": ("guide", [here]),
            "far@acme.example": ("guide", [there]),
            "both@acme.example": ("guide", [here, there]),
            "whole@acme.example": ("guide", []),
        }

        def come(scope: Scope) -> None:
            for email, (role, where) in rows.items():
                service.let_in(scope, email=email, role=role, stores=where)

        db.write(come, brand=brand)
        boss = actor_of(db, brand, "boss@acme.example")
        got = {}
        for email in [*rows, seed.email("operator"), seed.email("owner")]:
            id_ = staff_id(db, email)
            answer = db.write(lambda s, i=id_: quick.make(s, i), brand=brand, actor=boss)  # type: ignore[misc]
            got[email.split("@")[0]] = answer.code if isinstance(answer, Refused) else "made"
        assert got == {
            "boss": "not_quick",
            "near": "made",
            "far": "out_of_reach",
            "both": "out_of_reach",
            "whole": "out_of_reach",
            "operator": "not_quick",
            "owner": "not_quick",
        }


def test_two_owners_who_let_each_other_go_leave_one(db: Database, brand: BrandRef) -> None:
    """At the same moment, on either database."""
    db.write(lambda s: service.let_in(s, email="second@acme.example", role="owner"), brand=brand)
    ids = [staff_id(db, seed.email("owner")), staff_id(db, "second@acme.example")]
    gate, answers = threading.Barrier(2), []

    def let_go(who: int) -> None:
        gate.wait()
        answers.append(db.write(lambda s: people.let_go(s, who), brand=brand))

    threads = [threading.Thread(target=let_go, args=(who,)) for who in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(isinstance(one, Refused) for one in answers) == [False, True]
    with db.read(brand=brand) as scope:
        assert [one.role.role for one in people.people(scope)].count("owner") == 1


@pytest.mark.parametrize("role", ["owner", "operator", "sender"])
def test_roles_of_the_whole_brand_are_never_narrowed(db: Database, brand: BrandRef, role: str) -> None:
    here = stores(db, brand)["xujiahui"]
    id_ = staff_id(db, seed.email("guide"))
    db.write(lambda s: people.change(s, id_, role="guide", stores=[here]), brand=brand)
    assert actor_of(db, brand, seed.email("guide")).stores == frozenset({here})
    db.write(lambda s: people.change(s, id_, role=role, stores=[here]), brand=brand)
    assert actor_of(db, brand, seed.email("guide")).stores is None
