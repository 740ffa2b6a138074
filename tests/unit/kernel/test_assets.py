"""Our own files over HTTP: kept for good under their hash, compressed once, never outside their folder."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from webapp.kernel import assets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files" / "vendor").mkdir(parents=True)
    (tmp_path / "files" / "a.css").write_text("p { color: red } " * 100)
    (tmp_path / "files" / "vendor" / "b.js").write_text("let a = 1;")
    (tmp_path / "files" / "dot.png").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "secret.txt").write_text("not a static file")
    return tmp_path / "files"


@pytest.fixture
def web(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr(assets, "static_dir", lambda: folder)
    app = Flask("probe", static_folder=None)
    assets.init_assets(app)

    @app.get("/page/<int:size>")
    def page(size: int) -> Response:
        return app.response_class("x" * size, mimetype="text/html")

    @app.get("/picture")
    def picture() -> Response:
        return app.response_class(b"x" * 5000, mimetype="image/png")

    @app.get("/stream")
    def stream() -> Response:
        return app.response_class(("x" * 1000 for _ in range(9)), mimetype="text/html")

    return app.test_client()


def url(web: FlaskClient, name: str) -> str:
    made: str = web.application.jinja_env.globals["asset"](name)
    return made


GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def test_a_file_is_kept_for_good_and_compressed_for_who_reads_it(web: FlaskClient, folder: Path) -> None:
    body = (folder / "a.css").read_bytes()
    address = url(web, "a.css")
    assert hashlib.sha256(body).hexdigest()[:12] in address
    plain, packed = web.get(address), web.get(address, headers=GZIP)
    assert plain.data == gzip.decompress(packed.data) == body
    assert "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(body) / 10
    for answer in (plain, packed):
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.vary.as_set() == {"accept-encoding"}
        assert answer.mimetype == "text/css"
    again = web.get(address, headers=GZIP | {"If-None-Match": packed.headers["ETag"]})
    assert again.status_code == 304 and not again.data


def test_a_picture_is_left_as_it_is(web: FlaskClient, folder: Path) -> None:
    answer = web.get(url(web, "dot.png"), headers=GZIP)
    assert answer.data == (folder / "dot.png").read_bytes() and answer.mimetype == "image/png"


def test_an_old_hash_gets_todays_file_and_does_not_keep_it(web: FlaskClient) -> None:
    answer = web.get("/static/000000000000/a.css")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["../secret.txt", "%2e%2e/secret.txt", "vendor", "none.css", "%00", "a.css%00"]
)
def test_nothing_outside_the_folder(web: FlaskClient, name: str) -> None:
    assert web.get(f"/static/000000000000/{name}").status_code == 404


def test_a_misspelt_name_is_found_when_the_page_is_made(web: FlaskClient) -> None:
    with pytest.raises(LookupError, match=r"regular\.css"):
        url(web, "regular.css")


def test_a_changed_file_is_read_again_only_when_watched(folder: Path) -> None:
    kept, watched = assets.Assets(folder), assets.Assets(folder, watch=True)
    before = kept.url("a.css"), watched.url("a.css")
    (folder / "a.css").write_text("p { color: blue }")
    assert kept.url("a.css") == before[0]
    assert watched.url("a.css") != before[1]


def test_pages_are_compressed_from_a_kilobyte_on(web: FlaskClient) -> None:
    small, large = web.get("/page/1024", headers=GZIP), web.get("/page/1025", headers=GZIP)
    assert "Content-Encoding" not in small.headers
    assert large.headers["Content-Encoding"] == "gzip" and gzip.decompress(large.data) == b"x" * 1025
    assert int(large.headers["Content-Length"]) == len(large.data)
    assert all("accept-encoding" in answer.vary.as_set() for answer in (small, large))
    refused = web.get("/page/5000", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in refused.headers and len(refused.data) == 5000


@pytest.mark.parametrize("path", ["/picture", "/stream"])
def test_pictures_and_streams_are_left_alone(web: FlaskClient, path: str) -> None:
    answer = web.get(path, headers=GZIP)
    assert "Content-Encoding" not in answer.headers and len(answer.data) >= 5000
