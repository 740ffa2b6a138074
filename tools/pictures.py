"""The pictures of the README and the guides, in both languages, taken from a served demo with a real browser.

    REGULARS_INSTANCE=./var-demo .venv/bin/python tools/pictures.py http://127.0.0.1:8040

Writes docs/pictures/{en,zh}/NAME-390.webp and NAME-1280.webp, those that a guide shows. Needs chromium, fonts and the tests' packages (make .venv/.installed-dev).
"""

from __future__ import annotations

import base64
import os
import re
import sys
from itertools import product
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.browser import FLAGS, chromium  # noqa: E402
from webapp.cli.catcher import MailBox  # noqa: E402
from webapp.cli.catcher.box import text_of  # noqa: E402
from webapp.cli.demo import state  # noqa: E402

OUT = ROOT / "docs" / "pictures"
SIZES = {390: 844, 1280: 800}
LANGUAGES = {"en": "en-US", "zh": "zh-CN"}
QUALITY = 70
MOST = 3_000_000  # bytes of all pictures together


def follow(page: Page, pattern: str) -> None:
    """Go where the first link of this page leads whose path is `pattern`."""
    paths = page.eval_on_selector_all("main a[href]", "links => links.map(a => a.getAttribute('href'))")
    page.goto(next(path for path in paths if re.fullmatch(pattern, path.split("?")[0])))


def take(page: Page, folder: Path, name: str, width: int) -> None:
    """One picture, as WebP, which Playwright itself does not write."""
    page.wait_for_load_state("networkidle")
    shot = page.context.new_cdp_session(page).send(
        "Page.captureScreenshot", {"format": "webp", "quality": QUALITY}
    )
    (folder / f"{name}-{width}.webp").write_bytes(base64.b64decode(shot["data"]))


def sign_in(page: Page, who: state.SignIn) -> None:
    """As a person does."""
    page.goto("/sign-in")
    page.fill("input[name=email]", who.email)
    page.fill("input[name=password]", who.password)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "sign-in" not in url)


def walk(
    page: Page, folder: Path, width: int, box: MailBox, owner: state.SignIn, clerk: state.SignIn
) -> None:
    """Every main page."""
    sign_in(page, owner)
    take(page, folder, "today", width)
    page.goto("/members")
    take(page, folder, "members", width)
    page.goto("/lifecycle")
    take(page, folder, "lifecycle", width)
    page.goto("/members?stage=dormancy")
    follow(page, r"/members/\d+")
    take(page, folder, "member", width)
    page.goto("/campaigns")
    take(page, folder, "campaigns", width)
    follow(page, r"/campaigns/\d+")
    take(page, folder, "campaign", width)
    for name, path in (
        ("files", "/imports/new"),
        ("figures", "/offers/figures"),
        ("products", "/catalogue"),
    ):
        page.goto(path)
        take(page, folder, name, width)
    page.goto("/offers")
    take(page, folder, "offers", width)
    page.goto("/setup")  # last: from here on every page leads on to the next step
    take(page, folder, "setup", width)
    last = box.caught()[-1]  # nobody has taken this one
    message = box.message(last.n)
    assert message is not None
    text = text_of(message, "plain")
    link, code = re.search(r"/c/[\w-]+", text), re.search(r"code: ((?:\w{3} ?){3})", text)
    assert link and code
    page.goto(link[0])
    take(page, folder, "coupon", width)
    page.context.clear_cookies()
    sign_in(page, clerk)  # who stands in a store
    page.goto(f"/counter?code={code[1].strip()}&basket=64.00")
    take(page, folder, "counter", width)


def drop_unnamed() -> None:
    """Pictures that no guide shows are not kept."""
    guides = [*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")]
    shown = "".join(guide.read_text(encoding="utf-8") for guide in guides)
    for picture in OUT.rglob("*.webp"):
        if picture.relative_to(OUT).as_posix() not in shown:
            picture.unlink()


def main() -> None:
    """Both sizes."""
    address = sys.argv[1]
    instance = Path(os.environ["REGULARS_INSTANCE"])
    demo = state.load(instance)
    assert demo is not None, "REGULARS_INSTANCE names no demo"
    people = {one.role: one for one in demo.sign_ins}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium()), args=FLAGS)
        for (language, locale), (width, height) in product(LANGUAGES.items(), SIZES.items()):
            folder = OUT / language
            folder.mkdir(parents=True, exist_ok=True)
            context = browser.new_context(
                base_url=address, viewport={"width": width, "height": height}, locale=locale, color_scheme="light"
            )  # fmt: skip
            walk(
                context.new_page(),
                folder,
                width,
                MailBox(instance / "mail"),
                people["owner"],
                people["clerk"],
            )
            context.close()
        browser.close()
    drop_unnamed()
    weight = sum(picture.stat().st_size for picture in OUT.rglob("*.webp"))
    assert weight < MOST, f"{weight} bytes of pictures"


if __name__ == "__main__":
    main()
