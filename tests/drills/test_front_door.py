"""The front door in one walk, by pages alone at 390 px, in both languages: from `regulars up` on an empty folder to the first
member joined by scan, the first file brought in, the first campaign sent and the first coupon redeemed.

The owner's browser, a clerk's and a member's are three of their own; what goes between them is what goes between people: the
link that the program prints, a copied invitation, a printed code, a mail.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import chinese_fonts, watch
from tests.support.smtp import SmtpReceiver
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.drill, pytest.mark.browser]
ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a short sentence is good"
FILES = {
    "en": "Member No,Name,E-mail,Phone\nM1,Ada Byron,ada@member.example,07400 123456\nM2,Grace Hopper,grace@member.example,\n",
    "zh-CN": "会员号,姓名,邮箱,手机号\nM1,王小明,ada@member.example,13800138000\nM2,李梅,grace@member.example,\n",
}
Open = Callable[..., Page]


@pytest.fixture
def first_link(tmp_path: Path) -> Iterator[str]:
    """What a start on an empty folder prints for the first owner."""
    said = tmp_path / "said"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "webapp.cli.main", "up", "--port", "0"],
            cwd=ROOT,
            env=kept | {"REGULARS_INSTANCE": str(tmp_path / "shop"), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )

        def printed() -> str | None:
            text = said.read_text(errors="replace")
            assert process.poll() is None, text
            found = re.search(r"http://\S+/start/\S+", text)
            return found and found[0]

        try:
            yield str(wait_for(printed, 90))
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_from_nothing_to_a_redeemed_coupon(
    first_link: str, smtp: SmtpReceiver, open_page: Open, tmp_path: Path, locale: str
) -> None:
    chinese_fonts()
    address = "{0.scheme}://{0.netloc}".format(urlsplit(first_link))
    troubles = []

    def somebody() -> Page:
        page = open_page(address, locale=locale)
        page.context.set_default_timeout(60_000)
        troubles.append(watch(page))
        return page

    owner = somebody()
    begin(owner, first_link, locale)
    clerk = somebody()
    invite(owner, clerk)
    set_mail(owner, smtp)
    make_offer(owner)
    join(owner, somebody())
    bring_in(owner, tmp_path / "members.csv", locale)
    text = send(owner, smtp)
    member = somebody()
    code = take_coupon(member, text)
    redeem(clerk, code)
    member.reload()
    expect(member.locator(".stamp")).to_be_visible()
    owner.goto("/setup")  # what was done is ticked; nobody's phone has opened the address
    assert owner.get_attribute("html", "lang") == locale
    assert not [said for trouble in troubles for said in trouble if "the server responded with" not in said]


def act(page: Page) -> None:
    """The page's main button, and the page after it."""
    main = page.locator("main .act").last
    with page.expect_response(
        lambda r: r.request.resource_type in ("document", "fetch", "xhr") and r.status != 303
    ):
        main.click()
    page.wait_for_load_state()
    assert not page.locator("#errors").count(), page.inner_text("main")


def fill(page: Page, **values: str) -> None:
    for name, text in values.items():
        page.fill(f"main [name={name}]", text)


def begin(owner: Page, link: str, locale: str) -> None:
    """The first owner signs up and makes shop and stores."""
    owner.goto(link)
    fill(owner, email="owner@shop.example", name="Lin", password=PASSWORD)
    act(owner)
    expect(owner).to_have_url(re.compile("/setup/shop"))
    fill(owner, name="Tea House" if locale == "en" else "茶馆")
    owner.select_option("[name=region]", "GB" if locale == "en" else "CN")
    owner.select_option("[name=locale]", "en" if locale == "en" else "zh_CN")
    act(owner)
    expect(owner).to_have_url(re.compile("/setup$"))
    follow(owner, "='/settings/stores'", "/settings/stores")
    fill(owner, names="Riverside = 01\nMarket Hall = 02")
    act(owner)
    expect(owner.locator("main tbody tr")).to_have_count(2)


def invite(owner: Page, clerk: Page) -> None:
    """A clerk by a link that is carried over by hand."""
    owner.goto("/setup")
    follow(owner, "='/settings/staff'", "/settings/staff")
    follow(owner, "$='/staff/invite'", "/settings/staff/invite")
    fill(owner, email="clerk@shop.example")
    owner.check("[name=role][value=clerk]")
    act(owner)
    link = owner.locator("main .code").first.inner_text().strip()
    clerk.goto(link)
    fill(clerk, name="Mei", password=PASSWORD)
    act(clerk)


def set_mail(owner: Page, smtp: SmtpReceiver) -> None:
    """The shop's own mail server; a test mail shows that it speaks."""
    owner.goto("/setup")
    follow(owner, "='/setup/mail'", "/setup/mail")
    fill(owner, host="127.0.0.1", port=str(smtp.port), from_address="shop@shop.example")
    choose(owner, "security", "none")
    owner.click("main button[name=test]")
    wait_for(lambda: smtp.addresses()["owner@shop.example"], 60)


def follow(page: Page, href: str, to: str) -> None:
    """By a link of the page; `to` is a part of the next page's address."""
    page.locator(f"main a[href{href}]").first.click()
    expect(page).to_have_url(re.compile(to), timeout=60_000)


def choose(page: Page, name: str, value: str) -> None:
    """Of a list, or of buttons."""
    if page.locator(f"main select[name={name}]").count():
        page.select_option(f"main select[name={name}]", value)
    else:
        page.check(f"main [name={name}][value={value}]")


def make_offer(owner: Page) -> None:
    """Spend 20, save 5; open."""
    owner.goto("/offers")
    follow(owner, "^='/offers/new'", "/offers/new")
    follow(owner, "$='type=spend_and_save'", "type=spend_and_save")
    fill(owner, name="Five off", valid_days="30")
    owner.locator("main [name$=spend]").first.fill("20")
    owner.locator("main [name$=save]").first.fill("5")
    act(owner)
    expect(owner).to_have_url(re.compile(r"/offers/\d+"))
    owner.locator("main .actions form button.act").click()
    expect(owner.locator("main form[action$=close]")).to_be_visible()


def join(owner: Page, member: Page) -> None:
    """A printed code; a stranger scans it with their own phone and agrees to mail."""
    owner.goto("/touchpoints/new")
    fill(owner, name="Shop window")
    owner.check("main [name=ask][value=both]")
    owner.check("main [name=active]")
    act(owner)
    expect(owner).to_have_url(re.compile(r"/touchpoints/\d+"))
    scanned = owner.get_attribute("main figure.qr figcaption a", "href")
    assert scanned
    member.goto(scanned)
    fill(member, email="joined@member.example")
    member.check("main [name^=consent_email]")
    act(member)
    owner.goto("/members")
    expect(owner.locator("#results tbody tr")).to_have_count(1)


def bring_in(owner: Page, file: Path, locale: str) -> None:
    """A file in the shop's own words, whose people the owner says have agreed."""
    file.write_text(FILES[locale], encoding="utf-8")
    owner.goto("/setup")
    follow(owner, "='/imports/new'", "/imports/new")
    owner.check("main [name=kind][value=members]")
    owner.set_input_files("main [name=file]", file)
    act(owner)
    expect(owner).to_have_url(re.compile("columns"))
    owner.check("main [name=agreed][value=email]")
    fill(owner, agreed_where="Paper forms", agreed_on="2024-05-01")
    act(owner)
    owner.locator("main form[action$=apply] button.act").click()
    expect(owner.locator("main form[action$=undo]")).to_be_attached(timeout=90_000)
    owner.goto("/members")
    expect(owner.locator("#results tbody tr")).to_have_count(3)


def send(owner: Page, smtp: SmtpReceiver) -> str:
    """The first campaign; what one of the imported people reads."""
    owner.goto("/setup")
    follow(owner, "='/campaigns/new'", "/campaigns/new")
    fill(owner, name="Hello again")
    choose(owner, "channel", "email")
    owner.locator("main [name=offer]").select_option(index=1)
    act(owner)
    expect(owner).to_have_url(re.compile("audience"))
    act(owner)  # all members
    expect(owner).to_have_url(re.compile("message"))
    fill(owner, x_subject="For you", x_text="Dear {{ member.name or 'friend' }}, {{ coupon.url }}")
    act(owner)
    owner.goto(re.sub(r"(/campaigns/\d+).*", r"\1/review", owner.url))
    owner.locator("main form[action$=send] button").click()
    wait_for(lambda: smtp.addresses()["ada@member.example"], 120)
    mails = [mail for mail in smtp.messages() if "ada@member.example" in str(mail["To"])]
    assert len(mails) == 1
    body = mails[0].get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def take_coupon(member: Page, text: str) -> str:
    """The mail's link; the coupon's code as it is shown at the till."""
    link = re.search(r"http://\S+/c/[\w-]+", text)
    assert link, text
    member.goto(link[0])
    act(member)
    return member.inner_text("figure.qr .code").strip()


def redeem(clerk: Page, code: str) -> None:
    """Looked at, then used; the clerk sees what is to pay."""
    clerk.goto("/counter")
    fill(clerk, code=code, basket="25")
    clerk.select_option("main [name=store]", label="Riverside")
    act(clerk)
    clerk.locator("main .actions form button.act").click()
    expect(clerk).to_have_url(re.compile(r"/counter/\d+"))
    expect(clerk.locator("main .figures")).to_contain_text("20")
