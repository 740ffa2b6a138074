"""The demo's mail server: takes every message, delivers none, notes each in a log, and shows them on a page."""

from webapp.cli.catcher.box import Caught, MailBox
from webapp.cli.catcher.child import Catcher

__all__ = ["Catcher", "Caught", "MailBox"]
