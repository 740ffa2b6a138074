"""The brand's picture, for members' pages and the shell. Its settings' pages stand in webapp.settings."""

from __future__ import annotations

from flask import Flask, Response, abort, current_app, request, url_for

from webapp.brands import queries
from webapp.kernel import edge
from webapp.kernel.edge import PUBLIC
from webapp.kernel.scope import BrandRef

bp = edge.blueprint("brands", __name__)

# Whatever a browser were to make of the bytes, nothing in them runs or loads.
NOTHING = "default-src 'none'; sandbox"


@bp.get("/logo/<code>/<digest>", permission=PUBLIC)
def logo(code: str, digest: str) -> Response:
    """The picture of a brand. Its address changes with it, so that a browser may keep it for good."""
    with edge.read() as scope:
        brand = queries.by_code(scope.session, code)
    if brand is None or not digest or brand.logo != digest:
        abort(404)
    with edge.read(within=brand) as scope:
        found = queries.logo(scope)
        if found is None:
            abort(404)
        response = current_app.response_class(found.body, mimetype=found.kind)
    response.headers["Content-Security-Policy"] = NOTHING
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.set_etag(digest)
    response.make_conditional(request)
    return response


def logo_url(brand: BrandRef) -> str:
    """For templates: where a brand's picture is. Only for a brand that has one."""
    return url_for("brands.logo", code=brand.code, digest=brand.logo)


def init_app(app: Flask) -> None:
    """Register; the templates' word."""
    app.register_blueprint(bp)
    app.jinja_env.globals["logo_url"] = logo_url
