"""The task channel: its contract, and what it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest

from plugins import channel_task
from plugins.channel_task.channel import TaskChannel
from webapp.plugin_api import Address, Message, TaskAnswer
from webapp.plugin_runtime.context import Context
from webapp.plugin_testing.channel import ChannelContract, context

DECLARED = tuple(channel_task.settings())


class Shop:
    """Takes tasks, as a shop does."""

    def __init__(self) -> None:
        self.settings: Mapping[str, Any] = {}
        self.taken: dict[str, tuple[str, str, date | None]] = {}
        self.refused: set[str] = set()
        self.down = False

    def add(
        self, key: str, *, to: str, title: str, text: str, link: str = "", due_on: date | None = None
    ) -> TaskAnswer:
        if self.down:
            raise ConnectionError("away")
        if to in self.refused:
            return "nobody"
        if key in self.taken:
            return "known"
        self.taken[key] = (to, f"{key} {title}\n{text} {link}", due_on)
        return "added"

    def arrived(self) -> list[tuple[str, str]]:
        return [(to, what) for to, what, _due in self.taken.values()]

    def refuse(self, address: str) -> None:
        self.refused.add(address)

    def stop(self) -> None:
        self.down = True


class TestTaskChannel(ChannelContract):
    channel = TaskChannel()
    declared = DECLARED
    address = "member:17"
    other_address = "member:18"
    unsubscribes = False  # the way out is the guide's button: a person is told

    @pytest.fixture
    def service(self) -> Iterator[Shop]:
        yield Shop()

    def context(self, service: Any) -> Context:
        return context({}, self.declared, tasks=service)

    def some_address(self, key: str) -> str:
        return f"member:{key}"


def send(
    shop: Shop, *, settings: Mapping[str, Any] | None = None, key: str = "1", to: str = "member:17"
) -> Any:
    with TaskChannel().open(context(settings or {}, DECLARED, tasks=shop)) as sender:
        return sender.send(Message(key, Address(to, "李雷"), {"subject": "请回访", "text": "你好\0"}))


def test_the_same_key_makes_one_task() -> None:
    shop = Shop()
    assert [send(shop).state, send(shop).state] == ["sent", "sent"]
    assert len(shop.taken) == 1


def test_due_days_are_counted_in_the_brands_zone() -> None:
    shop = Shop()
    send(shop, settings={"days": 2})
    [(_, what, due)] = shop.taken.values()
    assert due == date(2026, 3, 16)  # the suite's moment is the 14th, in Shanghai too
    assert "\0" not in what
