"""Copies of the files that a run needs, from the mirror to the remote machine, with the paths converted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_files import read_json
from mlrun_cli.runs.shared_folder import LINK, SharedFolder, SharedRunFolder
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import EntryKind
from mlrun_cli.targets.remote.settings import RemoteSettings
from mlrun_cli.targets.remote.ssh import Ssh

_COPIED = frozenset({"inputs", "resumed"})
"""The folders of a run's folder with files of any size, which rsync copies."""
_COPY_OPTIONS = ("--recursive", "--links", "--times", "--perms", "--chmod=u+rwX,go-rwx")


class PathTranslation:
    """The replacement of the paths below one folder with the paths below another folder."""

    def __init__(self, old_folder: str | os.PathLike[str], new_folder: str | os.PathLike[str]) -> None:
        self._before = os.fspath(old_folder)
        self._after = os.fspath(new_folder)

    def translate(self, text: str) -> str:
        """Return text with the paths of one machine replaced with those of the other machine."""
        return text.replace(self._before, self._after)

    def translate_json(self, line: str) -> str:
        """Return a line of JSON with the paths in its strings translated; a line that is not JSON is unchanged."""
        try:
            document = json.loads(line)
        except ValueError:
            return line
        return json.dumps(self._translate_value(document))

    def _translate_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.translate(value)
        if isinstance(value, dict):
            return {self.translate(key): self._translate_value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._translate_value(item) for item in value]
        return value


def push_program(ssh: Ssh, settings: RemoteSettings, mirror: SharedFolder, program: Path) -> None:
    """Copy this package from the mirror to the remote machine.

    Raises:
        MlrunError: there is no connection, or rsync failed; the message is what it said.
    """
    _push_files(ssh, settings, mirror, [os.path.relpath(program, mirror.path)])


def push_run(ssh: Ssh, settings: RemoteSettings, mirror: SharedFolder, run: SharedRunFolder) -> None:
    """Copy a run's snapshot and data, this package and the SDK to the remote machine, unless already there.

    Raises:
        MlrunError: there is no connection, or rsync failed; the message is what it said.
        OSError: a file of the run cannot be read.
        StoreError: the manifest of the snapshot cannot be read.
    """
    submission = read_json(run.submission) or {}
    names = [
        os.path.relpath(run.read_program_path(), mirror.path),
        os.path.relpath(submission["sdk_folder"], mirror.path),
        *_list_snapshot_files(mirror, submission["snapshot_id"]),
    ]
    names += [os.path.relpath(folder, mirror.path) for folder in (run.inputs, run.resumed) if folder.is_dir()]
    _push_files(ssh, settings, mirror, names)


def read_run_files(run: SharedRunFolder, translation: PathTranslation) -> tuple[list[tuple[str, int | None]], bytes]:
    """Return the paths, sizes and contents of a new run's files, with paths in them converted to the remote machine's.

    Returns:
        The relative path and size of each, folders without a size before what is in them, and the contents joined.

    Raises:
        OSError: one cannot be read.
    """
    names: list[tuple[str, int | None]] = []
    contents = bytearray()
    for path in _walk_files(run.path):
        name = os.path.relpath(path, run.path)
        if path.is_dir():
            names.append((name, None))
            continue
        data = _translate_file(path, translation)
        names.append((name, len(data)))
        contents += data
    return names, bytes(contents)


def _walk_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name in {*_COPIED, LINK, "reserve"}:
            continue
        yield path
        if path.is_dir():
            yield from _walk_files(path)


def _translate_file(path: Path, translation: PathTranslation) -> bytes:
    data = path.read_bytes()
    if path.suffix not in {".json", ".jsonl"}:
        return data
    lines = data.decode("utf-8", "surrogateescape").splitlines()
    return "".join(f"{translation.translate_json(line)}\n" for line in lines if line).encode()


def _list_snapshot_files(mirror: SharedFolder, snapshot_id: str) -> list[str]:
    """Return the paths of a snapshot's contents and manifest, relative to the mirror."""
    store = SnapshotStore(mirror.snapshots)
    entries = store.read_manifest(snapshot_id).entries
    digests = dict.fromkeys(entry.digest for entry in entries if entry.kind is EntryKind.FILE)
    paths = [*map(store.get_object_path, digests), store.get_manifest_path(snapshot_id)]
    return [os.path.relpath(path, mirror.path) for path in paths]


def _push_files(ssh: Ssh, settings: RemoteSettings, mirror: SharedFolder, names: Sequence[str]) -> None:
    ssh.copy([*_COPY_OPTIONS, f"{mirror.path}/", ssh.build_location(f"{settings.folder}/")], names)
