"""A message as bytes: text and HTML, UTF-8, and the headers that mail providers ask of a newsletter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP
from html import escape

from webapp.plugin_api import Message, PluginContext

# 7bit: every server takes it, and no relay on the way re-encodes what may have been signed.
POLICY = SMTP.clone(cte_type="7bit")
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,255}\Z)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_URL = re.compile(r"https?://[!-;=?-~]{1,900}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_WAY_OUT = {"en": "Unsubscribe", "zh_CN": "退订"}
_OWN_PAGE = {"en": "What you agreed to, and your data", "zh_CN": "订阅设置与我的资料"}


class Unsendable(ValueError):
    """Why there can be no such mail: a machine word."""


@dataclass(frozen=True, slots=True)
class Mail:
    """An envelope and what is in it."""

    sender: str
    recipient: str
    content: bytes


def compose(message: Message, ctx: PluginContext) -> Mail:
    """The mail of a message. Raises Unsendable (bad_address, bad_sender, bad_link)."""
    known = ctx.settings
    sender = mailbox(known["from_address"], known.get("from_name") or ctx.brand_name, "bad_sender")
    to = mailbox(message.to.value, message.to.name, "bad_address")
    mail = EmailMessage(policy=POLICY)
    mail["From"] = sender
    mail["To"] = to
    if known.get("reply_to"):
        mail["Reply-To"] = mailbox(known["reply_to"], "", "bad_sender")
    mail["Subject"] = line(message.content.get("subject", ""))
    mail["Date"] = ctx.now
    mail["Message-ID"] = f"<{line(message.key)}@{sender.domain}>"
    text, html = clean(message.content.get("text", "")), clean(message.content.get("html", ""))
    url = message.unsubscribe_url
    if url:
        words = _WAY_OUT.get(ctx.locale, _WAY_OUT["en"])
        text = f"{text.rstrip()}\n\n-- \n{line(ctx.brand_name)}\n{words}: {url}\n"
        more = ""
        page = message.preferences_url
        if page and _URL.fullmatch(page):
            own = _OWN_PAGE.get(ctx.locale, _OWN_PAGE["en"])
            text += f"{own}: {page}\n"
            more = f' · <a href="{escape(page)}">{own}</a>'
        html = html and f'{html}<p><a href="{escape(url)}">{words}</a>{more}</p>'
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return Mail(sender.addr_spec, to.addr_spec, _one_click(url) + mail.as_bytes())


def _one_click(url: str | None) -> bytes:
    """RFC 8058. Written by hand because a folded or encoded List-Unsubscribe breaks signatures and readers."""
    if not url:
        return b""
    if not _URL.fullmatch(url):
        raise Unsendable("bad_link")
    return f"List-Unsubscribe: <{url}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode(
        "ascii"
    )


def mailbox(address: str, name: str, wrong: str) -> Mailbox:
    """An address that cannot smuggle anything into a header or a command; foreign domains in their ASCII form."""
    local, _, domain = address.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError as why:
        raise Unsendable(wrong) from why
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain) or ".." in domain:
        raise Unsendable(wrong)
    try:
        return Mailbox(display_name=line(name), username=local, domain=domain)
    except ValueError as why:  # two dots in a row, and what else the grammar forbids
        raise Unsendable(wrong) from why


def line(text: str) -> str:
    """One line: controls and line breaks become a space."""
    return _CONTROL.sub(" ", clean(text)).strip()


def clean(text: str) -> str:
    """What UTF-8 cannot say (half a pair of an emoji) becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
