"""The contract of channel/1. In a plugin's tests:

    class TestMyChannel(ChannelContract):
        channel = MyChannel()
        declared = tuple(my_plugin.settings())

        @pytest.fixture
        def service(self): ...   # a local stand-in for the service, see Service

What the suite holds to: a message arrives once and carries its key; a channel knows what certainly did not arrive from
what may have; it never raises for what the service says, and tells nobody's address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from webapp.plugin_api import Address, Channel, Message, Outcome, Setting
from webapp.plugin_runtime.context import Context

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
LONGEST_CALL = 60  # seconds; a job is broken off at 120
REASON = re.compile(r"[a-z][a-z0-9_]{0,29}")


class Service(Protocol):
    """A stand-in for the channel's service that runs on this machine."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The plugin's settings by which the channel reaches it."""
        ...

    def arrived(self) -> Sequence[tuple[str, str]]:
        """(address, everything that arrived, as text) of each message so far, in order."""
        ...

    def refuse(self, address: str) -> None:
        """From now on this address is refused for good."""
        ...

    def stop(self) -> None:
        """The service is down."""
        ...


def context(settings: Mapping[str, Any], declared: Sequence[Setting] = (), **more: Any) -> Context:
    """A plugin context of a made-up brand; defaults of the declared settings are filled in."""
    values = {one.key: one.default for one in declared} | dict(settings)
    known: dict[str, Any] = {
        "brand_code": "acme",
        "brand_name": "Acme 小铺",
        "currency": "CNY",
        "timezone": "Asia/Shanghai",
        "locale": "en",
        "now": NOW,
        "settings": values,
    }
    return Context(**(known | more))


class ChannelContract:
    """Subclass as Test...; set channel and declared, give the fixture service, and two addresses if need be."""

    channel: Channel
    declared: Sequence[Setting] = ()
    address = "member@example.com"
    other_address = "other@example.com"
    unsubscribes = True  # whether marketing must carry the way out (staff messages need none)

    @pytest.fixture
    def service(self) -> Iterator[Service]:
        """The stand-in; each test has its own."""
        raise NotImplementedError("give a fixture `service`")

    def context(self, service: Service) -> Context:
        """What the channel is handed; a channel that uses a verb is given the stand-in's (tasks=...) here."""
        return context(service.settings, self.declared)

    def some_address(self, key: str) -> str:
        """An address of nobody else."""
        return f"m{key}@example.com"

    def message(self, key: str = "1001", to: str | None = None, name: str = "Li Lei", **more: Any) -> Message:
        """A message with something in every field."""
        content = {field.key: f"<p>{field.label} 你好</p>" if field.kind == "html" else f"{field.label} 你好" for field in self.channel.fields}  # fmt: skip
        return Message(key, Address(to or self.address, name), content | more.pop("content", {}), **more)

    def sound(self, outcome: Outcome, *addresses: str) -> Outcome:
        """An outcome as the core stores it."""
        assert isinstance(outcome, Outcome)
        assert outcome.state in ("sent", "failed", "retry", "unknown")
        assert outcome.reason == "" or REASON.fullmatch(outcome.reason), outcome.reason
        assert len(outcome.detail) <= 200
        assert outcome.detail.isprintable()
        assert not outcome.halt or outcome.state == "retry", "halt goes with retry only"
        for address in (self.address, self.other_address, *addresses):
            assert address not in outcome.detail, "detail must not tell anybody's address"
        return outcome

    # -- what it says of itself ----------------------------------------------------------------------------------------

    def test_it_names_itself(self) -> None:
        channel = self.channel
        assert channel.kind == "channel/1"
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,19}", channel.key), (
            "key: small letters, digits, underscores; at most 20"
        )
        assert channel.label.strip()
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,19}", channel.identity)
        assert 1 <= channel.call_seconds <= LONGEST_CALL

    def test_its_fields_make_a_form(self) -> None:
        keys = [field.key for field in self.channel.fields]
        assert keys, "a message has at least one field"
        assert len(set(keys)) == len(keys)
        for field in self.channel.fields:
            assert re.fullmatch(r"[a-z][a-z0-9_]{0,29}", field.key)
            assert field.kind in ("line", "text", "html")
            assert field.label.strip()
            assert field.max_length > 0

    def test_it_says_what_to_set_first(self) -> None:
        needed = [one for one in self.declared if one.required and one.default is None]
        answer = self.channel.ready(context({}, self.declared))
        if needed:
            assert isinstance(answer, str), "with nothing set, ready() says what to set first"
            assert answer.strip()

    def test_it_is_ready_when_set(self, service: Service) -> None:
        assert self.channel.ready(self.context(service)) is None

    # -- speaking ------------------------------------------------------------------------------------------------------

    def test_a_message_arrives_once_with_its_key(self, service: Service) -> None:
        with self.channel.open(self.context(service)) as sender:
            assert self.sound(sender.send(self.message("7001"))).state == "sent"
        [(address, what)] = service.arrived()
        assert address == self.address
        assert "7001" in what, "hand the key on, so that the service and the log can be held together"

    def test_one_connection_takes_many(self, service: Service) -> None:
        keys = [str(8000 + n) for n in range(25)]
        with self.channel.open(self.context(service)) as sender:
            states = [
                self.sound(sender.send(self.message(key, to=self.some_address(key)))).state for key in keys
            ]
        assert states == ["sent"] * 25
        assert len(service.arrived()) == 25
        for key, (_, what) in zip(keys, service.arrived(), strict=True):
            assert key in what

    def test_marketing_carries_the_way_out(self, service: Service) -> None:
        if not self.unsubscribes:
            return
        url = "https://shop.example/u/CgwqTXd5mKSwZ0bJ3n1LxA"
        with self.channel.open(self.context(service)) as sender:
            sender.send(self.message(unsubscribe_url=url))
        assert url in service.arrived()[0][1]

    def test_nothing_is_said_before_the_first_message(self, service: Service) -> None:
        ctx = self.context(service)
        service.stop()
        with self.channel.open(ctx):
            pass

    def test_a_service_that_is_down_stops_the_run(self, service: Service) -> None:
        ctx = self.context(service)
        service.stop()
        with self.channel.open(ctx) as sender:
            outcome = self.sound(sender.send(self.message()))
        assert (outcome.state, outcome.halt) == ("retry", True), (
            "certainly not arrived, and no fault of this message"
        )
        assert outcome.reason

    def test_one_refusal_does_not_touch_the_next(self, service: Service) -> None:
        service.refuse(self.address)
        with self.channel.open(self.context(service)) as sender:
            refused = self.sound(sender.send(self.message("9001")))
            taken = self.sound(sender.send(self.message("9002", to=self.other_address)))
        assert refused.state == "failed"
        assert refused.reason
        assert taken.state == "sent"
        assert [address for address, _ in service.arrived()] == [self.other_address]

    @pytest.mark.parametrize(
        "evil",
        [
            "a\r\nBcc: evil@example.com\r\n\r\nboo",
            "x\n.\nMAIL FROM:<evil@example.com>",
            "\x00\ud83d",
            "<b>&\u2028" * 40,
        ],
    )
    def test_hostile_words_break_nothing(self, service: Service, evil: str) -> None:
        content = {field.key: evil for field in self.channel.fields}
        with self.channel.open(self.context(service)) as sender:
            hostile = self.sound(sender.send(self.message("9101", name=evil, content=content)))
            after = self.sound(sender.send(self.message("9102", to=self.other_address)))
        assert hostile.state in ("sent", "failed")
        assert after.state == "sent"
        assert {address for address, _ in service.arrived()} <= {self.address, self.other_address}

    @pytest.mark.parametrize(
        "address", ["", "no at sign", "a@b\r\nRCPT TO:<evil@example.com>", "a b@example.com", "<x>"]
    )
    def test_what_is_no_address_fails(self, service: Service, address: str) -> None:
        with self.channel.open(self.context(service)) as sender:
            outcome = self.sound(sender.send(Message("9201", Address(address), self.message().content)))
        assert outcome.state == "failed"
        assert not service.arrived()
