from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mlrun_cli.core.atomic_files import check_writable, open_atomically
from mlrun_cli.errors import FileAlreadyExists, FileNotWritable, InvalidPath
from mlrun_cli.processes.inheritance import read_umask

KILLED_AT = """
import itertools, os, sys
from pathlib import Path
from mlrun_cli.core.atomic_files import open_atomically

path, last = Path(sys.argv[1]), int(sys.argv[2])
calls = itertools.count()

def look(event, arguments):
    if event == "open" or event in ("os.rename", "os.link", "os.remove"):
        if next(calls) == last:
            os._exit(9)

sys.addaudithook(look)
with open_atomically(path, overwrite=False) as file:
    file.write(b"whole")
"""


def test_a_process_that_is_killed_leaves_the_whole_file_or_none(tmp_path: Path) -> None:
    seen = set()
    for last in range(10):
        path = tmp_path / str(last)
        done = subprocess.run([sys.executable, "-c", KILLED_AT, path, str(last)], check=False)
        seen.add(path.read_bytes() if path.exists() else None)
        if done.returncode == 0:
            break
    assert done.returncode == 0 and seen == {None, b"whole"}


@pytest.mark.parametrize("error", [None, errno.EPERM, errno.ENOTSUP])
def test_a_name_that_somebody_takes_meanwhile_stays_with_them_where_there_are_links_and_where_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int | None
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(error, "no links here")

    if error is not None:
        monkeypatch.setattr(os, "link", refuse)
    with open_atomically(tmp_path / "mine", overwrite=False) as file:
        file.write(b"whole")
    with pytest.raises(FileAlreadyExists), open_atomically(tmp_path / "theirs", overwrite=False):
        (tmp_path / "theirs").write_bytes(b"theirs")
    kept = {file.name: (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) for file in tmp_path.iterdir()}
    mode = 0o666 & ~(read_umask() or 0)
    assert kept == {"mine": (b"whole", mode), "theirs": (b"theirs", mode)}


def test_whether_a_file_can_be_written_is_seen_without_writing_it(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    for name in ("old", "new"):
        check_writable(tmp_path / name)
    with pytest.raises(InvalidPath):
        check_writable(tmp_path)
    with pytest.raises(FileNotWritable):
        check_writable(tmp_path / "nowhere" / "new")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"old": b"old"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_pipe_or_an_open_file_is_written_to_and_not_replaced(tmp_path: Path, overwrite: bool) -> None:
    pipe, kept = tmp_path / "pipe", tmp_path / "kept"
    os.mkfifo(pipe)
    check_writable(pipe)  # which would wait for a reader if it opened it
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with open_atomically(pipe, overwrite=overwrite) as file:
        file.write(b"whole")
    assert os.read(reader, 100) == b"whole"
    os.close(reader)
    assert pipe.is_fifo()

    kept.write_bytes(b"before ")
    with kept.open("ab") as opened:
        path = Path(f"/proc/self/fd/{opened.fileno()}")
        check_writable(path)
        with open_atomically(path, overwrite=overwrite) as file:
            file.write(b"after")
    assert kept.read_bytes() == b"before after"
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "kept"}
