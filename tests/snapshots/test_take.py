"""Snapshots of real folders, with everything in them that a folder can hold."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from mlrun_cli.errors import InvalidPath, StoreError, UsageError
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.snapshot import Snapshot
from mlrun_cli.snapshots.take import take_snapshot

_LIMITS = SnapshotLimits()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "my folder"
    folder.mkdir()
    return folder


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots")


def _take(source: Path, store: SnapshotStore) -> Snapshot:
    return take_snapshot(source, store, limits=_LIMITS)[0]


def _notes(source: Path, store: SnapshotStore) -> str:
    return "\n".join(take_snapshot(source, store, limits=_LIMITS)[1])


def _paths(snapshot: Snapshot) -> list[str]:
    return [entry.path for entry in snapshot.entries]


def _objects(store: SnapshotStore) -> list[Path]:
    top = Path(store.get_object_path("00" * 32)).parent.parent
    return [path for path in top.rglob("*") if path.is_file()]


def _write_long_ago(path: Path, content: bytes, changed_at: int = 0) -> None:
    """Write a file that says it changed long ago."""
    path.write_bytes(content)
    os.utime(path, (changed_at, changed_at))


def test_an_empty_folder_has_a_snapshot(source: Path, store: SnapshotStore) -> None:
    snapshot, notes = take_snapshot(source, store, limits=_LIMITS)

    assert (snapshot.entries, snapshot.size, notes) == ((), 0, [])


def test_a_snapshot_holds_files_folders_and_links(source: Path, store: SnapshotStore) -> None:
    (source / "a" / "empty").mkdir(parents=True)
    (source / "a" / "run.sh").write_bytes(b"#!/bin/sh\n")
    (source / "a" / "run.sh").chmod(0o700)
    (source / "a.txt").write_bytes(b"12345")
    (source / "latest").symlink_to(source / "a" / "run.sh")
    (source / "a" / "up").symlink_to("../a/../a.txt")
    (source / "folder").symlink_to("a")

    snapshot, notes = take_snapshot(source, store, limits=_LIMITS)

    assert notes == []
    assert _paths(snapshot) == ["a", "a.txt", "a/empty", "a/run.sh", "a/up", "folder", "latest"]
    entries = {entry.path: entry for entry in snapshot.entries}
    assert [entries[path].target for path in ("latest", "a/up", "folder")] == ["a/run.sh", "../a.txt", "a"]
    assert entries["a/run.sh"].executable
    assert not entries["a.txt"].executable
    assert entries["a.txt"].size == 5
    assert entries["a.txt"].mtime_ns == (source / "a.txt").stat().st_mtime_ns
    assert snapshot.size == 15
    assert store.read_manifest(snapshot.snapshot_id) == snapshot


def test_equal_content_has_an_equal_id_wherever_and_whenever(tmp_path: Path, store: SnapshotStore) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        _write_long_ago(tmp_path / name / "a.txt", b"12345", 1_000_000 + ord(name[0]))

    one, two = _take(tmp_path / "one", store), _take(tmp_path / "two", store)

    assert one == two
    assert one == store.read_manifest(one.snapshot_id)


@pytest.mark.parametrize("change", ["content", "name", "x bit", "link", "folder"])
def test_any_change_gives_another_id(source: Path, store: SnapshotStore, change: str) -> None:
    (source / "a.txt").write_bytes(b"12345")
    (source / "b.txt").write_bytes(b"12345")
    (source / "link").symlink_to("a.txt")
    before = _take(source, store)
    if change == "content":
        (source / "a.txt").write_bytes(b"12346")
    elif change == "name":
        (source / "b.txt").rename(source / "c.txt")
    elif change == "x bit":
        (source / "a.txt").chmod(0o755)
    elif change == "link":
        (source / "link").unlink()
        (source / "link").symlink_to("b.txt")
    else:
        (source / "empty").mkdir()

    assert _take(source, store).snapshot_id != before.snapshot_id


def test_no_content_is_stored_twice(source: Path, store: SnapshotStore) -> None:
    large = os.urandom(1_500_000)
    for name in ("a", "b"):
        (source / f"{name}.txt").write_bytes(b"12345")
        (source / f"{name}.bin").write_bytes(large)
    _take(source, store)
    (source / "c.txt").write_bytes(b"12345")
    _take(source, store)

    assert sorted(path.stat().st_size for path in _objects(store)) == [5, 1_500_000]
    assert {path.read_bytes() for path in _objects(store)} == {b"12345", large}


def test_git_and_excluded_folders_are_left_out_without_a_word(source: Path, store: SnapshotStore) -> None:
    for name in (".git/HEAD", "sub/.git", "home/store.db", "kept/store.db"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()

    snapshot, notes = take_snapshot(source, store, limits=_LIMITS, exclude=[source / "home", Path("/elsewhere")])

    assert _paths(snapshot) == ["kept", "kept/store.db", "sub"]
    assert notes == []


def test_the_source_folder_must_not_be_the_excluded_one(source: Path, store: SnapshotStore) -> None:
    with pytest.raises(InvalidPath):
        take_snapshot(source, store, limits=_LIMITS, exclude=[source])


@pytest.mark.parametrize("patterns", ["data/\n!data/keep.csv\n", "*\n!keep.csv\n", "data/*\n!keep.csv\n"])
def test_a_file_given_back_brings_its_folder(source: Path, store: SnapshotStore, patterns: str) -> None:
    for name in ("data/keep.csv", "data/deep/other.csv"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    (source / ".amlignore").write_text(f"{patterns}.amlignore\n", encoding="utf-8")

    assert _paths(_take(source, store)) == ["data", "data/keep.csv"]


def test_special_files_are_named_and_never_waited_for(source: Path, store: SnapshotStore) -> None:
    os.mkfifo(source / "a.fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(source / "b.sock"))
        notes = _notes(source, store)

    assert notes.endswith(": a.fifo (a FIFO), b.sock (a socket).")


def test_many_left_out_files_make_one_short_line(source: Path, store: SnapshotStore) -> None:
    for number in range(7):
        os.mkfifo(source / f"{number}\n.fifo")

    notes = _notes(source, store)

    assert notes.endswith(" and 4 more.")
    assert "\n" not in notes
    assert notes.count("\\n.fifo (a FIFO)") == 3


@pytest.mark.parametrize(
    ("name", "target", "reason"),
    [
        ("link", "../outside", "a link that leads out of the folder"),
        ("link", "/", "a link that leads out of the folder"),
        ("link", "link", "a link that leads in a circle"),
        ("link", ".", "a link that leads in a circle"),
        ("sub/link", "../sub", "a link that leads in a circle"),
        ("link", "nowhere", "a link to nothing"),
        ("link", "ignored/x", "a link to nothing"),
        ("link", "ignored", "a link to what is left out"),
    ],
)
def test_a_link_that_a_copy_could_not_have_is_named(
    source: Path, tmp_path: Path, store: SnapshotStore, name: str, target: str, reason: str
) -> None:
    (tmp_path / "outside").touch()
    (source / "sub").mkdir()
    (source / ".amlignore").write_text("ignored\n", encoding="utf-8")
    (source / "ignored").touch()
    (source / name).symlink_to(target)
    snapshot, notes = take_snapshot(source, store, limits=_LIMITS)

    (note,) = notes
    assert note.endswith(f": {name} ({reason}).")
    assert _paths(snapshot) == [".amlignore", "sub"]


def test_a_link_that_goes_out_and_comes_back_leads_straight_to_its_end(
    source: Path, tmp_path: Path, store: SnapshotStore
) -> None:
    (source / "a.txt").touch()
    (tmp_path / "outside").symlink_to(source / "a.txt")
    (source / "link").symlink_to("../outside")

    assert _take(source, store).entries[1].target == "a.txt"


def test_names_of_any_bytes_are_kept(source: Path, store: SnapshotStore) -> None:
    names = [b"caf\xe9", b"new\nline", b" blank ", "ü€".encode(), b"quote'\""]
    for name in names:
        (source / os.fsdecode(name)).write_bytes(name)

    snapshot = _take(source, store)

    assert sorted(map(os.fsencode, _paths(snapshot))) == sorted(names)
    assert store.read_manifest(snapshot.snapshot_id) == snapshot


def test_unreadable_files_and_folders_are_named() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    # Permissions do not bind root; the imports come first, since the other user may not reach them.
    program = _TAKE.replace("# here", "os.setgroups([]); os.setgid(65534); os.setuid(65534)")
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        source = top / "my folder"
        (source / "locked").mkdir(parents=True)
        (source / "locked" / "a.txt").touch()
        (source / "secret.txt").touch()
        (source / "train.py").touch()
        (source / "link").symlink_to("secret.txt")
        (source / "locked").chmod(0)
        (source / "secret.txt").chmod(0)
        top.chmod(0o777)
        told = _run(program, top)

    kept, note = told.splitlines()
    assert kept.split()[1:] == ["locked", "train.py"]
    denied = os.strerror(errno.EACCES)
    assert re.findall(r"(\S+) \([^)]*?([^:)]*)\)", note) == [
        ("link", "a link to what is left out"),
        ("locked", f" {denied}"),
        ("secret.txt", f" {denied}"),
    ]


_TAKE = """
import os
from pathlib import Path
from mlrun_cli.snapshots.take import take_snapshot
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.content_store import SnapshotStore
# here
snapshot, notes = take_snapshot(Path('my folder'), SnapshotStore(Path('snapshots')), limits=SnapshotLimits())
print(snapshot.snapshot_id, *(entry.path for entry in snapshot.entries))
print(*notes)
"""


def _run(program: str, folder: Path) -> str:
    words = [sys.executable, "-c", program]
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_file_that_never_stands_still_is_kept_and_named(source: Path, store: SnapshotStore) -> None:
    path = source / "growing.log"
    path.write_bytes(bytes(3_000_000))

    def grow(_files: int, _size: int) -> None:
        with path.open("ab") as file:
            file.write(bytes(2_000_000))

    snapshot, notes = take_snapshot(source, store, limits=_LIMITS, progress=grow)

    (note,) = notes
    assert note.endswith(": growing.log.")
    (entry,) = snapshot.entries
    assert store.has_object(entry.digest, entry.size)


def test_a_file_that_changes_once_while_it_is_read_is_read_again(source: Path, store: SnapshotStore) -> None:
    path = source / "model.bin"
    path.write_bytes(b"0" * 3_000_000)

    def change(files: int, _size: int) -> None:
        if files == 0 and path.read_bytes()[:1] == b"0":
            path.write_bytes(b"1" * 3_000_000)

    snapshot, notes = take_snapshot(source, store, limits=_LIMITS, progress=change)

    assert notes == []
    assert Path(store.get_object_path(snapshot.entries[0].digest)).read_bytes() == path.read_bytes()


def test_files_that_come_and_go_do_not_stop_a_snapshot(source: Path, store: SnapshotStore) -> None:
    (source / "stays.txt").touch()
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            for number in range(20):
                (source / f"{number}.tmp").write_bytes(b"x")
            for number in range(20):
                (source / f"{number}.tmp").unlink()

    worker = threading.Thread(target=churn)
    worker.start()
    try:
        snapshots = [_take(source, store) for _ in range(20)]
    finally:
        stop.set()
        worker.join()

    assert all("stays.txt" in _paths(snapshot) for snapshot in snapshots)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose one file last changed so long ago that it is trusted."""
    path = tmp_path_factory.mktemp("settled") / "a.txt"
    path.write_bytes(b"12345")
    while time.time_ns() - path.stat().st_ctime_ns < 2_100_000_000:
        time.sleep(0.1)
    return path.parent


def test_a_second_snapshot_reads_no_file_again(settled: Path, store: SnapshotStore) -> None:
    first = _take(settled, store)
    # That a wrong content stays shows that the file was not looked into again.
    (stored,) = _objects(store)
    stored.write_bytes(b"54321")

    assert _take(settled, store) == first
    assert stored.read_bytes() == b"54321"


def test_an_object_that_has_vanished_is_put_back(settled: Path, store: SnapshotStore) -> None:
    first = _take(settled, store)
    (stored,) = _objects(store)
    stored.unlink()

    assert _take(settled, store) == first
    assert stored.read_bytes() == b"12345"


def test_a_change_that_leaves_size_and_time_is_seen(source: Path, store: SnapshotStore) -> None:
    _write_long_ago(source / "a.txt", b"12345")
    first = _take(source, store)
    _write_long_ago(source / "a.txt", b"54321")

    assert _take(source, store).snapshot_id != first.snapshot_id


def test_a_file_that_has_just_changed_is_not_trusted(source: Path, store: SnapshotStore, tmp_path: Path) -> None:
    (source / "a.txt").write_bytes(b"12345")
    _take(source, store)
    caches = [json.loads(path.read_bytes()) for path in (tmp_path / "snapshots" / "cache").glob("*.json")]

    assert caches in ([], [{}])


@pytest.mark.parametrize("damage", [b"", b"{", b'{"a.txt": 1}', b'{"a.txt": [1, 2]}', b'{"a.txt": []}'])
def test_a_damaged_cache_changes_nothing(settled: Path, store: SnapshotStore, tmp_path: Path, damage: bytes) -> None:
    first = _take(settled, store)
    (cache,) = (tmp_path / "snapshots" / "cache").glob("*.json")
    cache.write_bytes(damage)

    assert _take(settled, store) == first


def test_a_snapshot_clears_away_what_a_killed_one_has_left(source: Path, store: SnapshotStore, tmp_path: Path) -> None:
    _take(source, store)
    _write_long_ago(tmp_path / "snapshots" / "incoming" / "123-abc", b"half")
    _take(source, store)

    assert list((tmp_path / "snapshots" / "incoming").iterdir()) == []


def test_two_processes_at_once_are_fine(source: Path, tmp_path: Path) -> None:
    for number in range(50):
        (source / f"{number}.bin").write_bytes(os.urandom(2000) * (number % 5 * 300 + 1))
    words = [sys.executable, "-c", _TAKE]
    processes = [subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    told = [process.communicate()[0] for process in processes]

    assert [process.returncode for process in processes] == [0] * 4
    assert len(set(told)) == 1
    snapshot = SnapshotStore(tmp_path / "snapshots").read_manifest(told[0].split()[0])
    for entry in snapshot.entries:
        content = Path(SnapshotStore(tmp_path / "snapshots").get_object_path(entry.digest)).read_bytes()
        assert content == (source / entry.path).read_bytes()
    assert list((tmp_path / "snapshots" / "incoming").iterdir()) == []


def test_a_full_disk_is_an_error_in_words(source: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    for number in range(40):
        (source / f"{number:02}.bin").write_bytes(os.urandom(200_000))
    (tmp_path / "full").mkdir()
    program = (
        "import os; from pathlib import Path\n"
        "from mlrun_cli.snapshots.take import take_snapshot\n"
        "from mlrun_cli.snapshots.limits import SnapshotLimits\n"
        "from mlrun_cli.snapshots.content_store import SnapshotStore; from mlrun_cli.errors import StoreError\n"
        "try:\n"
        "    take_snapshot(Path('my folder'), SnapshotStore(Path('full')), limits=SnapshotLimits())\n"
        "except StoreError as error:\n"
        "    print(error.message, error.hint)\n"
        "files = [path for path in Path('full').rglob('*') if path.is_file()]\n"
        "assert {path.stat().st_size for path in files} == {200_000}, files\n"
        "assert list(Path('full/incoming').iterdir()) == []\n"
    )
    script = f'mount -t tmpfs -o size=4m tmpfs full && exec {shlex.quote(sys.executable)} -c "$0"'
    words = ["unshare", "-m", "sh", "-c", script, program]
    told = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    assert os.strerror(errno.ENOSPC) in told
    assert "MLRUN_HOME" in told


def test_a_store_that_cannot_be_written_is_an_error_in_words(source: Path, tmp_path: Path) -> None:
    (source / "a.txt").touch()
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=os.strerror(errno.ENOTDIR)):
        _take(source, SnapshotStore(tmp_path / "file" / "snapshots"))


@pytest.mark.parametrize(("name", "reason"), [("nowhere", "does not exist"), ("a.txt", "is not a folder")])
def test_a_source_that_is_no_folder_is_an_error(source: Path, store: SnapshotStore, name: str, reason: str) -> None:
    (source / "a.txt").touch()

    with pytest.raises(UsageError, match=reason):
        _take(source / name, store)


def test_progress_tells_files_and_bytes(source: Path, store: SnapshotStore) -> None:
    (source / "a.txt").write_bytes(b"12345")
    (source / "b.bin").write_bytes(bytes(2_500_000))
    told: list[tuple[int, int]] = []

    take_snapshot(source, store, limits=_LIMITS, progress=lambda files, size: told.append((files, size)))

    assert told == sorted(told)
    assert told[-1] == (2, 2_500_005)
    assert any(size % 2_500_000 > 5 for _, size in told), "a large file is told of while it is read"


def test_a_large_file_is_kept_whole(source: Path, store: SnapshotStore) -> None:
    content = os.urandom(1_048_576) + os.urandom(1_048_576) + b"end"
    (source / "model.bin").write_bytes(content)
    snapshot = _take(source, store)

    assert Path(store.get_object_path(snapshot.entries[0].digest)).read_bytes() == content
