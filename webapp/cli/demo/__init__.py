"""`regulars demo`: a sample shop from published data, with a campaign that its own worker sends."""

from webapp.cli.demo.command import demo

__all__ = ["demo"]
