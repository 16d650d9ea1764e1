"""The installer's log comes before the script's, each byte once, however they grow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlrun_cli.wire.log_follow import LogFollower


class Logs:
    """Two logs, and what a follower has handed over of them."""

    def __init__(self, folder: Path) -> None:
        self.installers = folder / "environment.log"
        self.scripts = folder / "std_log.txt"
        self.scripts.touch()
        self.pieces: list[tuple[str, bytes]] = []
        self._follower = LogFollower(os.fspath(self.installers), os.fspath(self.scripts))

    def copy(self) -> bool:
        return self._follower.copy_new_output(
            lambda piece: self.pieces.append(("installer", piece)), lambda piece: self.pieces.append(("script", piece))
        )


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path)


def _append(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)


def test_nothing_is_handed_over_while_nothing_is_there(logs: Logs) -> None:
    assert not logs.copy()
    assert logs.pieces == []


def test_each_byte_is_handed_over_once_in_its_order(logs: Logs) -> None:
    _append(logs.installers, b"one ")
    assert logs.copy()
    _append(logs.installers, b"two")
    _append(logs.scripts, b"three ")
    assert logs.copy()
    assert not logs.copy()
    _append(logs.scripts, b"four")
    assert logs.copy()
    assert logs.pieces == [("installer", b"one "), ("installer", b"two"), ("script", b"three "), ("script", b"four")]


def test_the_installer_has_ended_when_the_script_prints(logs: Logs) -> None:
    _append(logs.scripts, b"script")
    assert logs.copy()
    _append(logs.installers, b"late")
    assert not logs.copy()
    assert logs.pieces == [("script", b"script")]


def test_a_log_that_is_away_for_a_while_goes_on_where_it_was(logs: Logs) -> None:
    _append(logs.scripts, b"one ")
    logs.copy()
    away = logs.scripts.with_name("away")
    logs.scripts.rename(away)
    assert not logs.copy()
    _append(away, b"two")
    away.rename(logs.scripts)
    assert logs.copy()
    assert logs.pieces == [("script", b"one "), ("script", b"two")]


def test_what_is_longer_than_a_piece_is_handed_over_whole(logs: Logs) -> None:
    for path, byte in ((logs.installers, b"i"), (logs.scripts, b"s")):
        _append(path, byte * 200_000)
    logs.copy()
    assert b"".join(piece for _, piece in logs.pieces) == b"i" * 200_000 + b"s" * 200_000
