"""What a folder over a limit is told."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from mlrun_cli.core.sizes import MEGABYTE
from mlrun_cli.errors import InvalidValue, UsageError
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.take import take_snapshot


def _make(top: Path, sizes: dict[str, int]) -> Path:
    """A folder with sparse files of these sizes."""
    for name, size in sizes.items():
        path = top / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.truncate(path, size)
    return top / "project"


def _refusal(source: Path, limits: SnapshotLimits) -> UsageError:
    store = source.parent / "snapshots"
    with pytest.raises(UsageError) as caught:
        take_snapshot(source, SnapshotStore(store), limits=limits)
    assert not store.exists()
    return caught.value


def _do_as_told(error: UsageError) -> None:
    assert error.hint is not None
    command = error.hint.removeprefix("To leave it out: ").partition("   (or set")[0]
    subprocess.run(["sh", "-c", command], check=True)


def test_the_largest_folders_are_named_and_the_hint_works(tmp_path: Path) -> None:
    source = _make(
        tmp_path,
        {
            "src/train.py": 1000,
            "src/data/raw/a.bin": 900 * MEGABYTE,
            "src/data/raw/b.bin": 600 * MEGABYTE,
            "models/best.pt": 90 * MEGABYTE,
            "models/last.pt": 8 * MEGABYTE,
        },
    )
    error = _refusal(source, SnapshotLimits(size=100 * MEGABYTE))

    assert f"'{source}'" in error.message
    assert re.findall(r"[\d.,]+ (?:GB|MB|files)", error.message.partition(" (")[0]) == [
        "1.6 GB",
        "5 files",
        "100 MB",
    ]
    assert re.findall(r"(\S+) \((.*?)\)", error.message) == [
        ("src/data/raw/a.bin", "900 MB"),
        ("src/data/raw/b.bin", "600 MB"),
        ("models/best.pt", "90.0 MB"),
    ]
    _do_as_told(error)
    snapshot, _ = take_snapshot(source, SnapshotStore(tmp_path / "snapshots"), limits=SnapshotLimits())
    assert [entry.path for entry in snapshot.entries if entry.size > 100] == [
        "models/best.pt",
        "models/last.pt",
        "src/train.py",
    ]


def test_a_folder_of_many_small_files_is_named_as_a_whole(tmp_path: Path) -> None:
    source = _make(tmp_path, {f"images/{number % 7}/{number}.png": 10 for number in range(300)} | {"a.py": 5})
    error = _refusal(source, SnapshotLimits(files=100))

    assert "Largest: images/ (2.9 KB in 300 files)." in error.message
    assert error.hint is not None
    assert "printf '%s\\n' /images/ >> " in error.hint


def test_a_virtual_environment_is_named_as_a_whole(tmp_path: Path) -> None:
    inside = {"pyvenv.cfg": 9} | {f"lib/python3/site-packages/{number}.py": 10 for number in range(30)}
    both = {f"{folder}/{name}": size for folder in (".venv", "env") for name, size in inside.items()}
    error = _refusal(_make(tmp_path, both | {"train.py": 1}), SnapshotLimits(files=20))

    assert "Largest: .venv/ (309 bytes in 31 files), env/ (309 bytes in 31 files), train.py" in error.message


@pytest.mark.parametrize("name", ["we ird*[x]?\\", "#'quote\"", "!", "trailing ", "new\nline", "caf\udce9", "ü"])
def test_the_hint_works_for_any_name(tmp_path: Path, name: str) -> None:
    source = _make(tmp_path, {f"{name}/{number}": 1 for number in range(9)} | {"train.py": 1})
    _do_as_told(_refusal(source, SnapshotLimits(files=5)))
    snapshot, _ = take_snapshot(source, SnapshotStore(tmp_path / "snapshots"), limits=SnapshotLimits())

    assert [entry.path for entry in snapshot.entries] == [".amlignore", "train.py"]


def test_the_hint_works_for_a_file_with_a_blank_at_its_end(tmp_path: Path) -> None:
    source = _make(tmp_path, {"model ": 2 * MEGABYTE, "train.py": 1})
    _do_as_told(_refusal(source, SnapshotLimits(size=MEGABYTE)))
    snapshot, _ = take_snapshot(source, SnapshotStore(tmp_path / "snapshots"), limits=SnapshotLimits())

    assert [entry.path for entry in snapshot.entries] == [".amlignore", "train.py"]


def test_the_hint_keeps_what_gitignore_has_ruled_so_far(tmp_path: Path) -> None:
    source = _make(tmp_path, {"logs/a": 1, "logs/b": 1, "data/a": 1, "data/b": 1, "train.py": 1})
    (source / ".gitignore").write_text("/logs/\n", encoding="utf-8")
    _do_as_told(_refusal(source, SnapshotLimits(files=3)))
    snapshot, _ = take_snapshot(source, SnapshotStore(tmp_path / "snapshots"), limits=SnapshotLimits())

    assert [entry.path for entry in snapshot.entries] == [".amlignore", ".gitignore", "train.py"]


@pytest.mark.parametrize("name", [".amlignore", ".gitignore"])
def test_the_hint_works_where_the_ignore_file_lacks_its_last_newline(tmp_path: Path, name: str) -> None:
    source = _make(tmp_path, {"logs/a": 1, "data/a": 1, "data/b": 1, "data/c": 1, "train.py": 1})
    (source / name).write_text("/logs/", encoding="utf-8")
    _do_as_told(_refusal(source, SnapshotLimits(files=3)))

    assert (source / ".amlignore").read_text(encoding="utf-8") == "/logs/\n/data/\n"


def test_an_endless_tree_is_given_up(tmp_path: Path) -> None:
    source = _make(tmp_path, {"00/0": 1})
    for folder in range(1, 24):
        (source / f"{folder:02}").mkdir()
        for number in range(1000):
            os.link(source / "00" / "0", source / f"{folder:02}" / str(number))
    error = _refusal(source, SnapshotLimits(files=10))

    assert re.search(r" 19\.5 KB .* 20,0\d\d files", error.message)


def test_sizes_that_look_alike_are_given_in_bytes(tmp_path: Path) -> None:
    error = _refusal(_make(tmp_path, {"a.bin": 100 * MEGABYTE + 1}), SnapshotLimits(size=100 * MEGABYTE))
    assert "104,857,601 bytes in 1 file, where 104,857,600 bytes are allowed" in error.message


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "1e3", "٣", "99999999999999999999"])
@pytest.mark.parametrize("name", ["MLRUN_SNAPSHOT_MAX_MB", "MLRUN_SNAPSHOT_MAX_FILES"])
def test_a_limit_that_is_no_whole_number_is_an_error(name: str, text: str) -> None:
    with pytest.raises(InvalidValue, match=f"{name}: '{text}'"):
        SnapshotLimits.from_environment({name: text})


def test_limits_come_from_the_environment() -> None:
    environ = {"MLRUN_SNAPSHOT_MAX_MB": "2", "MLRUN_SNAPSHOT_MAX_FILES": " 30 "}

    assert SnapshotLimits.from_environment(environ) == SnapshotLimits(2 * MEGABYTE, 30)
    assert SnapshotLimits.from_environment({"MLRUN_SNAPSHOT_MAX_MB": ""}) == SnapshotLimits()
