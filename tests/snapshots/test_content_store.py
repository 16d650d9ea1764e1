"""The folder that holds contents and manifests of snapshots."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlrun_cli.errors import StoredFilesLost
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import EntryKind, Snapshot, SnapshotEntry

_SNAPSHOT = Snapshot(
    "0f0e0d0c-0b0a-8908-8706-050403020100",
    (
        SnapshotEntry("a", EntryKind.DIRECTORY),
        SnapshotEntry("a/caf\udce9\n", EntryKind.FILE, "ab" * 32, 7, True, 1_700_000_000_123_456_789),
        SnapshotEntry("link", EntryKind.LINK, target="a"),
    ),
    7,
)


def _put(store: SnapshotStore, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    with store.create_incoming_file() as incoming:
        incoming.write(content)
        incoming.move_to(store.get_object_path(digest))
    return digest


def test_a_content_comes_back_as_it_was_put(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "snapshots")
    digest = _put(store, b"content")

    with os.fdopen(store.open_object(digest), "rb") as file:
        assert file.read() == b"content"
    assert store.has_object(digest, 7)
    assert not store.has_object("0" * 64, 7)


def test_an_object_cut_short_counts_as_missing(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    digest = _put(store, b"content")
    os.truncate(store.get_object_path(digest), 3)

    assert not store.has_object(digest, 7)


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.write_manifest(_SNAPSHOT)

    assert store.read_manifest(_SNAPSHOT.snapshot_id) == _SNAPSHOT


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b'{"entries": [1]}', b"null"])
def test_a_damaged_manifest_is_an_error_in_words(tmp_path: Path, content: bytes) -> None:
    store = SnapshotStore(tmp_path)
    store.write_manifest(_SNAPSHOT)
    (tmp_path / "manifests" / f"{_SNAPSHOT.snapshot_id}.json").write_bytes(content)

    assert store.find_manifest(_SNAPSHOT.snapshot_id) is None
    with pytest.raises(StoredFilesLost):
        store.read_manifest(_SNAPSHOT.snapshot_id)


@pytest.mark.parametrize("path", ["../evil", "/etc/passwd", "a/../../evil"])
def test_a_manifest_with_a_path_that_leads_out_is_damaged(tmp_path: Path, path: str) -> None:
    store = SnapshotStore(tmp_path)
    store.write_manifest(Snapshot(_SNAPSHOT.snapshot_id, (SnapshotEntry(path, EntryKind.DIRECTORY),), 0))

    assert store.find_manifest(_SNAPSHOT.snapshot_id) is None


def test_all_belongs_to_its_user_alone(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "snapshots")
    before = os.umask(0)
    try:
        _put(store, b"content")
        store.write_manifest(_SNAPSHOT)
        store.write_cache("key", {"a": [1]})
    finally:
        os.umask(before)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "snapshots").rglob("*")}
    assert modes == {0o700, 0o600}


def test_what_is_not_moved_to_its_place_leaves_nothing(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    with pytest.raises(ZeroDivisionError), store.create_incoming_file() as incoming:
        incoming.write(b"half")
        raise ZeroDivisionError

    assert list((tmp_path / "incoming").iterdir()) == []


def test_a_file_size_limit_leaves_no_partial_object(tmp_path: Path) -> None:
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from mlrun_cli.snapshots.content_store import SnapshotStore; from mlrun_cli.errors import StoreError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"store = SnapshotStore(Path({str(tmp_path)!r}))\n"
        "try:\n"
        "    with store.create_incoming_file() as incoming:\n"
        "        incoming.write(bytes(2000))\n"
        "except StoreError as error:\n"
        "    print(error.message)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert os.strerror(errno.EFBIG) in told
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("content", [b"", b"[1, 2]", b"{", b"\xff\xfe"])
def test_a_damaged_cache_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    store = SnapshotStore(tmp_path)
    store.write_cache("key", {"a": [1]})
    assert store.read_cache("key") == {"a": [1]}
    (tmp_path / "cache" / "key.json").write_bytes(content)

    assert store.read_cache("key") == {}


def test_only_what_was_abandoned_a_day_ago_is_removed(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    _put(store, b"content")
    old, young = tmp_path / "incoming" / "1-old", tmp_path / "incoming" / "2-young"
    old.touch()
    young.touch()
    os.utime(old, (time.time() - 90_000, time.time() - 90_000))
    store.remove_abandoned_incoming_files()

    assert not old.exists()
    assert young.exists()


def test_the_supervisors_half_brings_no_hashing_and_no_subprocess() -> None:
    program = (
        "import sys, mlrun_cli.snapshots.working_copy, mlrun_cli.snapshots.content_store\n"
        "heavy = {'hashlib', 'subprocess', 'asyncio', 'pathspec', 'shutil', 'uuid', 'tempfile'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", program], check=True)
