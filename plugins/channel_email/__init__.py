"""Channel: e-mail over SMTP."""

from __future__ import annotations

from webapp.plugin_api import Channel, Setting, hookimpl

from .channel import SLOWEST, EmailChannel


@hookimpl
def channels() -> list[Channel]:
    """One channel."""
    return [EmailChannel()]


@hookimpl
def settings() -> list[Setting]:
    """The mail server, how to sign in there, and in whose name to write."""
    return [
        Setting(
            "host",
            "text",
            "Mail server",
            help="Such as smtp.example.com; your mail provider tells you.",
            required=True,
        ),
        Setting("port", "int", "Port", default=587, minimum=1, maximum=65535, required=True),
        Setting(
            "security",
            "choice",
            "Encryption",
            default="starttls",
            choices=(
                ("starttls", "STARTTLS (usual on port 587)"),
                ("tls", "TLS from the start (usual on port 465)"),
                ("none", "None (only inside your own network)"),
            ),
        ),
        Setting("user", "text", "User name", help="Blank if the server asks for none."),
        Setting("password", "secret", "Password"),
        Setting(
            "from_address",
            "email",
            "Sender's address",
            help="Members see it. Its domain should name your mail server in SPF and DKIM.",
            required=True,
        ),
        Setting("from_name", "text", "Sender's name", help="Blank: the brand's name."),
        Setting("reply_to", "email", "Where answers go", help="Blank: to the sender's address."),
        Setting(
            "per_minute",
            "int",
            "At most so many messages a minute",
            help="For each background worker. Blank: as fast as the server takes them.",
            minimum=SLOWEST,
        ),
    ]
