"""The e-mail channel: its contract, the mail as bytes, and where a conversation may break."""

from __future__ import annotations

import email
import email.policy
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins import channel_email
from plugins.channel_email.channel import EmailChannel
from plugins.channel_email.mail import compose
from plugins.channel_email.sender import told
from tests.support.smtp import Knobs, SmtpReceiver
from webapp.plugin_api import Address, Message, Outcome
from webapp.plugin_testing.channel import ChannelContract, context

CHANNEL = EmailChannel()
DECLARED = tuple(channel_email.settings())
FROM = {"from_address": "news@acme.example", "security": "none"}
URL = "https://shop.example/u/CgwqTXd5mKSwZ0bJ3n1LxA"


def ctx(port: int, **more: Any) -> Any:
    return context({"host": "127.0.0.1", "port": port, **FROM, **more}, DECLARED)


def note(key: str = "1001", to: str = "member@example.com", name: str = "李雷", **more: Any) -> Message:
    content = {"subject": "我们想念你", "text": "你好\n.点\n", "html": "<p>你好</p>"} | more.pop(
        "content", {}
    )
    return Message(key, Address(to, name), content, **more)


def say(context: Any, *messages: Message) -> list[Outcome]:
    with CHANNEL.open(context) as sender:
        return [sender.send(message) for message in messages]


class Stand:
    """The tests' SMTP receiver as the contract wants it."""

    def __init__(self, receiver: SmtpReceiver) -> None:
        self.receiver = receiver

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"host": "127.0.0.1", "port": self.receiver.port, **FROM}

    def arrived(self) -> list[tuple[str, str]]:
        lines, mails = self.receiver.received(), self.receiver.messages()
        return [(line["to"], mail.as_string()) for line, mail in zip(lines, mails, strict=True)]

    def refuse(self, address: str) -> None:
        self.receiver.set(Knobs(refuse={address: "550 5.1.1 <member@example.com> unknown"}))

    def stop(self) -> None:
        self.receiver.stop()


class TestContract(ChannelContract):
    channel = CHANNEL
    declared = DECLARED

    @pytest.fixture
    def service(self, smtp: SmtpReceiver) -> Iterator[Stand]:
        yield Stand(smtp)


# -- the mail ----------------------------------------------------------------------------------------------------------


def parsed(message: Message, **settings: Any) -> Any:
    known = context({"host": "h", **FROM, **settings}, DECLARED)
    return email.message_from_bytes(compose(message, known).content, policy=email.policy.default)


def test_text_and_html_in_utf_8() -> None:
    mail = parsed(note(), from_name="回头客, Shop", reply_to="answers@acme.example")
    assert mail["Subject"] == "我们想念你"
    assert mail["From"].addresses[0].display_name == "回头客, Shop"
    assert mail["To"].addresses[0].display_name == "李雷"
    assert mail["Reply-To"] == "answers@acme.example"
    assert mail["Message-ID"] == "<1001@acme.example>"
    assert mail["Date"].datetime == context({}).now
    assert mail.get_content_type() == "multipart/alternative"
    assert mail.get_body(("plain",)).get_content().splitlines() == ["你好", ".点"]
    assert mail.get_body(("html",)).get_content().strip() == "<p>你好</p>"
    assert "List-Unsubscribe" not in mail


def test_text_alone_where_there_is_no_html() -> None:
    mail = parsed(note(content={"html": ""}))
    assert mail.get_content_type() == "text/plain"
    assert mail["From"].addresses[0].display_name == "Acme 小铺"


def test_the_way_out_in_headers_and_in_words() -> None:
    url = "https://a-rather-long-name-of-a-shop.example.com/u/" + "A" * 60
    known = context({"host": "h", **FROM}, DECLARED, locale="zh_CN")
    page = "https://shop.example/p/BwEiQ"
    raw = compose(note(unsubscribe_url=url, preferences_url=page), known).content
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in b"\r\n" + raw, "neither folded nor encoded"
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    mail: Any = email.message_from_bytes(raw, policy=email.policy.default)
    assert f"退订: {url}" in mail.get_body(("plain",)).get_content()
    assert f"订阅设置与我的资料: {page}" in mail.get_body(("plain",)).get_content()
    assert f'<a href="{url}">退订</a>' in mail.get_body(("html",)).get_content()
    assert f'<a href="{page}">订阅设置与我的资料</a>' in mail.get_body(("html",)).get_content()


def test_every_line_is_ascii_and_short_enough() -> None:
    long = note(
        content={"subject": "回" * 200, "text": "长" * 5000, "html": "<p>" + "x" * 5000 + "</p>"},
        name="名" * 120,
    )
    raw = compose(long, context({"host": "h", **FROM}, DECLARED)).content
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert parsed(long)["Subject"] == "回" * 200


@given(subject=st.text(max_size=80), name=st.text(max_size=40), text=st.text(max_size=200))
def test_no_words_make_a_header(subject: str, name: str, text: str) -> None:
    mail = parsed(note(content={"subject": subject, "text": text}, name=name))
    assert sorted(mail.keys()) == sorted(
        {"From", "To", "Subject", "Date", "Message-ID", "Content-Type", "MIME-Version"}
    )
    assert len(mail["To"].addresses) == 1
    assert mail["To"].addresses[0].addr_spec == "member@example.com"


def test_foreign_domains_go_in_their_ascii_form() -> None:
    known = context({"host": "h", **FROM}, DECLARED)
    assert compose(note(to="a@例子.example"), known).recipient == "a@xn--fsqu00a.example"


# -- the conversation --------------------------------------------------------------------------------------------------


def test_sign_in_and_both_kinds_of_encryption(
    smtp_receiver: Callable[..., SmtpReceiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    for implicit in (False, True):
        receiver = smtp_receiver(tls=True, knobs=Knobs(login=("shop", "geheim"), implicit_tls=implicit))
        monkeypatch.setenv("SSL_CERT_FILE", str(receiver.certificate))
        how = {"security": "tls" if implicit else "starttls", "user": "shop"}
        assert say(ctx(receiver.port, **how, password="geheim"), note()) == [Outcome("sent")]
        [line] = receiver.received()
        assert (line["tls"], line["login"]) == (True, "shop")
        [refused] = say(ctx(receiver.port, **how, password="wrong"), note())
        assert (refused.state, refused.reason, refused.halt) == ("retry", "sign_in", True)
        monkeypatch.delenv("SSL_CERT_FILE")
        [stranger] = say(ctx(receiver.port, **how, password="geheim"), note())
        assert (stranger.state, stranger.reason, stranger.halt) == ("retry", "no_tls", True), (
            "an unknown certificate"
        )


def test_a_server_without_encryption_is_not_spoken_to_in_the_clear(smtp: SmtpReceiver) -> None:
    [outcome] = say(ctx(smtp.port, security="starttls"), note())
    assert (outcome.state, outcome.reason, outcome.halt) == ("retry", "no_tls", True)


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        ("550 5.1.1 unknown", "failed", "bad_address"),
        ("550 no such user", "failed", "bad_address"),
        ("553 not here", "failed", "bad_address"),
        ("550 5.7.1 we do not like you", "failed", "refused"),
        ("554 no", "failed", "refused"),
        ("552 5.2.2 full", "failed", "mailbox_full"),
        ("450 4.2.0 greylisted", "retry", "try_later"),
        ("452 4.2.2 full", "retry", "try_later"),
    ],
)
def test_what_the_server_says_of_an_address(smtp: SmtpReceiver, answer: str, state: str, reason: str) -> None:
    smtp.set(Knobs(refuse={"member@": answer}))
    first, second = say(ctx(smtp.port), note("1"), note("2", to="other@example.com"))
    assert (first.state, first.reason, first.halt) == (state, reason, False)
    assert first.detail == answer.partition(" ")[2]
    assert second == Outcome("sent")


def test_what_the_server_says_of_the_message(smtp: SmtpReceiver) -> None:
    for answer, state, reason in (
        ("451 4.7.1 later", "retry", "try_later"),
        ("554 5.7.1 spam", "failed", "refused"),
        ("552 5.3.4 too big", "failed", "too_big"),
    ):
        smtp.set(Knobs(refuse_data=answer))
        [outcome] = say(ctx(smtp.port), note())
        assert (outcome.state, outcome.reason) == (state, reason)
    smtp.set(Knobs())
    assert smtp.received() == []


def test_accepted_and_cut_off_is_unknown(smtp: SmtpReceiver) -> None:
    smtp.set(Knobs(drop_after_data=1))
    first, second = say(ctx(smtp.port), note("1"), note("2"))
    assert (first.state, first.reason) == ("unknown", "no_answer")
    assert second == Outcome("sent"), "the next message has a new connection"
    assert [line["id"] for line in smtp.received()] == ["<1@acme.example>", "<2@acme.example>"]


class Script:
    """A server that follows a script: for each connection a list of (what to expect, what to answer); None hangs up."""

    def __init__(self, *connections: list[tuple[bytes, bytes | None]]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.heard: list[bytes] = []
        self.thread = threading.Thread(target=self._run, args=(connections,), daemon=True)
        self.thread.start()

    def _run(self, connections: tuple[list[tuple[bytes, bytes | None]], ...]) -> None:
        for script in connections:
            line, _ = self.listener.accept()
            line.settimeout(5)
            with line, line.makefile("rb") as words:
                line.sendall(b"220 hi\r\n")
                for expected, answer in script:
                    end = b".\r\n" if expected == b"." else None
                    while True:
                        said = words.readline()
                        if not said or (said == end if end else True):
                            break
                    self.heard.append(said)
                    assert said.startswith(expected), (said, expected)
                    if answer is None:
                        break
                    line.sendall(answer)

    def close(self) -> None:
        self.thread.join(10)
        self.listener.close()


@pytest.fixture
def scripted() -> Iterator[Callable[..., Script]]:
    """Make servers that follow a script."""
    made: list[Script] = []

    def make(*connections: list[tuple[bytes, bytes | None]]) -> Script:
        made.append(Script(*connections))
        return made[-1]

    yield make
    for server in made:
        server.close()


HELLO: tuple[bytes, bytes | None] = (b"ehlo", b"250 ok\r\n")
OK = b"250 ok\r\n"
WHOLE: list[tuple[bytes, bytes | None]] = [(b"MAIL", OK), (b"RCPT", OK), (b"DATA", b"354 go\r\n"), (b".", OK)]


@pytest.mark.parametrize(
    ("script", "state", "reason", "halt"),
    [
        ([HELLO, (b"MAIL", None)], "retry", "connection_lost", True),
        ([HELLO, (b"MAIL", OK), (b"RCPT", None)], "retry", "connection_lost", False),
        ([HELLO, (b"MAIL", OK), (b"RCPT", OK), (b"DATA", None)], "retry", "connection_lost", False),
        ([HELLO, *WHOLE[:3], (b".", None)], "unknown", "no_answer", False),
        ([HELLO, *WHOLE[:3], (b".", b"what?\r\n")], "unknown", "bad_answer", False),
        ([HELLO, *WHOLE[:3], (b".", b"421 4.3.2 closing\r\n")], "retry", "try_later", True),
        ([HELLO, (b"MAIL", b"530 5.7.0 sign in first\r\n"), (b"RSET", OK)], "retry", "sender_refused", True),
        ([HELLO, (b"MAIL", b"421 busy\r\n")], "retry", "try_later", True),
        ([(b"ehlo", None)], "retry", "unreachable", True),
    ],
)
def test_where_it_breaks(
    scripted: Callable[..., Script],
    script: list[tuple[bytes, bytes | None]],
    state: str,
    reason: str,
    halt: bool,
) -> None:
    server = scripted(script)
    [outcome] = say(ctx(server.port), note())
    assert (outcome.state, outcome.reason, outcome.halt) == (state, reason, halt)


@pytest.mark.parametrize("goodbye", [b"421 4.4.2 idle for too long\r\n", None])
def test_a_connection_closed_for_lying_idle_is_opened_again(
    scripted: Callable[..., Script], goodbye: bytes | None
) -> None:
    server = scripted([HELLO, *WHOLE, (b"MAIL", goodbye)], [HELLO, *WHOLE, (b"quit", b"221 bye\r\n")])
    assert say(ctx(server.port), note("1"), note("2")) == [Outcome("sent"), Outcome("sent")]


def test_an_answer_that_never_comes_is_unknown(
    scripted: Callable[..., Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.channel_email.sender.SPEAKING", 1.0)
    monkeypatch.setattr("plugins.channel_email.sender.TO_ANSWER", 0.5)
    quiet = scripted([HELLO, *WHOLE[:3], (b".", b""), (b"", None)])
    started = time.monotonic()
    [outcome] = say(ctx(quiet.port), note())
    assert (outcome.state, outcome.reason) == ("unknown", "no_answer")
    assert time.monotonic() - started < 3


def test_nothing_is_handed_over_when_too_little_time_is_left(
    scripted: Callable[..., Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.channel_email.sender.TO_ANSWER", 1000)
    server = scripted([HELLO, *WHOLE[:3], (b"", None)])
    [outcome] = say(ctx(server.port), note())
    assert (outcome.state, outcome.reason) == ("retry", "connection_lost")
    server.close()
    assert server.heard[-1] == b"", "no word of the message was said"


def test_so_many_a_minute(smtp: SmtpReceiver) -> None:
    started = time.monotonic()
    say(ctx(smtp.port, per_minute=300), *(note(str(n)) for n in range(6)))
    assert 0.95 < time.monotonic() - started < 3


# -- words -------------------------------------------------------------------------------------------------------------


def test_the_servers_words_tell_nobodys_address() -> None:
    assert told(b"5.1.1 <li.lei@example.com>: no such\r\n user") == "5.1.1 <…>: no such user"
    assert len(told("x" * 500)) == 200


@pytest.mark.parametrize(
    ("known", "ready"),
    [
        ({"host": "h", "from_address": "a@b.example"}, True),
        ({"from_address": "a@b.example"}, False),
        ({"host": "h"}, False),
        ({"host": "h", "from_address": "a@b.example", "user": "u"}, False),
    ],
)
def test_ready(known: dict[str, Any], ready: bool) -> None:
    assert (CHANNEL.ready(context(known, DECLARED)) is None) is ready
