"""Sockets, log lines, paths in the log: the small parts."""

import json
import logging
import sys

import pytest

from webapp.kernel.errors import UserError
from webapp.supervisor import listen, logs
from webapp.supervisor.serve import shown_path


def test_the_next_free_port_is_taken_unless_one_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "HAND_OVER", 0.2)
    with listen.open_socket("127.0.0.1", 0, exact=True) as first:
        port = first.getsockname()[1]
        with listen.open_socket("127.0.0.1", port, exact=False) as second:
            assert port < second.getsockname()[1] < port + listen.TRIES
        with pytest.raises(UserError, match=f"Port {port} on 127.0.0.1 is in use. Name another with --port."):
            listen.open_socket("127.0.0.1", port, exact=True)


def test_an_address_is_one_that_can_be_typed() -> None:
    with listen.open_socket("0.0.0.0", 0, exact=True) as everywhere:
        assert listen.address_of(everywhere).startswith("http://127.0.0.1:")


def record(text: str, *, fault: bool = False) -> logging.LogRecord:
    info = None
    if fault:
        try:
            raise ValueError("two\nlines")
        except ValueError:
            info = sys.exc_info()
    return logging.LogRecord("regulars.x", logging.WARNING, __file__, 1, text, (), info)


def test_a_log_record_is_one_line_whatever_is_in_it() -> None:
    plain = logs.PlainLine().format(record("a\nb", fault=True))
    assert "\n" not in plain
    assert "WARNING" in plain and "a | b" in plain and "ValueError: two | lines" in plain
    line = json.loads(logs.JsonLine().format(record("a\nb", fault=True)))
    assert (line["level"], line["message"], "ValueError" in line["trace"]) == ("warning", "a\nb", True)
    assert line["at"].endswith("Z")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/members/17/edit", "/members/17/edit"),
        ("/c/Zk3_f9sQx81-hUe6PqLm2A", "/c/*"),
        ("/u/Zk3_f9sQx81-hUe6PqLm2A/done", "/u/*/done"),
        ("/static/regulars.css", "/static/regulars.css"),
        ("/a\r\nb\x1b[31m", "/a??b?[31m"),
    ],
)
def test_the_access_log_shows_no_token_and_no_control_character(path: str, shown: str) -> None:
    assert shown_path(path) == shown
