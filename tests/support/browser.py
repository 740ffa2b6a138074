"""A real browser: the system's Chromium, driven by Playwright, kept on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.need import need

REMEDY = "apt-get install chromium fonts-noto-cjk"
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    # Kept on this machine. (Catching each request in Python would do it as well, and keep the browser from its cache.)
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost",
    # Nobody looks at the screen: one process less to paint it, and no drawing card to pretend.
    "--disable-gpu",
    "--in-process-gpu",
]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


def chromium() -> Path:
    """The browser's program, or a skip with the remedy. Without its windows, where that is installed: half the work."""
    if light := shutil.which("chromium-headless-shell"):
        return Path(light)
    return need("chromium", REMEDY, places=("usr/bin/chromium-browser", "usr/bin/google-chrome", "Applications/Google Chrome.app/Contents/MacOS/Google Chrome"))  # fmt: skip


def chinese_fonts() -> None:
    """Screens in Chinese are only worth looking at with a font that has the characters."""
    if not any(Path("/usr/share/fonts").glob("**/NotoS*CJK*")):
        need("fonts-noto-cjk", REMEDY)


@contextmanager
def launched() -> Iterator[Browser]:
    """One browser for a worker's whole session."""
    program = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Trouble(list[str]):
    """What a page complained about: script errors, refused content, answers 500 and worse."""


def watch(page: Page) -> Trouble:
    """Note everything a person with the console open would see. Content-security refusals arrive as console errors."""
    trouble = Trouble()
    page.on("pageerror", lambda error: trouble.append(f"script: {error}"))
    page.on(
        "console",
        lambda message: trouble.append(f"console: {message.text}") if message.type == "error" else None,
    )
    page.on(
        "response",
        lambda answer: trouble.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None,
    )
    return trouble


@contextmanager
def new_page(
    browser: Browser,
    base_url: str,
    *,
    size: dict[str, int] = PHONE,
    locale: str = "en",
    dark: bool = False,
    javascript: bool = True,
) -> Iterator[Page]:
    """A page in a fresh context (own cookies). size in CSS pixels; locale is the browser's, "en" or "zh-CN"."""
    context = browser.new_context(
        base_url=base_url,
        viewport=size,  # type: ignore[arg-type]
        locale=locale,
        color_scheme="dark" if dark else "light",
        java_script_enabled=javascript,
        reduced_motion="reduce",
        has_touch=size["width"] < 600,
    )
    context.set_default_timeout(10_000)
    try:
        yield context.new_page()
    finally:
        context.close()
