"""The app of a test over real HTTP, in a thread of this process: for a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from threading import Thread
from typing import TYPE_CHECKING

import axe_playwright_python
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from webapp.kernel import links

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# The checker stands where the shop would have a script of its own: the browser keeps it, instead of being handed it
# for every page.
AXE = "/axe.js"


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  # werkzeug's own name
        """The test says what is wrong."""


@cache
def _axe() -> str:
    return (files(axe_playwright_python) / "axe.min.js").read_text()


@contextmanager
def serving(app: WSGIApplication) -> Iterator[str]:
    """The address while the block lasts, which links in messages have as well."""

    @Request.application
    def checked(request: Request) -> Response:
        if request.path == AXE:
            return Response(
                _axe(), mimetype="text/javascript", headers={"Cache-Control": "max-age=3600, immutable"}
            )
        return Response.from_app(app, request.environ)

    server = make_server("127.0.0.1", 0, checked, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    links.use(address)
    try:
        yield address
    finally:
        links.use(None)
        server.shutdown()
        thread.join(10)
        server.server_close()
