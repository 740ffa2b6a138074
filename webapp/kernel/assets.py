"""Our own files (style, script, icons) and the weight of what goes over the wire.

A file's URL carries a hash of its content, so a browser keeps it for good and a new version is a new URL. Text is
compressed once, in memory, when it is first asked for: no build step, nothing to write beside the code.

HTML is compressed too. What that could give away (BREACH: a guess reflected beside a secret) needs an attacker who can
make a signed-in browser fetch pages with a cookie; ours are SameSite=Lax and the pages say frame-ancestors 'none'.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from flask import Flask, Response, abort, current_app, request

from webapp.kernel.paths import static_dir

ENDPOINT = "static_asset"
_TEXT = {
    "text/css",
    "text/javascript",
    "application/javascript",
    "image/svg+xml",
    "application/manifest+json",
    "text/plain",
}
_COMPRESS = {"text/html", "text/css", "text/plain", "text/csv", "application/json", "image/svg+xml"}
_KINDS = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_FOR_GOOD = "public, max-age=31536000, immutable"
_SMALLEST = 1024  # bytes; below it gzip's own header eats the gain


@dataclass(frozen=True)
class Asset:
    """One file as it is served."""

    body: bytes
    gzipped: bytes | None
    mimetype: str
    digest: str


@dataclass
class Assets:
    """The files under one folder. With `watch` a changed file is read again (development)."""

    folder: Path
    watch: bool = False
    _kept: dict[str, tuple[int, Asset]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, name: str) -> Asset | None:
        """The file of that name, or None. Only files under the folder, no dots that lead elsewhere."""
        kept = self._kept.get(name)
        if kept and not self.watch:
            return kept[1]
        try:
            path = (self.folder / name).resolve()
            if not path.is_relative_to(self.folder.resolve()) or not path.is_file():
                return None
        except (OSError, ValueError):  # longer than a file's name can be; a NUL
            return None
        changed = path.stat().st_mtime_ns
        if kept and kept[0] == changed:
            return kept[1]
        with self._lock:
            asset = _load(path)
            self._kept[name] = (changed, asset)
        return asset

    def url(self, name: str) -> str:
        """`/static/<hash>/<name>`. Raises LookupError for a file that does not exist: a typing mistake, found by any test."""
        asset = self.get(name)
        if asset is None:
            raise LookupError(f"no static file {name!r} in {self.folder}")
        return f"/static/{asset.digest}/{name}"


def _load(path: Path) -> Asset:
    body = path.read_bytes()
    kind = _KINDS.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = gzip.compress(body, 9, mtime=0) if kind in _TEXT and len(body) > 256 else None
    return Asset(
        body,
        packed if packed and len(packed) < len(body) else None,
        kind,
        hashlib.sha256(body).hexdigest()[:12],
    )


def takes_gzip() -> bool:
    """Does this request's browser read gzip?"""
    return request.accept_encodings.quality("gzip") > 0


def serve(digest: str, name: str) -> Response:
    """The file. A URL with an older hash gets today's content, and is not kept."""
    assets: Assets = current_app.extensions["regulars.assets"]
    asset = assets.get(name)
    if asset is None:
        abort(404)
    packed = asset.gzipped is not None and takes_gzip()
    response = current_app.response_class(asset.gzipped if packed else asset.body, mimetype=asset.mimetype)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    if asset.gzipped is not None:
        response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = _FOR_GOOD if digest == asset.digest else "no-cache"
    response.set_etag(asset.digest + ("-gz" if packed else ""))
    response.make_conditional(request)
    return response


def compress(response: Response) -> Response:
    """Gzip text of more than 1 kB, where the browser reads it. Streams and files are left alone."""
    if response.mimetype not in _COMPRESS or response.direct_passthrough or response.is_streamed:
        return response
    if (
        "Content-Encoding" in response.headers
        or response.status_code in (204, 304)
        or request.endpoint == ENDPOINT
    ):
        return response
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if len(body) > _SMALLEST and takes_gzip():
        response.set_data(gzip.compress(body, 5, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
        etag, weak = response.get_etag()
        if etag and not weak:
            response.set_etag(etag, weak=True)
    return response


def init_assets(app: Flask) -> None:
    """`{{ asset('regulars.css') }}`, the route that serves it, and compressed pages."""
    assets = Assets(static_dir(), watch=app.debug)
    app.extensions["regulars.assets"] = assets
    app.jinja_env.globals["asset"] = assets.url
    serve.permission = "public"  # type: ignore[attr-defined]  # what the guard reads, as on every route
    app.add_url_rule("/static/<digest>/<path:name>", ENDPOINT, serve)
    app.after_request(compress)
