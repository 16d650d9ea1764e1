"""The folder a script runs in: made, told apart from what the script wrote, and cleared."""

from __future__ import annotations

import errno
import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mlrun_cli.errors import StoredFilesLost, StoreError
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.snapshot import EntryKind, Snapshot, SnapshotEntry
from mlrun_cli.snapshots.take import take_snapshot
from mlrun_cli.snapshots.working_copy import (
    create_data_links,
    create_working_copy,
    list_data_links,
    list_escaping_links,
    list_written_files,
    remove_data_links,
    remove_unchanged_files,
)


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a bit of everything."""
    folder = tmp_path / "source"
    (folder / "data" / "empty").mkdir(parents=True)
    (folder / "train.py").write_bytes(b"print('hello')\n")
    (folder / "run.sh").write_bytes(b"#!/bin/sh\n")
    (folder / "run.sh").chmod(0o500)
    (folder / "data" / os.fsdecode(b"caf\xe9\n.csv")).write_bytes(b"1,2\n")
    (folder / "data" / "large.bin").write_bytes(os.urandom(3_000_000))
    (folder / "data" / "none.txt").touch()
    (folder / "latest").symlink_to("data/large.bin")
    (folder / "all").symlink_to("data")
    for path in folder.rglob("*.*"):
        os.utime(path, ns=(1_700_000_000_123_456_789, 1_600_000_000_987_654_321))
    return folder


@pytest.fixture
def snapshot(source: Path, store: SnapshotStore) -> Snapshot:
    return take_snapshot(source, store, limits=SnapshotLimits())[0]


@pytest.fixture
def copy(snapshot: Snapshot, store: SnapshotStore, tmp_path: Path) -> Path:
    create_working_copy(snapshot, store, tmp_path / "run" / "copy")
    return tmp_path / "run" / "copy"


def _tree(top: Path) -> dict[str, bytes | str | None]:
    """What stands in a folder: the content of files, the target of links, None for folders."""
    tree: dict[str, bytes | str | None] = {}
    for path in top.rglob("*"):
        name = path.relative_to(top).as_posix()
        if path.is_symlink():
            tree[name] = os.readlink(path)
        else:
            tree[name] = None if path.is_dir() else path.read_bytes()
    return tree


def test_a_copy_is_what_the_folder_was(source: Path, copy: Path) -> None:
    assert _tree(copy) == _tree(source)


def test_a_copy_keeps_times_and_x_bits_and_can_be_written(source: Path, copy: Path) -> None:
    for path in copy.rglob("*"):
        if path.is_file() and not path.is_symlink():
            original = (source / path.relative_to(copy)).stat()
            assert path.stat().st_mtime_ns == original.st_mtime_ns
            assert path.stat().st_mode & stat.S_IXUSR == original.st_mode & stat.S_IXUSR
            assert path.stat().st_mode & stat.S_IWUSR


def test_writing_into_a_copy_leaves_the_store_alone(
    snapshot: Snapshot, store: SnapshotStore, copy: Path, tmp_path: Path
) -> None:
    for path in copy.rglob("*"):
        if path.is_file():
            path.write_bytes(b"scribble")
    create_working_copy(snapshot, store, tmp_path / "second")

    assert (tmp_path / "second" / "train.py").read_bytes() == b"print('hello')\n"
    assert (copy / "train.py").stat().st_nlink == 1


def test_a_content_gone_from_the_store_is_named(snapshot: Snapshot, store: SnapshotStore, tmp_path: Path) -> None:
    (entry,) = (entry for entry in snapshot.entries if entry.path == "train.py")
    Path(store.get_object_path(entry.digest)).unlink()

    with pytest.raises(StoredFilesLost, match=r"'train\.py'"):
        create_working_copy(snapshot, store, tmp_path / "copy")


def test_a_content_cut_short_is_named(snapshot: Snapshot, store: SnapshotStore, tmp_path: Path) -> None:
    (entry,) = (entry for entry in snapshot.entries if entry.path == "data/large.bin")
    os.truncate(store.get_object_path(entry.digest), 1000)

    with pytest.raises(StoredFilesLost, match=r"'data/large\.bin'"):
        create_working_copy(snapshot, store, tmp_path / "copy")


def test_a_copy_is_not_made_over_something_else(snapshot: Snapshot, store: SnapshotStore, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "train.py").write_bytes(b"mine")

    with pytest.raises(StoreError, match=re.escape(os.strerror(errno.EEXIST))):
        create_working_copy(snapshot, store, tmp_path / "copy")
    assert (tmp_path / "copy" / "train.py").read_bytes() == b"mine"


def test_a_copy_is_not_made_through_a_link(snapshot: Snapshot, store: SnapshotStore, tmp_path: Path) -> None:
    """Not even of a manifest that somebody has changed."""
    (tmp_path / "outside").mkdir()
    (script,) = (entry for entry in snapshot.entries if entry.path == "train.py")
    link = SnapshotEntry("all", EntryKind.LINK, target="../outside")
    changed = snapshot._replace(entries=(link, script._replace(path="all/train.py")))

    with pytest.raises(StoreError, match=str(tmp_path / "copy")):
        create_working_copy(changed, store, tmp_path / "copy")
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_copy_on_another_file_system_and_a_full_one(tmp_path: Path, snapshot: Snapshot) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    (tmp_path / "other").mkdir()
    program = (
        "import sys; from pathlib import Path\n"
        "from mlrun_cli.snapshots.working_copy import create_working_copy\n"
        "from mlrun_cli.snapshots.content_store import SnapshotStore; from mlrun_cli.errors import StoreError\n"
        "store = SnapshotStore(Path('snapshots'))\n"
        f"snapshot = store.read_manifest({snapshot.snapshot_id!r})\n"
        "create_working_copy(snapshot, store, Path('other/one'))\n"
        "assert Path('other/one/data/large.bin').read_bytes() == Path('source/data/large.bin').read_bytes()\n"
        "try:\n"
        "    create_working_copy(snapshot, store, Path('other/two'))\n"
        "except StoreError as error:\n"
        "    print(error.message)\n"
    )
    script = f'mount -t tmpfs -o size=5m tmpfs other && exec {shlex.quote(sys.executable)} -c "$0"'
    words = ["unshare", "-m", "sh", "-c", script, program]
    told = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    assert "'other/two'" in told and os.strerror(errno.ENOSPC) in told


def test_nothing_is_left_of_a_copy_that_the_script_left_alone(snapshot: Snapshot, copy: Path) -> None:
    remove_unchanged_files(snapshot, copy)

    assert list(copy.iterdir()) == []


def test_what_the_script_wrote_stays(snapshot: Snapshot, copy: Path) -> None:
    (copy / "outputs").mkdir()
    (copy / "outputs" / "model.pkl").write_bytes(b"model")
    (copy / "made" / "empty").mkdir(parents=True)
    (copy / "train.py").write_bytes(b"print('HELLO')\n")
    (copy / "latest").unlink()
    (copy / "latest").symlink_to("outputs/model.pkl")
    (copy / "data" / "none.txt").unlink()
    (copy / "data" / "none.txt").mkdir()
    (copy / "data" / "new.csv").touch()
    written = ["data/new.csv", "latest", "outputs/model.pkl", "train.py"]

    assert list_written_files(snapshot, copy) == written
    remove_unchanged_files(snapshot, copy)
    assert list_written_files(snapshot, copy) == written
    assert _tree(copy) == {
        "data": None,
        "data/new.csv": b"",
        "data/none.txt": None,
        "latest": "outputs/model.pkl",
        "made": None,
        "made/empty": None,
        "outputs": None,
        "outputs/model.pkl": b"model",
        "train.py": b"print('HELLO')\n",
    }


def test_removal_may_be_called_again_and_with_nothing_there(snapshot: Snapshot, copy: Path, tmp_path: Path) -> None:
    (copy / "model.pkl").touch()
    remove_unchanged_files(snapshot, copy)
    remove_unchanged_files(snapshot, copy)
    remove_unchanged_files(snapshot, tmp_path / "nowhere")

    assert _tree(copy) == {"model.pkl": b""}


def test_removal_goes_through_no_link(snapshot: Snapshot, source: Path, copy: Path) -> None:
    """A script that puts a link in the place of a folder does not lose what the link leads to."""
    before = _tree(source)
    for path in (copy / "data").iterdir():
        path.rmdir() if path.is_dir() else path.unlink()
    (copy / "data").rmdir()
    (copy / "data").symlink_to(source / "data")
    remove_unchanged_files(snapshot, copy)

    assert _tree(source) == before
    assert _tree(copy) == {"data": str(source / "data")}
    assert list_written_files(snapshot, copy) == []
    assert list_escaping_links(copy) == ["data"]


def test_links_that_lead_out_are_no_files_of_the_script(copy: Path, source: Path) -> None:
    assert list_escaping_links(copy) == []
    (copy / "stolen").symlink_to(source / "train.py")
    (copy / "up").symlink_to("..")
    (copy / "data" / "container").symlink_to("/nowhere/here")
    (copy / "self").symlink_to(".")
    (copy / "gone").symlink_to("nothing")
    os.mkfifo(copy / "pipe")
    assert list_escaping_links(copy) == ["data/container", "stolen", "up"]

    assert list_written_files(None, copy) == [
        "data/caf\udce9\n.csv",
        "data/large.bin",
        "data/none.txt",
        "latest",
        "run.sh",
        "train.py",
    ]


def test_no_folder_holds_no_files(tmp_path: Path) -> None:
    assert list_written_files(None, tmp_path / "nowhere") == list_escaping_links(tmp_path / "nowhere") == []


def test_files_are_found_in_chains_of_folders_and_beside_them(tmp_path: Path) -> None:
    expected = []
    for branch in ("a", "b"):
        folder = tmp_path / branch
        for number in range(150):
            folder = folder / "d"
            folder.mkdir(parents=True)
            if number % 30 == 0:
                (folder / "beside").mkdir()
                (folder / "beside" / "file").write_bytes(b"")
                expected.append(str((folder / "beside" / "file").relative_to(tmp_path)))
        (folder / "file").write_bytes(b"")
        expected.append(str((folder / "file").relative_to(tmp_path)))
    before = len(os.listdir("/proc/self/fd"))
    assert list_written_files(None, tmp_path) == sorted(expected)
    assert len(os.listdir("/proc/self/fd")) <= before


def test_depth_costs_no_stack(tmp_path: Path) -> None:
    (tmp_path / "source" / "/".join(["d"] * 200)).mkdir(parents=True)
    program = (
        "import sys; from pathlib import Path\n"
        "from mlrun_cli.snapshots.take import take_snapshot\n"
        "from mlrun_cli.snapshots.limits import SnapshotLimits\n"
        "from mlrun_cli.snapshots.working_copy import create_working_copy, remove_unchanged_files, list_written_files\n"
        "from mlrun_cli.snapshots.content_store import SnapshotStore\n"
        "sys.setrecursionlimit(60)\n"
        "store, copy = SnapshotStore(Path('snapshots')), Path('copy')\n"
        "snapshot, notes = take_snapshot(Path('source'), store, limits=SnapshotLimits())\n"
        "create_working_copy(snapshot, store, copy)\n"
        "print(len(snapshot.entries), notes, list_written_files(snapshot, copy))\n"
        "remove_unchanged_files(snapshot, copy)\n"
        "print(list(copy.iterdir()))\n"
    )
    words = [sys.executable, "-c", program]
    told = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    assert told == "200 [] []\n[]\n"


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_copy_follows_the_umask(snapshot: Snapshot, store: SnapshotStore, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        create_working_copy(snapshot, store, tmp_path / "copy")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "copy" / "train.py").stat().st_mode) == 0o666 & ~umask
    assert stat.S_IMODE((tmp_path / "copy" / "run.sh").stat().st_mode) == 0o777 & ~umask


def test_data_are_linked_where_a_script_expects_them_and_the_links_are_removed(copy: Path, tmp_path: Path) -> None:
    data = tmp_path / "inputs" / "cars"
    data.mkdir(parents=True)
    (data / "a.csv").write_text("a", encoding="utf-8")
    (data / "none.txt").write_text("of the data", encoding="utf-8")
    before = sorted(path.relative_to(copy) for path in copy.rglob("*"))
    places = ("cars", "deep/er/cars", "data", "train.py", "all/cars", "outside/cars")
    (copy / "outside").symlink_to(tmp_path)
    links = {place: str(data) for place in places}
    warnings = create_data_links(copy, links)
    assert [(copy / place / "a.csv").read_text(encoding="utf-8") for place in places[:3]] == ["a"] * 3
    assert (copy / "data" / "none.txt").read_text(encoding="utf-8") == ""
    assert [re.findall(r"'(.+?)'", warning)[0] for warning in warnings] == ["train.py", "outside/cars"]
    assert not (tmp_path / "cars").exists()
    made = ["cars", "deep/er/cars", "data/a.csv", "all/cars"]
    assert list_data_links(copy, links) == made
    (copy / "cars").unlink()
    (copy / "cars").mkdir()
    (copy / "cars" / "own.txt").touch()
    assert list_data_links(copy, links) == made[1:]
    remove_data_links(copy, links)
    (copy / "outside").unlink()
    after = sorted(path.relative_to(copy) for path in copy.rglob("*"))
    assert after == sorted([*before, Path("cars"), Path("cars/own.txt")])
    assert (data / "a.csv").is_file()
