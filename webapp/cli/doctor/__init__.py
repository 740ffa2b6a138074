"""`regulars doctor`: what is configured, what is wrong, how to mend it."""

from webapp.cli.doctor.command import doctor

__all__ = ["doctor"]
