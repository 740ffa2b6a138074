"""The page on which caught mail is read. It runs no script, loads nothing from elsewhere, and shows HTML mail in a box."""

from __future__ import annotations

import re
from html import escape
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from webapp.cli.catcher.box import Caught, MailBox, text_of

PAGE = 50  # messages a page
CSP = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'"
# Somebody's HTML: pictures of the shop's may load (that is how an opening is noticed), nothing may run.
MAIL_CSP = "sandbox allow-popups allow-top-navigation-by-user-activation; default-src 'none'; img-src http: https:; style-src 'unsafe-inline'"
STYLE = """\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.25rem; }
ul { list-style: none; padding: 0; }
li a { display: block; padding: .6rem 0; border-top: 1px solid #8885; color: inherit; text-decoration: none; }
li a:hover strong { text-decoration: underline; }
small, dt { opacity: .75; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; border: 1px solid #8885; border-radius: 8px; padding: 1rem; }
iframe { width: 100%; height: 34rem; border: 1px solid #8885; border-radius: 8px; background: #fff; color-scheme: light; }
nav { display: flex; gap: 1.5rem; }
"""
_URL = re.compile(r"https?://[^\s<>\"']+")
_HEADERS = ("From", "To", "Subject", "Date", "List-Unsubscribe")


def handler(box: MailBox) -> type[BaseHTTPRequestHandler]:
    """The request handler for a box."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_GET(self) -> None:
            found = answer(box, self.path)
            kind, body, csp = found or ("text/plain", b"There is no such page.", CSP)
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", csp)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
            pass

    return Handler


def answer(box: MailBox, target: str) -> tuple[str, bytes, str] | None:
    """(type, body, policy) for a path and query; None if there is nothing."""
    url = urlsplit(target)
    if url.path == "/":
        asked = parse_qs(url.query).get("page", ["1"])[0]
        return "text/html", _list(box.caught(), int(asked) if asked.isdecimal() else 1), CSP
    if url.path == "/style.css":
        return "text/css", STYLE.encode(), CSP
    found = re.fullmatch(r"/(\d{1,9})(/html|/raw)?", url.path)
    if found is None:
        return None
    n = int(found[1])
    raw = box.raw(n)
    message = box.message(n)
    if raw is None or message is None:
        return None
    if found[2] == "/raw":
        return "text/plain", raw, CSP
    html = text_of(message, "html")
    if found[2] == "/html":
        return "text/html", f'<!doctype html><base target="_top">{html}'.encode(), MAIL_CSP
    rows = "".join(
        f"<dt>{name}</dt><dd>{escape(str(message[name]))}</dd>" for name in _HEADERS if message[name]
    )
    shown = f'<h2>HTML</h2><iframe src="/{n}/html" title="The HTML version"></iframe>' if html else ""
    subject = escape(str(message.get("Subject", "(no subject)")))
    body = (
        f'<nav><a href="/">All mail</a> <a href="/{n}/raw">As it came</a></nav><h1>{subject}</h1><dl>{rows}</dl>'
        f"<pre>{_linked(text_of(message, 'plain'))}</pre>{shown}"
    )
    return "text/html", _page(subject, body), CSP


def _list(caught: list[Caught], page: int) -> bytes:
    newest = caught[::-1]
    page = max(1, page)
    shown = newest[(page - 1) * PAGE : page * PAGE]
    items = "".join(
        f'<li><a href="/{one.n}"><strong>{escape(one.subject or "(no subject)")}</strong><br>'
        f"<small>{escape(one.to)} · {escape(one.at[:19].replace('T', ' '))} UTC</small></a></li>"
        for one in shown
    )
    ways = (f'<a href="/?page={page - 1}">Newer</a>' if page > 1 else "") + (
        f'<a href="/?page={page + 1}">Older</a>' if len(newest) > page * PAGE else ""
    )
    empty = "<p>No mail yet. What the shop sends lands here, and goes nowhere else.</p>"
    return _page(
        "Caught mail",
        f"<h1>Caught mail: {len(newest)}</h1>{f'<ul>{items}</ul><nav>{ways}</nav>' if newest else empty}",
    )


def _page(title: str, body: str) -> bytes:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{title}</title><link rel="stylesheet" href="/style.css"><main>{body}</main></html>'
    ).encode()


def _linked(text: str) -> str:
    """Plain text as HTML, its addresses as links."""
    parts, at = [], 0
    for url in _URL.finditer(text):
        shown = escape(url[0])
        parts += [escape(text[at : url.start()]), f'<a href="{shown}">{shown}</a>']
        at = url.end()
    return "".join(parts) + escape(text[at:])
