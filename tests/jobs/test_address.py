"""Where the queue server is: one answer for every process of a shop."""

import os
import stat
from pathlib import Path

import pytest

from webapp.jobs import address


def test_redis_url_wins(tmp_path: Path) -> None:
    assert address.queue_url(tmp_path, "redis://host/3") == "redis://host/3"


def test_the_socket_lies_in_the_instance_folder_and_only_its_owner_enters(tmp_path: Path) -> None:
    instance = tmp_path / "a shop"
    assert address.socket_path(instance) == instance / "run" / "queue.sock"
    assert stat.S_IMODE((instance / "run").stat().st_mode) == 0o700
    assert address.queue_url(instance).endswith("/a%20shop/run/queue.sock")


def test_a_long_path_gets_a_remembered_temporary_folder(tmp_path: Path) -> None:
    instance = tmp_path / ("x" * 100)
    first = address.socket_path(instance)
    assert len(os.fsencode(first)) <= 100
    assert stat.S_IMODE(first.parent.stat().st_mode) == 0o700
    assert address.socket_path(instance) == first
    first.parent.rmdir()


@pytest.mark.parametrize("spoilt", ["gone", "open to others", "a link"])
def test_a_remembered_folder_that_is_not_ours_alone_is_replaced(tmp_path: Path, spoilt: str) -> None:
    instance = tmp_path / ("x" * 100)
    folder = address.socket_path(instance).parent
    if spoilt == "open to others":
        folder.chmod(0o755)
    else:
        folder.rmdir()
    if spoilt == "a link":
        folder.symlink_to(tmp_path)
    other = address.socket_path(instance).parent
    assert other != folder
    other.rmdir()
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        folder.rmdir()


def test_a_url_is_shown_without_its_password() -> None:
    assert address.shown("redis://user:secret@host:6379/2?password=x") == "redis://host:6379/2"
    assert address.shown("unix:///a/b.sock") == "unix:/a/b.sock"
