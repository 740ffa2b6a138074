"""htmx 4 on top of htmx-flask, which knows htmx 2: what kind of answer a request wants."""

from __future__ import annotations

from functools import cached_property

from flask import Flask, Response, request
from htmx_flask.requests import HtmxAwareRequest, HtmxHeaders
from werkzeug.datastructures import Headers


class Htmx4Headers(HtmxHeaders):  # type: ignore[misc]  # htmx-flask has no types
    """Adds the headers of htmx 4."""

    @cached_property
    def request_type(self) -> str:
        """HX-Request-Type: "partial" for a fragment, "full" for a boosted link or a restored page."""
        return str(self._headers.get("HX-Request-Type", "")).lower()

    @property
    def partial(self) -> bool:
        """Only a partial request gets a fragment; a boosted link and the back button get the page."""
        return bool(self) and self.request_type == "partial"


class Request(HtmxAwareRequest):  # type: ignore[misc]  # htmx-flask has no types
    """The app's request class."""

    htmx: Htmx4Headers

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        headers: Headers = self.headers
        self.htmx = Htmx4Headers(headers)


def is_partial() -> bool:
    """Does the current request want a fragment?"""
    htmx = getattr(request, "htmx", None)
    return isinstance(htmx, Htmx4Headers) and htmx.partial


def init_htmx(app: Flask) -> None:
    """Install the request class; every answer varies by what htmx asked for."""
    app.request_class = Request

    @app.after_request
    def vary(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.vary.add("HX-Request-Type")
        return response
