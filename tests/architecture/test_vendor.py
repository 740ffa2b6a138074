"""What is not ours is what it says it is: by its sum, with its licence, at the version that is named."""

from __future__ import annotations

import hashlib

from tests.architecture import source

VENDOR = source.ROOT / "webapp" / "static" / "vendor"
# file -> (the licence beside it, what the file or VENDOR.md says of its version)
THEIRS = {
    "htmx.min.js": ("htmx.LICENSE", 'version="4.0.1"'),
    "pico.min.css": ("pico.LICENSE", "Pico CSS ✨ v2.1.1"),
}
OURS = {"pico.scss", "SHA256SUMS", "VENDOR.md"}


def test_the_sums_hold() -> None:
    lines = (VENDOR / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    assert sums.keys() >= THEIRS.keys()
    for name, digest in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, (
            f"{name} is not the file that VENDOR.md describes; a new version is a change of both"
        )


def test_each_has_its_licence_and_its_version() -> None:
    about = (VENDOR / "VENDOR.md").read_text()
    for name, (licence, version) in THEIRS.items():
        assert len((VENDOR / licence).read_text()) > 200
        assert name in about and licence in about
        assert version in (VENDOR / name).read_text().replace("'", '"'), name


def test_nothing_else_lies_there() -> None:
    found = {path.name for path in VENDOR.iterdir()}
    assert found == THEIRS.keys() | {licence for licence, _version in THEIRS.values()} | OURS
