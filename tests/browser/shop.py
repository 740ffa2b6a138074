"""A small shop with something on every page, served by the app in a thread, for a browser to walk."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from tests.browser import colleagues, grouping, selling
from tests.browser.choosing import choose_offers
from tests.factories.members import make_members
from tests.factories.offers import make_offer
from tests.factories.orders import make_orders
from tests.support import seed
from tests.support.serving import serving
from tests.support.web import Worker, make_app
from webapp.api import keys
from webapp.brands import queries as brands
from webapp.campaigns import service as campaigns
from webapp.catalogue import queries as catalogue_queries
from webapp.catalogue import service as catalogue
from webapp.catalogue.service import ProductIn
from webapp.coupons import public_page, redeem
from webapp.coupons import service as coupons
from webapp.coupons.models import Coupon, OfferEvent
from webapp.imports import uploads
from webapp.imports.reading import Files
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Actor, BrandRef, Scope
from webapp.lifecycle import service as lifecycle
from webapp.members import service as members
from webapp.outbox import tokens
from webapp.outbox.models import Delivery
from webapp.plugin_runtime import context
from webapp.tags import service as tags
from webapp.tasks import service as tasks
from webapp.touchpoints import joining
from webapp.touchpoints import service as touchpoints


@dataclass
class Shop:
    """The served shop. ids: what stands in it, by name, for the addresses of its pages."""

    app: Flask
    db: Database
    brand: BrandRef
    address: str = ""
    ids: dict[str, Any] = field(default_factory=dict)

    def write(self, work: Any, *, role: str | None = None) -> Any:
        """A unit as the system, or as staff of a role."""
        actor: Any = {"actor": seed.actor(self.db, role)} if role else {}
        return self.db.write(work, brand=self.brand, **actor)

    def session(self, role: str = "owner") -> str:
        """A session's cookie for a role."""
        from webapp.staff import service as staff

        who: Actor = seed.actor(self.db, role)
        return self.write(lambda scope: staff.open_session(scope, who.id, agent="browser"))  # type: ignore[no-any-return]

    def link(self, role: str = "clerk") -> str:
        """A one-time link's token."""
        from webapp.staff import service as staff

        who: Actor = seed.actor(self.db, role)
        return self.write(lambda scope: staff.new_link(scope, who.id))  # type: ignore[no-any-return]


def build(db: Database, instance: Path, smtp_port: int) -> Shop:
    """Members of all stages with orders, an open and a drafted offer, a sent campaign with results, and a draft."""
    app = make_app(instance, db)
    worker = Worker(db)
    shop = Shop(app, db, seed.brand(db))
    today = shop.write(lambda scope: scope.today)

    def people(scope: Scope) -> list[int]:
        made = make_members(scope, 12)
        stores = brands.stores(scope)
        for n, member in enumerate(made):
            member.joined_on = today - timedelta(days=400 if n else 3)
            member.store_id = stores[n % 2].id
            if n % 4:
                members.set_consent(scope, member.id, "email", "marketing", True, "counter")
            start, count, gap = [(0, 0, 1), (5, 1, 1), (120, 4, 20), (10, 8, 9), (20, 3, 25), (300, 2, 9)][
                n % 6
            ]
            make_orders(scope, member, [today - timedelta(days=start + 1 + i * gap) for i in range(count)])
        return [member.id for member in made]

    ids = shop.write(people)
    lifecycle.run(db, shop.brand)

    def set_mail(scope: Scope) -> dict[str, str]:
        return context.save_settings(
            scope,
            "channel_email",
            {"host": "127.0.0.1", "port": smtp_port, "security": "none", "from_address": "shop@acme.example", "from_name": "Acme"},
        )  # fmt: skip

    assert shop.write(set_mail) == {}
    offer = shop.write(lambda scope: make_offer(scope), role="owner")
    draft_offer = shop.write(
        lambda scope: make_offer(scope, name="Not open yet", state="draft"), role="owner"
    )

    def campaign(scope: Scope, name: str, offer_id: int | None = offer.id) -> int:
        made = campaigns.create(scope, name=name, channel="email", offer_id=offer_id)
        assert not isinstance(made, Refused), made
        rule = {"all": [{"field": "stage", "in": ["growth", "maturity", "dormancy", "introduction"]}]}
        text = "Dear {{ member.name }}" + (", {{ coupon.terms }}: {{ coupon.url }}" if offer_id else "")
        for done in (
            campaigns.set_audience(scope, made.id, rule),
            campaigns.set_content(
                scope,
                made.id,
                {"subject": "We kept something for you", "text": text, "html": f"<p>{text}</p>"},
            ),
        ):
            assert not isinstance(done, Refused), done
        return made.id

    sent = shop.write(lambda scope: campaign(scope, "We miss you"), role="owner")
    draft = shop.write(lambda scope: campaign(scope, "Spring greetings"), role="owner")
    refused = shop.write(lambda scope: campaigns.send(scope, sent), role="owner")
    assert refused is None, refused
    with serving(app):  # links in the messages need an address
        worker.run()
    running = shop.write(lambda scope: campaign(scope, "Under way", None), role="owner")
    assert shop.write(lambda scope: campaigns.send(scope, running), role="owner") is None
    campaigns.lay(db, shop.brand, running)
    assert shop.write(lambda scope: campaigns.pause(scope, running), role="owner") is None
    shop.ids |= {
        "member": ids[3],
        "empty_member": ids[0],
        "offer": offer.id,
        "draft_offer": draft_offer.id,
        "campaign": sent,
        "draft": draft,
        "running": running,
    }
    _use_coupons(shop)
    _show_offers(shop)
    choose_offers(shop)
    selling.plan_flash_sales(shop)
    selling.gather_teams(shop)
    _fill_shelves(shop)
    _make_keys(shop)
    _hang_codes(shop)
    shop.ids |= shop.write(colleagues.let_in, role="owner")
    _give_tasks(shop)
    grouping.fill(shop, worker)
    shop.ids |= shop.write(lambda scope: bring_files(scope, instance / "staged"), role="owner")
    return shop


def _use_coupons(shop: Shop) -> None:
    """One coupon untouched, one claimed, one redeemed; and an unsubscribe link of the sent campaign."""

    def work(scope: Scope) -> dict[str, Any]:
        plain, claimed, used = scope.session.scalars(
            select(Coupon)
            .where(Coupon.brand_id == scope.brand.id, Coupon.campaign_id == shop.ids["campaign"])
            .order_by(Coupon.id)
            .limit(3)
        )
        store = brands.stores(scope)[0]
        redeem.claim(scope, claimed.id)
        done = redeem.redeem(
            scope, typed=used.code, basket_minor=15_000, key="walk-0001", store_id=store.id, till_number="T-1"
        )
        assert not isinstance(done, Refused), done
        delivery = scope.session.scalars(
            select(Delivery.id).where(
                Delivery.brand_id == scope.brand.id, Delivery.campaign_id == shop.ids["campaign"]
            )
        ).first()
        assert delivery is not None
        return {
            "store": store.id,
            "coupon": plain.id,
            "code": plain.code,
            "token": plain.token,
            "claimed_token": claimed.token,
            "used_coupon": used.id,
            "used_code": used.code,
            "used_token": used.token,
            "redemption": done.id,
            "leave": tokens.token("unsubscribe", scope.brand.id, delivery),
        }

    shop.ids |= shop.write(work, role="clerk")


def _fill_shelves(shop: Shop) -> None:
    """Products with and without a name, a price and a category."""

    def work(scope: Scope) -> dict[str, Any]:
        goods = [
            ProductIn("6901", "Longjing, spring harvest, 250 g", "Tea", 12_800),
            ProductIn("6902", "Jasmine", "Tea", 4_950),
            ProductIn("Teapot, unglazed", category="Ware", price_minor=36_000),
            ProductIn("6904"),
        ]
        catalogue.put(scope, goods)
        [tea, _ware], _more = catalogue_queries.category_page(scope)
        first = catalogue_queries.by_code(scope, "6901")
        assert first is not None
        return {"product": first.id, "category": tea.id}

    shop.ids |= shop.write(work, role="owner")


def _make_keys(shop: Shop) -> None:
    """A till's key that works, and one that was revoked."""

    def work(scope: Scope) -> None:
        scopes = ("coupons", "redeem", "reverse")
        for n, name in enumerate(("Till at the door", "Last year's online shop")):
            store_id = None if n else shop.ids["store"]
            made = keys.make(scope, name=name, scopes=scopes, store_id=store_id, key=f"walk-key-{n}")
            assert not isinstance(made, Refused), made
        keys.revoke(scope, made[0].id)

    shop.write(work, role="owner")


def _show_offers(shop: Shop) -> None:
    """An offer with a public page, one that is sold out, one with a code, and a page with all of them."""

    def work(scope: Scope) -> dict[str, Any]:
        gone = make_offer(scope, name="For the first one", stock=1)
        coded = make_offer(scope, name="For those with a card")
        coded.by_code = True
        coded.claim_until = scope.now + timedelta(days=9)
        tokens = [public_page.publish(scope, id_).token for id_ in (shop.ids["offer"], gone.id, coded.id)]
        coupons.give(scope, gone.id, shop.ids["member"], "walk-gone")
        event = public_page.save_event(
            scope, None, "Ten years", "Thank you.", [shop.ids["offer"], gone.id, coded.id]
        )
        assert isinstance(event, OfferEvent)
        names = ("public_offer", "gone_offer", "coded_offer")
        return dict(zip(names, tokens, strict=True)) | {"event": event.id, "event_token": event.token}

    shop.ids |= shop.write(work, role="owner")


def _hang_codes(shop: Shop) -> None:
    """A code by which somebody joined, and one that rests."""

    def work(scope: Scope) -> dict[str, Any]:
        window = touchpoints.new(
            scope,
            touchpoints.Details(
                "Shop window",
                place="window",
                store_id=shop.ids["store"],
                offer_id=shop.ids["offer"],
                welcome="Good to have you here.",
                ask="both",
                ask_birthday=True,
                serving="turn",
            ),
        )
        resting = touchpoints.new(scope, touchpoints.Details("Last year's leaflet", active=False))
        assert not isinstance(window, Refused) and not isinstance(resting, Refused)
        joining.scanned(scope, window, "a-browser-of-the-walk")
        joined = joining.join(scope, window, joining.Joining(phone="13700137000", name="Fang"), "walk-join-1")
        assert not isinstance(joined, Refused), joined
        return {
            "touchpoint": window.id,
            "door": window.code,
            "resting_door": resting.code,
            "joined_member": joined.member_id,
        }

    shop.ids |= shop.write(work, role="owner")


def _give_tasks(shop: Shop) -> None:
    """A tag and a note; a guide's task that is overdue, one of the store, and members about to go."""
    guide = seed.actor(shop.db, "guide")

    def work(scope: Scope) -> dict[str, Any]:
        member = shop.ids["member"]
        group = tags.add_group(scope, "Taste")
        assert isinstance(group, int)
        tag = tags.add_tag(scope, group, "Green tea")
        assert isinstance(tag, int)
        assert tags.put(scope, member, tag) is None
        tags.write_note(scope, member, "Likes to be called in the evening.")
        members.correct_member(scope, member, members.Details(phone="13900139000"))
        members.set_consent(scope, member, "task", "marketing", True, "counter")
        task = tasks.add(
            scope,
            key="walk-1",
            title="Say hello: not seen for a while",
            text="Hello, we have kept something for you. Shall I put it aside?",
            member_id=member,
            staff_id=guide.id,
            due_on=scope.today - timedelta(days=1),
            source="sign:dormancy",
            purpose="marketing",
        )
        free = tasks.add(scope, key="walk-2", title="Tidy the window", text="", store_id=shop.ids["store"])
        stopped = tasks.add(
            scope,
            key="walk-3",
            title="Say hello: a new tea has come",
            text="",
            member_id=shop.ids["empty_member"],
            staff_id=guide.id,
            source="sign:churn",
            purpose="marketing",
        )
        slip = tasks.add(
            scope,
            key="walk-4",
            title="Ring about the repair",
            text="",
            member_id=member,
            staff_id=guide.id,
            source="manager",
            purpose="service",
        )
        ids = {"stopped_task": stopped, "slip": slip}
        return ids | {"task": task, "free_task": free, "guide": guide.id, "tag": tag}

    shop.ids |= shop.write(work, role="owner")
    shop.write(lambda scope: tasks.end(scope, shop.ids["slip"], "done"), role="guide")


def bring_files(scope: Scope, stage: Path) -> dict[str, int]:
    """A file whose columns are to be matched, one that was checked and has bad rows, one that came in."""
    found = {}
    told = ["phone", "12", "is no phone number here (%(region)s)", "Write all its digits.", {"region": "CN"}]
    for name, state in (("uploaded", "uploaded"), ("checked", "checked"), ("brought", "done")):
        folder = uploads.new_folder(stage, scope.brand.id)
        content = BytesIO("会员号,姓名,手机号,身份\n0017,张三,13800000001,x\n".encode())
        path = uploads.keep(content, folder, "file", f"{name}.csv", 1 << 20)
        row = uploads.start(scope, folder, Files("members", path), "old system")
        row.state = state
        if state != "uploaded":
            row.counts = {"read": 9, "refused": 1, "good": 8}
            row.options = {"mapping": {"number": "会员号", "phone": "手机号"}}
            row.told = {**(row.told or {}), "bad": 1, "ignored": ["身份"]}
            bad = {"part": "file", "row": 4, "cells": ["3", "C", "12", ""], "problems": [told]}
            (folder / "bad.jsonl").write_text(json.dumps(bad) + "\n")
        if state == "done":
            row.finished_at = scope.now
            row.counts = {**row.counts, "created": 7, "updated": 1, "unchanged": 0}
        found[f"file_{name}"] = row.id
    return found
