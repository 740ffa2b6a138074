"""A campaign to many, in a running shop: made here by the services, sent by the shop's own processes."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from tests.support.live import LiveShop
from tests.support.smtp import SmtpReceiver
from tests.support.waiting import wait_for
from webapp.campaigns import service as campaigns
from webapp.campaigns.models import Campaign
from webapp.kernel import bulk
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.members.models import ConsentNow, Member, MemberIdentity
from webapp.outbox.models import Attempt, Delivery, Dispatch
from webapp.plugin_runtime import context, runtime

PROBE = Path(__file__).parent / "channel_probe"
CONTENT = {
    "subject": "We miss you, {{ member.name }}",
    "text": "Dear {{ member.name }},\n\ncome back soon.\n",
    "html": "<p>Dear {{ member.name }},</p><p>come back soon.</p>",
}


def address(n: int) -> str:
    return f"m{n:05}@example.com"


def plant_members(db: Database, brand: BrandRef, count: int, channel: str) -> None:
    """Members with an address each, who agreed to this channel."""

    def chunk(scope: Scope, numbers: range) -> None:
        ids = scope.new_ids(len(numbers))
        marks = scope.new_ids(len(numbers))
        columns = ("brand_id", "id", "person_id", "number", "name", "gender", "joined_on", "joined_given", "draw", "facts_seq", "created_at", "updated_at")  # fmt: skip
        bulk.insert(
            scope,
            Member,
            columns,
            [
                (
                    brand.id,
                    id_,
                    id_,
                    f"m{n:05}",
                    f"Member {n}",
                    "",
                    scope.today,
                    True,
                    n,
                    0,
                    scope.now,
                    scope.now,
                )
                for id_, n in zip(ids, numbers, strict=True)
            ],
        )
        bulk.insert(
            scope,
            MemberIdentity,
            ("brand_id", "id", "member_id", "kind", "value", "holder", "verified"),
            [
                (brand.id, mark, id_, "email", address(n), None, False)
                for mark, id_, n in zip(marks, ids, numbers, strict=True)
            ],
        )
        bulk.insert(
            scope,
            ConsentNow,
            ("brand_id", "member_id", "channel", "purpose", "granted", "at"),
            [(brand.id, id_, channel, "marketing", True, scope.now) for id_ in ids],
        )

    for first in range(0, count, 500):
        db.write(lambda scope, first=first: chunk(scope, range(first, min(first + 500, count))), brand=brand)


@dataclass
class Mailing:
    """One campaign of a live shop, its receiver, and ways to hurt the shop while it is sent."""

    shop: LiveShop
    smtp: SmtpReceiver
    brand: BrandRef
    campaign_id: int

    # -- looking -------------------------------------------------------------------------------------------------------
    def states(self) -> dict[str, int]:
        with self.shop.db.read() as scope:
            rows = scope.session.execute(
                select(Delivery.state, func.count())
                .where(Delivery.campaign_id == self.campaign_id)
                .group_by(Delivery.state)
            )
            return {row.state: row[1] for row in rows}

    def flying(self) -> int:
        return self.states().get("in_flight", 0)

    def state(self) -> str:
        with self.shop.db.read() as scope:
            return scope.session.get_one(Campaign, (self.brand.id, self.campaign_id)).state

    def pid(self, name: str) -> int:
        """A child of the running supervisor, as it last said."""
        assert self.shop.process is not None
        here = rf"regulars\.supervisor\[{self.shop.process.pid}\] {name} started \(process (\d+)\)"
        return int(re.findall(here, self.shop.log)[-1])

    # -- hurting -------------------------------------------------------------------------------------------------------
    def kill(self, name: str) -> None:
        """kill -9 of a child while rows are in flight, and its end awaited (the supervisor starts another)."""
        for _ in range(20):
            wait_for(self.flying, 60, every=0.003)
            pid = self.pid(name)
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: self.pid(name) != pid, 20)  # noqa: B023
            if name != "worker" or self.flying():
                return
        raise AssertionError("nothing was ever in flight")

    def kill_supervisor(self) -> None:
        """kill -9 of the supervisor while rows are in flight; all below it end; it is started again."""
        for _ in range(20):
            wait_for(self.flying, 60, every=0.003)
            self.shop.kill()
            caught = self.flying()
            self.shop.start()
            if caught:
                return
        raise AssertionError("nothing was ever in flight")

    # -- the end -------------------------------------------------------------------------------------------------------
    def wait_done(self, seconds: float) -> None:
        wait_for(lambda: self.state() == "done", seconds, every=0.3)

    def check(self, count: int, kills: int) -> int:
        """Every address once, or `unknown` and at most once; at most 20 unknown a kill. Returns how many are unknown."""
        got: Counter[str] = self.smtp.addresses()
        states = self.states()
        assert set(states) <= {"sent", "unknown"}, states
        assert sum(states.values()) == count
        assert max(got.values()) == 1, [one for one, n in got.items() if n > 1]
        unknown = states.get("unknown", 0)
        assert unknown <= 20 * kills, states
        with self.shop.db.read() as scope:
            rows = scope.session.execute(
                select(MemberIdentity.value, Delivery.state, Delivery.id)
                .join(MemberIdentity, MemberIdentity.member_id == Delivery.recipient_id)
                .where(Delivery.campaign_id == self.campaign_id)
            ).all()
            keys = {
                row.id: row.delivery_id
                for row in scope.session.execute(
                    select(Attempt.id, Dispatch.delivery_id).join(Dispatch, Dispatch.attempt_id == Attempt.id)
                )
            }
        missing = [row.value for row in rows if row.state == "sent" and got[row.value] != 1]
        assert not missing, missing[:5]
        whose = {row.value: row.id for row in rows}
        for line in self.smtp.received():
            key = int(line["id"].strip("<>").partition("@")[0])
            assert keys[key] == whose[line["to"]], "the Message-ID is the attempt's id"
        return unknown


def begin(shop: LiveShop, smtp: SmtpReceiver, brand: BrandRef, count: int, channel: str = "email") -> Mailing:
    """Members, the mail server, the campaign, sent off: a shop that runs, or that is started, does the rest."""
    shop.instance.mkdir(parents=True, exist_ok=True)
    if channel == "probe":
        shutil.copytree(PROBE, shop.instance / "plugins" / "channel_probe", dirs_exist_ok=True)
    context.use_secrets_of(shop.instance)
    runtime.load_all(shop.instance / "plugins")
    plant_members(shop.db, brand, count, channel)
    mail: dict[str, Any] = {"port": smtp.port}
    if channel == "email":
        mail |= {"host": "127.0.0.1", "security": "none", "from_address": "news@acme.example"}

    def send_off(scope: Scope) -> int:
        assert context.save_settings(scope, f"channel_{channel}", mail) == {}
        made = campaigns.create(scope, name="Come back", channel=channel)
        assert not isinstance(made, Refused), made
        content = CONTENT if channel == "email" else {"subject": CONTENT["subject"]}
        assert not isinstance(campaigns.set_content(scope, made.id, content), Refused)
        assert campaigns.send(scope, made.id) is None
        return made.id

    return Mailing(shop, smtp, brand, shop.db.write(send_off, brand=brand))
