"""Files through the real server: plain pages in the sender's language, and nothing is kept for whom it would not be taken from."""

from __future__ import annotations

import http.client
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.databases import ONE_DATABASE
from tests.support.live import LiveShop
from tests.support.waiting import wait_for
from tests.support.web import text_of
from tests.support.xlsx import workbook

pytestmark = ONE_DATABASE
CAP = 3  # MB
MB = 2**20
PART = "----part"
AGENT = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "zh-CN"}


class Door:
    """The shop's server, and what it has written down."""

    def __init__(self, live: LiveShop) -> None:
        self.live = live
        cookie = live.cookie()
        self.owner = {"Cookie": f"{cookie['name']}={cookie['value']}"}

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.live.address.removeprefix("http://").rstrip("/"), timeout=15)

    def begin(self, who: dict[str, str], size: int, **more: str) -> http.client.HTTPConnection:
        """The head of an upload of so many bytes."""
        made = self.connect()
        made.putrequest("POST", "/imports/new")
        head = {"Content-Type": f"multipart/form-data; boundary={PART}", "Content-Length": str(size)}
        for name, value in {**AGENT, **who, **head, **more}.items():
            made.putheader(name, value)
        made.endheaders()
        return made

    def send(self, who: dict[str, str], content: bytes, name: str) -> tuple[http.client.HTTPResponse, str]:
        body = form(content, name)
        made = self.begin(who, len(body))
        made.send(body)
        return told(made)

    def kept(self) -> int:
        """Bytes that wait in files without a name, and in the stage folder."""
        stage = self.live.instance / "staged"
        total = sum(path.stat().st_size for path in stage.rglob("*") if path.is_file())
        for process in self.live.processes():
            for handle in Path(f"/proc/{process.pid}/fd").glob("*"):
                try:
                    if "/staged/" in os.readlink(handle):
                        total += handle.stat().st_size
                except OSError:
                    continue
        return total


def told(made: http.client.HTTPConnection) -> tuple[http.client.HTTPResponse, str]:
    answer = made.getresponse()
    text = answer.read().decode()
    made.close()
    return answer, text


def form(content: bytes, name: str) -> bytes:
    fields = {"kind": "members", "source": "till", "key": os.urandom(8).hex()}
    parts = [
        f'--{PART}\r\nContent-Disposition: form-data; name="{one}"\r\n\r\n{value}\r\n'.encode()
        for one, value in fields.items()
    ]
    file = f'--{PART}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return b"".join([*parts, file, content, f"\r\n--{PART}--\r\n".encode()])


@pytest.fixture
def door(live: LiveShop) -> Iterator[Door]:
    live.environ["REGULARS_UPLOAD_MB"] = str(CAP)
    live.start("--workers", "1")
    yield Door(live)
    assert "Traceback" not in live.log


def test_what_comes_in_by_the_door(door: Door) -> None:
    # a workbook of the owner's: on to its columns
    answer, _ = door.send(door.owner, workbook([["会员卡号", "姓名"], ["0017", "张三"]]), "会员.xlsx")
    place = answer.getheader("Location") or ""
    assert answer.status == 303 and re.fullmatch(r"/imports/\d+/columns", place)
    made = door.connect()
    made.request("GET", place, headers=AGENT | door.owner)
    page = told(made)[1]
    assert "会员.xlsx" in page and "张三" in page
    before = door.kept()
    assert before < 10_000

    # too large by a little and by much: a page in Chinese that says so, and the next request is answered
    answer, page = door.send(door.owner, b"number\n" + b"1\n" * (CAP * MB // 2 + 10), "large.csv")
    assert answer.status == 422 and f"{CAP} MB" in text_of(page) and 'lang="zh-CN"' in page
    answer, page = door.send(door.owner, b"number\n" + b"1\n" * 6 * MB, "large.csv")
    assert answer.status == 413 and "太大" in text_of(page) and 'lang="zh-CN"' in page
    # whoever is not known, by pages that are told the same
    nobody = {"Cookie": f"{door.owner['Cookie'].partition('=')[0]}=made-up"}
    for who in ({}, nobody):
        answer, page = door.send(who, b"1\n" * 2 * MB, "large.csv")
        assert answer.status == 413 and "太大" in text_of(page)
    assert wait_for(lambda: door.kept() == before)

    # while it comes in: the owner's waits on the disk, a stranger's nowhere; broken off, nothing stays
    for who, waits in ((door.owner, True), (nobody, False), ({}, False)):
        made = door.begin(who, 3 * MB)
        made.send(b"1" * (5 * MB // 2))
        if Path("/proc/self/fd").exists() and waits:
            assert wait_for(lambda: door.kept() > 2 * MB)
        if not waits:
            time.sleep(0.3)  # it has been read by then
            assert door.kept() == before
        made.close()
    assert wait_for(lambda: door.kept() == before)
    # a length that nobody told
    made = door.connect()
    endless = (b"1" * 65536 for _ in range(10 * MB // 65536))
    with suppress(OSError):  # broken off while it goes on sending
        made.request("POST", "/imports/new", body=endless, headers=AGENT, encode_chunked=True)
        assert told(made)[0].status == 413
    made.close()
    # who asks before sending need not send
    made = door.begin({}, 5 * MB, Expect="100-continue")
    answer, page = told(made)
    assert answer.status == 413 and "太大" in text_of(page) and answer.getheader("Connection") == "close"
    assert wait_for(lambda: door.kept() == before)
