"""What the reasons of deliveries are called on pages."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

# Reasons that the outbox and the channels that ship give; another channel's reason is shown as it is.
REASONS: dict[str, Any] = {
    "bad_address": _l("The address does not exist"),
    "bad_sender": _l("The sender's address in the settings is not valid"),
    "bad_link": _l("The shop's public address in the settings is not valid"),
    "mailbox_full": _l("The mailbox is full"),
    "too_big": _l("The message is too big for the receiving server"),
    "refused": _l("The receiving server refused the message"),
    "sender_refused": _l("The mail server does not let this sender write"),
    "try_later": _l("The receiving server asked to try later"),
    "unreachable": _l("The service could not be reached"),
    "connection_lost": _l("The connection broke before the message was handed over"),
    "sign_in": _l("The service refused the user name or the password"),
    "no_tls": _l("No safe connection: encryption failed or the certificate is not known"),
    "no_answer": _l("The service did not say whether it took the message"),
    "bad_answer": _l("The service answered something that makes no sense"),
    "plugin_failed": _l("The channel's plugin failed"),
    "worker_lost": _l("The sending process ended in the middle of it"),
    "nothing_to_say": _l("There was no text for this recipient"),
    "nobody": _l("There is nobody who could do it"),
    "no_consent": _l("Has not agreed to be contacted"),
    "render": _l("The text could not be filled in for this recipient"),
}


def reason(word: str | None) -> Any:
    """A reason as people read it; blank where there is none."""
    return REASONS.get(word, word.replace("_", " ")) if word else ""
