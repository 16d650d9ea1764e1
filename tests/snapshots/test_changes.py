"""Patches between snapshots, applied by the real `patch`."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from mlrun_cli.core.unified_diff import UnifiedDiff, build_diff
from mlrun_cli.errors import FileAlreadyExists, FileNotWritable
from mlrun_cli.snapshots.changes import ChangeKind, build_patch, list_changes, list_paths_with_changed_type
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.export import export_snapshot
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.snapshot import Snapshot
from mlrun_cli.snapshots.take import take_snapshot

Tree = dict[str, bytes]

SAME: Tree = {"same.py": b"same\n", "sub/same.txt": b"x" * 1000}
BEFORE: Tree = {
    "train.py": b"".join(b"line %d\n" % number for number in range(100)),
    "my folder/a file.txt": b"one\ntwo\n",
    'quo"te\\.txt': b"1\n",
    "caf\u00e9.txt": b"un\n",
    "tab\there.txt": b"1\n2\n",
    "crlf.txt": b"a\r\nb\r\nc\r\n",
    "cr.txt": b"a\rb\nc\n",
    "no newline.txt": b"one\ntwo",
    "gets newline.txt": b"one",
    "gone.txt": b"gone\n",
    "deep/er/gone.txt": b"gone",
    "dashes.txt": b"-- a\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n",
    "run.sh": b"#!/bin/sh\n",
    "filled.txt": b"",
}
AFTER: Tree = {
    "train.py": BEFORE["train.py"].replace(b"line 3\n", b"").replace(b"line 50\n", b"line fifty\n") + b"end\n",
    "my folder/a file.txt": b"one\n2\n",
    'quo"te\\.txt': b"2\n",
    "caf\u00e9.txt": b"deux\n",
    "tab\there.txt": b"1\n",
    "crlf.txt": b"a\r\nB\r\nc\r\n",
    "cr.txt": b"a\rb\nC\n",
    "no newline.txt": b"one\nthree",
    "gets newline.txt": b"one\n",
    "dashes.txt": b"-- b\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n",
    "run.sh": b"#!/bin/sh\n",
    "filled.txt": b"full\n",
    "new.txt": b"new\n",
    "deep/new/er.txt": b"no end",
    "empty.txt": b"",
}


def take(folder: Path, store: SnapshotStore, tree: Tree, *, executable: str = "", link: str = "") -> Snapshot:
    for name, content in (SAME | tree).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if executable:
        (folder / executable).chmod(0o755)
    if link:
        (folder / "link").symlink_to(link)
    return take_snapshot(folder, store, limits=SnapshotLimits())[0]


def read(folder: Path) -> dict[str, tuple[bytes | str, bool]]:
    return {
        str(path.relative_to(folder)): (str(path.readlink()), False)
        if path.is_symlink()
        else (path.read_bytes(), os.access(path, os.X_OK))
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def apply(patch: bytes, folder: Path, *command: str) -> None:
    command = command or ("patch", "-p1", "--batch")
    done = subprocess.run(command, cwd=folder, input=patch, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "store")


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")
def test_patch_makes_one_snapshot_of_another_and_ignores_binary_files(tmp_path: Path, store: SnapshotStore) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    before = take(first, store, BEFORE, executable="run.sh", link="train.py")
    after = take(second, store, AFTER, executable="empty.txt", link="new.txt")
    changes = list_changes(before, after)
    assert {change.path for change in changes} == (BEFORE.keys() | AFTER.keys() | {"link"}) - SAME.keys()
    assert [change.kind for change in changes if change.path == "run.sh"] == [ChangeKind.MODIFIED]
    patches = [build_patch(change, store) for change in changes]
    apply(b"".join(patch.text for patch in patches), first)
    assert read(first) == read(second)

    other = take(tmp_path / "third", store, {"binary": b"\0\1"})
    (removed,), (added,) = (
        [build_patch(change, store) for change in list_changes(*pair) if change.path == "binary"]
        for pair in ((other, after), (after, other))
    )
    assert removed.is_binary and removed.header == b"Binary files a/binary and /dev/null differ\n"
    assert added.is_binary and added.header == b"Binary files /dev/null and b/binary differ\n"
    apply(removed.text + patches[-1].text, tmp_path / "first")


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")
def test_patch_and_git_add_and_remove_empty_files_forwards_and_backwards(tmp_path: Path, store: SnapshotStore) -> None:
    folder = tmp_path / "a"
    before = take(folder, store, {"gone.txt": b"", "deep/er/gone.txt": b"", "my file": b""})
    after = take(tmp_path / "b", store, {"new.txt": b"", "run.sh": b""}, executable="run.sh")
    patch = b"".join(build_patch(change, store).text for change in list_changes(before, after))
    old, new = read(folder), read(tmp_path / "b")
    for command in (("patch", "-p1", "--batch"), ("git", "apply")):
        apply(patch, folder, *command)
        assert read(folder) == new
        apply(patch, folder, *command, "--reverse")
        assert read(folder) == old


def test_files_that_become_folders_are_told(tmp_path: Path, store: SnapshotStore) -> None:
    before = take(tmp_path / "a", store, {"model": b"1\n", "data/x.py": b"1\n", "deep/er/x": b"1\n", "same-x": b"1\n"})
    after = take(tmp_path / "b", store, {"model/a.py": b"1\n", "data": b"1\n", "deep/er/y/z": b"1\n", "same": b"1\n"})
    assert list_paths_with_changed_type(list_changes(before, after)) == ["data", "model"]
    assert list_paths_with_changed_type(list_changes(before, before)) == []


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")
def test_hunks_of_any_texts_are_those_that_patch_reads(tmp_path: Path, store: SnapshotStore) -> None:
    chance = random.Random(14)

    def write_text() -> bytes:
        lines = [chance.choice((b"a", b"b", b"", b"c\r", b"- d")) + b"\n" for _ in range(chance.randrange(30))]
        return b"".join(lines) + chance.choice((b"", b"", b"end"))

    before = {f"{number:03}.txt": b"0\n" + write_text() for number in range(200)}
    after = {name: b"0\n" + write_text() for name in before}
    changes = list_changes(take(tmp_path / "a", store, before), take(tmp_path / "b", store, after))
    patches = [build_patch(change, store) for change in changes]
    apply(b"".join(patch.text for patch in patches), tmp_path / "a")
    assert read(tmp_path / "a") == read(tmp_path / "b")
    assert build_diff(b"a\n", b"a\n") == UnifiedDiff()


def test_an_export_has_modes_and_times_and_replaces_nothing_unasked(tmp_path: Path, store: SnapshotStore) -> None:
    source = tmp_path / "source"
    snapshot = take(source, store, {**BEFORE, "x": b""}, executable="run.sh", link="train.py")
    out = tmp_path / "new" / "out"
    export_snapshot(snapshot, store, out, overwrite=False)
    assert read(out) == read(source)
    assert (out / "train.py").stat().st_mtime_ns == (source / "train.py").stat().st_mtime_ns
    assert os.listdir(out.parent) == ["out"]

    with pytest.raises(FileAlreadyExists):
        export_snapshot(snapshot, store, out, overwrite=False)
    (out / "train.py").write_text("mine")
    (out / "mine").write_text("mine")
    export_snapshot(snapshot, store, out, overwrite=True)
    assert read(out) == {**read(source), "mine": (b"mine", False)}

    empty = tmp_path / "empty"
    empty.mkdir()
    export_snapshot(snapshot, store, empty, overwrite=False)
    assert read(empty) == read(source)
    shutil.rmtree(empty / "sub")
    (empty / "sub").symlink_to(tmp_path / "new")
    with pytest.raises(FileNotWritable):
        export_snapshot(snapshot, store, empty, overwrite=True)
    assert os.listdir(tmp_path / "new") == ["out"]
