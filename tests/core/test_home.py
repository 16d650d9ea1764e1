from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlrun_cli.core.home import make_private_folder
from mlrun_cli.processes.inheritance import read_umask


@pytest.mark.usefixtures("hasty_threads")
def test_a_private_folder_and_its_parents_are_made_beside_threads_that_make_theirs(tmp_path: Path) -> None:
    before = read_umask()
    folders = [tmp_path / str(number % 50) / "inner" / str(number) for number in range(500)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(4):
            list(pool.map(make_private_folder, folders))
    assert read_umask() == before, "what the process makes from now on has other modes"
    for folder in folders:
        for made in (folder, folder.parent, folder.parent.parent):
            assert stat.S_IMODE(made.stat().st_mode) == 0o700
