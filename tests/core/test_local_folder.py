from __future__ import annotations

from pathlib import Path

import pytest

from mlrun_cli.core.local_folder import is_private, locate


@pytest.mark.parametrize(("mode", "private"), [(0o700, True), (0o750, False), (0o707, False), (0o1777, False)])
def test_a_folder_that_others_can_enter_is_not_private(tmp_path: Path, mode: int, private: bool) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(mode)

    assert is_private(folder) is private


def test_a_link_a_file_and_nothing_are_not_private_folders(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "file").touch(mode=0o700)

    assert not any(is_private(tmp_path / name) for name in ("link", "file", "nothing"))


def test_a_file_in_a_home_on_a_local_disk_is_its_own_counterpart(tmp_path: Path) -> None:
    assert locate(tmp_path / "home" / "lock") == tmp_path / "home" / "lock"
