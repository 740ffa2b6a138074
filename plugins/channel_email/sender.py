"""The conversation with the mail server, one step at a time, so that we know where it broke.

Before the end of the message has been handed over, a lost connection means that it certainly did not arrive: it may be
tried again. Once it has been, and until the server has answered, it may have arrived: unknown.
"""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from typing import Any, Literal

from webapp.plugin_api import Message, Outcome, PluginContext

from .mail import Mail, Unsendable, compose

SPEAKING = 25  # seconds for one message, connecting included
TO_ANSWER = 5  # seconds that must be left when the end of a message goes out
_DOT = re.compile(rb"^\.", re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")
_ENHANCED = re.compile(r"^\s*[245]\.(\d{1,3})\.(\d{1,3})\b")
_BAD_ADDRESS = {510, 511, 550, 551, 553}

Step = Literal["connect", "mail", "rcpt", "data", "body", "answer"]
Reply = tuple[int, bytes]


class _Halt(Exception):
    """The server as a whole takes nothing now."""

    def __init__(self, reason: str, detail: object = "") -> None:
        super().__init__(reason)
        self.outcome = Outcome("retry", reason, told(detail), halt=True)


class SmtpSender:
    """An open connection (webapp.plugin_api.Sender), used for many messages."""

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx
        self._smtp: smtplib.SMTP | None = None
        self._until = 0.0
        per_minute = ctx.settings.get("per_minute")
        self._gap = 60 / per_minute if per_minute else 0.0
        self._next = 0.0

    def send(self, message: Message) -> Outcome:
        """One message. A connection that the server closed while it lay idle is opened again, once."""
        try:
            mail = compose(message, self._ctx)
        except Unsendable as why:
            return Outcome("failed", str(why))
        self._wait_turn()
        self._until = time.monotonic() + SPEAKING
        was_open = self._smtp is not None
        outcome = self._speak(mail, lay_idle=was_open)
        if outcome is None and was_open:
            outcome = self._speak(mail, lay_idle=False)
        return outcome or Outcome("retry", "connection_lost", halt=True)

    def close(self) -> None:
        """Hang up, politely if the line is there."""
        if self._smtp is not None:
            try:
                self._within(1)
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                pass
            self._drop()

    # -- one message ---------------------------------------------------------------------------------------------------
    def _speak(self, mail: Mail, *, lay_idle: bool) -> Outcome | None:
        """What became of it; None if the line was dead, or closed for having lain idle, before anything was said."""
        step: Step = "connect"
        try:
            smtp = self._connected()
            step = "mail"
            reply = self._ask(smtp, f"MAIL FROM:<{mail.sender}>{self._size(smtp, mail)}")
            if reply[0] == 421 and lay_idle:
                self._drop()
                return None
            if reply[0] // 100 != 2:
                return self._refused(step, reply)
            step = "rcpt"
            reply = self._ask(smtp, f"RCPT TO:<{mail.recipient}>")
            if reply[0] // 100 != 2:
                return self._refused(step, reply)
            step = "data"
            reply = self._ask(smtp, "DATA")
            if reply[0] != 354:
                return self._refused(step, reply)
            step = "body"
            assert smtp.sock is not None
            self._within(SPEAKING, least=TO_ANSWER)
            # One write: if it fails, the last bytes, which end the message, were not handed over.
            smtp.sock.sendall(_DOT.sub(b"..", mail.content.removesuffix(b"\r\n")) + b"\r\n.\r\n")
            step = "answer"
            self._within(SPEAKING)
            reply = smtp.getreply()
        except _Halt as why:
            self._drop()
            return why.outcome
        except (OSError, smtplib.SMTPException) as why:
            self._drop()
            return self._broken(step, why)
        if reply[0] // 100 == 2:
            return Outcome("sent")
        return self._refused(step, reply)

    def _broken(self, step: Step, why: Exception) -> Outcome | None:
        if step == "connect":
            return Outcome("retry", "unreachable", told(why), halt=True)
        if step == "mail":
            return None
        if step == "answer":
            return Outcome("unknown", "no_answer", told(why))
        return Outcome("retry", "connection_lost", told(why))

    def _refused(self, step: Step, reply: Reply) -> Outcome:
        """A refusal in the server's words; the line is made ready for the next message."""
        code, words = reply[0], told(reply[1])
        if code // 100 not in (4, 5):  # no answer that the protocol knows
            self._drop()
            state: Literal["unknown", "retry"] = "unknown" if step == "answer" else "retry"
            return Outcome(state, "bad_answer", words)
        if code == 421:
            self._drop()
            return Outcome("retry", "try_later", words, halt=True)
        if step != "answer":
            self._reset()
        if code // 100 == 4:
            return Outcome("retry", "try_later", words)
        if code == 552 or "5.3.4" in words[:8]:
            return Outcome("failed", "mailbox_full" if "5.2.2" in words[:8] else "too_big", words)
        if step == "mail":  # about the sender, so about every message
            return Outcome("retry", "sender_refused", words, halt=True)
        if step == "rcpt" and _is_bad_address(code, words):
            return Outcome("failed", "bad_address", words)
        return Outcome("failed", "mailbox_full" if "5.2.2" in words[:8] else "refused", words)

    # -- the line ------------------------------------------------------------------------------------------------------
    def _connected(self) -> smtplib.SMTP:
        """The open line, or a new one: encrypted and signed in as the settings say. Raises _Halt, OSError."""
        if self._smtp is not None:
            return self._smtp
        known = self._ctx.settings
        name = str(known["from_address"]).rpartition("@")[2].encode("idna").decode("ascii")
        where: dict[str, Any] = {"local_hostname": name, "timeout": self._left()}
        try:
            if known["security"] == "tls":
                tls = ssl.create_default_context()
                self._smtp = smtplib.SMTP_SSL(known["host"], known["port"], context=tls, **where)
            else:
                self._smtp = smtplib.SMTP(known["host"], known["port"], **where)
            self._within(SPEAKING)
            self._smtp.ehlo_or_helo_if_needed()
            if known["security"] == "starttls":
                self._within(SPEAKING)
                self._smtp.starttls(context=ssl.create_default_context())
                self._smtp.ehlo_or_helo_if_needed()
            if known.get("user"):
                self._within(SPEAKING)
                self._smtp.login(str(known["user"]), str(known.get("password") or ""))
        except ssl.SSLError as why:
            raise _Halt("no_tls", why) from why
        except smtplib.SMTPNotSupportedError as why:
            raise _Halt("no_tls" if "STARTTLS" in str(why) else "sign_in", why) from why
        except (smtplib.SMTPAuthenticationError, UnicodeError) as why:
            raise _Halt("sign_in", getattr(why, "smtp_error", b"")) from why
        except smtplib.SMTPResponseException as why:
            raise _Halt("unreachable", why.smtp_error) from why
        return self._smtp

    def _ask(self, smtp: smtplib.SMTP, command: str) -> Reply:
        self._within(SPEAKING)
        return smtp.docmd(command)

    def _size(self, smtp: smtplib.SMTP, mail: Mail) -> str:
        return f" SIZE={len(mail.content)}" if smtp.has_extn("size") else ""

    def _reset(self) -> None:
        """Forget the message that was refused; a line that will not is given up."""
        try:
            if self._smtp is not None and self._ask(self._smtp, "RSET")[0] != 250:
                self._drop()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def _left(self, least: float = 0.0) -> float:
        """Seconds left for this message. Raises TimeoutError."""
        left = self._until - time.monotonic()
        if left <= least:
            raise TimeoutError("the time for this message is over")
        return left

    def _within(self, most: float, least: float = 0.0) -> None:
        """The next step on the line ends within what is left."""
        if self._smtp is not None and self._smtp.sock is not None:
            self._smtp.sock.settimeout(min(most, self._left(least)))

    def _wait_turn(self) -> None:
        if self._gap:
            now = time.monotonic()
            if self._next > now:
                time.sleep(self._next - now)
            self._next = max(now, self._next) + self._gap


def told(words: object) -> str:
    """The server's words on one line, without anybody's address, at most 200 characters."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return _ADDRESS.sub("…", text)[:200]


def _is_bad_address(code: int, words: str) -> bool:
    """Is it this address rather than us or the moment? The enhanced code decides where there is one."""
    enhanced = _ENHANCED.match(words)
    if enhanced:
        return enhanced[1] == "1" or (enhanced[1], enhanced[2]) == ("2", "1")
    return code in _BAD_ADDRESS
