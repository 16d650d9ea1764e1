"""Time a snapshot of 10,000 files (1 GB): first, unchanged, and its working copy, beside `cp -r`.

    python -m tests.benchmarks.bench_snapshot [FOLDER]

FOLDER (default: the folder for temporary files) needs room for 4 GB. Each figure is the best of three, but
for the first snapshot, which is taken once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.snapshot import Snapshot
from mlrun_cli.snapshots.take import take_snapshot
from mlrun_cli.snapshots.working_copy import create_working_copy, list_written_files, remove_unchanged_files
from tests.benchmarks.arguments import parse_folder

_FILES = 10_000
_FILE_SIZE = 100_000
_LIMITS = SnapshotLimits(size=2_000_000_000, files=20_000)


def main(parent: Path | None) -> None:
    """Create the folders, measure, print the table, and remove them."""
    with tempfile.TemporaryDirectory(dir=parent) as top:
        for name, seconds in _measure(Path(top)):
            print(f"{name:<45} {seconds * 1000:>9.1f} ms")


def _measure(top: Path) -> list[tuple[str, float]]:
    source, small, copy = top / "source", top / "small", top / "copy"
    _make_files(source)
    small.mkdir()
    (small / "train.py").write_text("print('hello')\n", encoding="utf-8")
    time.sleep(2.5)  # a file that has just been written is not trusted to be unchanged
    store = SnapshotStore(top / "store")
    rows = [
        ("python -c pass", _best(lambda: _run(sys.executable, "-c", "pass"))),
        ("one file, unchanged", _best(lambda: take_snapshot(small, store, limits=_LIMITS))),
        ("10,000 files, first", _once(lambda: take_snapshot(source, store, limits=_LIMITS))),
        ("10,000 files, unchanged", _best(lambda: take_snapshot(source, store, limits=_LIMITS))),
    ]
    snapshot, _ = take_snapshot(source, store, limits=_LIMITS)
    (source / ".gitignore").write_text("*.log\n!keep.log\n/data/\n**/tmp*\n", encoding="utf-8")
    rows += [
        ("the same with patterns for pathspec", _best(lambda: take_snapshot(source, store, limits=_LIMITS))),
        *_copies(source, snapshot, store, copy),
    ]
    _run("cp", "-r", str(source), str(copy))
    rows.append(("rm -r", _once(lambda: _run("rm", "-r", str(copy)))))
    create_working_copy(snapshot, store, copy)
    return [
        *rows,
        ("what the script wrote (nothing)", _best(lambda: list_written_files(snapshot, copy))),
        ("removal of what is unchanged", _once(lambda: remove_unchanged_files(snapshot, copy))),
    ]


def _copies(source: Path, snapshot: Snapshot, store: SnapshotStore, copy: Path) -> list[tuple[str, float]]:
    """Time `cp -r` and a working copy in turn, because the disk's speed changes from minute to minute."""
    by_cp, ours = [], []
    for _ in range(3):
        by_cp.append(_once(lambda: _run("cp", "-r", str(source), str(copy))))
        shutil.rmtree(copy)
        ours.append(_once(lambda: create_working_copy(snapshot, store, copy)))
        shutil.rmtree(copy)
    return [("cp -r", min(by_cp)), ("working copy", min(ours))]


def _make_files(source: Path) -> None:
    for number in range(_FILES):
        folder = source / f"part{number % 100:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:05}.bin").write_bytes(os.urandom(_FILE_SIZE))


def _run(*words: str) -> None:
    subprocess.run(words, check=True)


def _once(action: Callable[[], object]) -> float:
    os.sync()
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _best(action: Callable[[], object]) -> float:
    return min(_once(action) for _ in range(3))


if __name__ == "__main__":
    main(parse_folder(__doc__))
