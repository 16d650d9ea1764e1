"""The folder in which a script runs: a copy of the snapshot, from which unchanged files are removed after the run.

Whatever the script does to the folder, nothing outside of it is changed: folders are opened component by component from
the top, without following links.
"""

# Ten thousand paths as text take a tenth of the time that they take as Path, and Path knows no dir_fd.

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from mlrun_cli.core.disk_space import describe_write_remedy
from mlrun_cli.core.temporary import is_temporary
from mlrun_cli.errors import StoreError
from mlrun_cli.snapshots.content_store import SnapshotStore, build_lost_content_error
from mlrun_cli.snapshots.snapshot import EntryKind, Snapshot, SnapshotEntry
from mlrun_cli.wire import copying
from mlrun_cli.wire.run_folder import OUTPUTS

SCRIPT_FOLDERS = (OUTPUTS, "logs", "logs/azureml")
"""What exists when a script starts, each behind the folder that it is in."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_OPEN = 64
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def create_working_copy(snapshot: Snapshot, store: SnapshotStore, destination: Path) -> None:
    """Copy a snapshot to `destination`, which must be new or empty.

    Files are writable and retain their executable bit and modification time, by which `remove_unchanged_files` and
    `list_written_files` recognize unchanged files. Blocks are shared with the store if the file system supports that.

    Raises:
        StoreError: the store has lost a file, or the copy cannot be written.
    """
    try:
        destination.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _open_top_folder(destination) as top:
            # Links last: with none there, no path leads through one.
            for entry in sorted(snapshot.entries, key=lambda entry: entry.kind is EntryKind.LINK):
                _create_entry(entry, store, top)
    except OSError as error:
        raise _build_creation_error(destination, error) from error


def _build_creation_error(destination: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The working copy '{destination}' cannot be made: {error.strerror}.",
        hint=f"{describe_write_remedy(error)} Then submit the run again.",
    )


def create_script_folders(destination: Path) -> tuple[str, ...]:
    """Create the folders that Azure adds to a working copy; return a warning for each failure.

    Raises:
        StoreError: the disk is full.
    """
    warnings = []
    for name in SCRIPT_FOLDERS:
        try:
            (destination / name).mkdir()
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise _build_creation_error(destination, error) from error
            if error.errno == errno.EEXIST and not (destination / name).is_dir():
                warnings.append(
                    f"The source folder has a file at '{name}', where a script finds a folder in Azure: nothing can be "
                    "written below it. Rename the file, or leave it out by .amlignore."
                )
    return tuple(warnings)


def create_data_links(destination: Path, links: Mapping[str, str]) -> tuple[str, ...]:
    """Create links to data at the given paths in a working copy; return a warning for each failure.

    Where the copy has a folder already, what is in the folder with the data is linked into it.
    """
    warnings = []
    for path, target in links.items():
        place = destination / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.parent.resolve().is_relative_to(destination.resolve()):
                raise FileExistsError
            if not place.is_symlink() and place.is_dir():
                for name in os.listdir(target):
                    with suppress(FileExistsError):
                        (place / name).symlink_to(Path(target, name))
            else:
                place.symlink_to(target)
        except OSError:
            warnings.append(
                f"The source folder has something else at '{path}', where a script finds data in Azure: they are at "
                f"{target}. Rename it, or leave it out by .amlignore."
            )
    return tuple(warnings)


def list_data_links(destination: Path, links: Mapping[str, str]) -> list[str]:
    """Return the paths of the links created by `create_data_links` that still exist in a working folder."""
    made = []
    for path, target in links.items():
        expected = {path: target}
        with suppress(OSError):
            if not (destination / path).is_symlink():
                expected = {f"{path}/{name}": os.path.join(target, name) for name in os.listdir(destination / path)}
        for name, end in expected.items():
            with suppress(OSError):
                if os.readlink(destination / name) == end:
                    made.append(name)
    return made


def remove_data_links(destination: Path, links: Mapping[str, str]) -> None:
    """Remove the links created by `create_data_links`, and folders that become empty."""
    for path in list_data_links(destination, links):
        with suppress(OSError):
            (destination / path).unlink()
            for folder in (destination / path).relative_to(destination).parents[:-1]:
                (destination / folder).rmdir()


def remove_empty_script_folders(destination: Path) -> None:
    """Remove those folders created by `create_script_folders` that are still empty after the script has ended."""
    for name in reversed(SCRIPT_FOLDERS):
        with suppress(OSError):
            (destination / name).rmdir()


def remove_unchanged_files(snapshot: Snapshot, destination: Path) -> None:
    """Remove files that are unchanged since `create_working_copy`, and folders that become empty.

    Files that cannot be removed are kept. May be called again, even after an interrupted call.
    """
    entries: dict[str, list[SnapshotEntry]] = {}
    for entry in snapshot.entries:
        entries.setdefault(entry.path.rpartition("/")[0], []).append(entry)
    with suppress(OSError), _open_top_folder(destination) as top, closing(_FolderStack(top)) as way:
        for folder in sorted(entries, reverse=True):  # what is in a folder before the folder
            with suppress(OSError):
                descriptor = way.open(folder)
                for entry in entries[folder]:
                    _remove_if_unchanged(entry, descriptor)


def list_written_files(snapshot: Snapshot | None, destination: Path) -> list[str]:
    """Return the sorted relative paths of the files that a script has added to its working folder or changed in it.

    Links to files inside of `destination` are included. If `destination` does not exist, the list is empty.
    """
    made = {} if snapshot is None else {entry.path: entry for entry in snapshot.entries}
    written = []
    for path, there, folder in _walk_files(destination):
        try:
            found = there.stat(follow_symlinks=False)
        except OSError:
            continue
        entry = made.get(path)
        if is_temporary(os.path.basename(path)) or (entry is not None and _is_unchanged(entry, found, folder)):
            continue
        if stat.S_ISREG(found.st_mode) or (stat.S_ISLNK(found.st_mode) and _leads_to_file(destination, path)):
            written.append(path)
    return sorted(written)


def list_escaping_links(destination: Path) -> list[str]:
    """Return the sorted paths of links, created by the script, that lead out of `destination`.

    Folders that cannot be read are skipped.
    """
    found = []
    with suppress(OSError):
        for path, there, _ in _walk_files(destination):
            if there.is_symlink() and _resolve_inner_target(destination, path) is None:
                found.append(path)
    return sorted(found)


def _create_entry(entry: SnapshotEntry, store: SnapshotStore, top_descriptor: int) -> None:
    if entry.kind is EntryKind.DIRECTORY:
        os.mkdir(entry.path, dir_fd=top_descriptor)
    elif entry.kind is EntryKind.LINK:
        os.symlink(entry.target, entry.path, dir_fd=top_descriptor)
    else:
        _create_file(entry, store, top_descriptor)


def _create_file(entry: SnapshotEntry, store: SnapshotStore, top_descriptor: int) -> None:
    try:
        source = store.open_object(entry.digest)
    except FileNotFoundError as error:
        raise build_lost_content_error(entry) from error
    try:
        file = os.open(entry.path, _NEW_FILE, 0o777 if entry.executable else 0o666, dir_fd=top_descriptor)
        try:
            if copying.copy(source, file, entry.size) != entry.size:
                raise build_lost_content_error(entry)
            os.utime(file, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(file)
    finally:
        os.close(source)


def _remove_if_unchanged(entry: SnapshotEntry, folder_fd: int) -> None:
    name = entry.path.rpartition("/")[2]
    with suppress(OSError):
        if entry.kind is EntryKind.DIRECTORY:
            os.rmdir(name, dir_fd=folder_fd)
        elif _is_unchanged(entry, os.stat(name, dir_fd=folder_fd, follow_symlinks=False), folder_fd):
            os.unlink(name, dir_fd=folder_fd)


def _is_unchanged(entry: SnapshotEntry, file_stat: os.stat_result, folder_fd: int) -> bool:
    """Return whether a file or link in an open folder is unchanged since it was created from a snapshot entry."""
    if entry.kind is EntryKind.FILE:
        is_same = file_stat.st_size == entry.size and file_stat.st_mtime_ns == entry.mtime_ns
        return is_same and stat.S_ISREG(file_stat.st_mode)
    if entry.kind is EntryKind.LINK and stat.S_ISLNK(file_stat.st_mode):
        with suppress(OSError):
            return os.readlink(entry.path.rpartition("/")[2], dir_fd=folder_fd) == entry.target
    return False


def _walk_files(destination: Path) -> Iterator[tuple[str, os.DirEntry[str], int]]:
    """Yield the path, directory entry and parent folder's descriptor of each entry except folders.

    The parent folder is closed at the next step. A running script may remove or replace anything in the meantime;
    removed entries are skipped.
    """
    with (
        suppress(FileNotFoundError, NotADirectoryError),
        _open_top_folder(destination) as top,
        closing(_FolderStack(top)) as way,
    ):
        to_visit = [""]
        while to_visit:
            folder = to_visit.pop()
            with suppress(OSError):
                descriptor = way.open(folder)
                with os.scandir(descriptor) as entries:
                    for entry in entries:
                        path = f"{folder}/{entry.name}" if folder else entry.name
                        if entry.is_dir(follow_symlinks=False):
                            to_visit.append(path)
                            continue
                        yield path, entry, descriptor


class _FolderStack:
    """A cache of open folders: the last visited folder and its ancestors, which usually contain the next one.

    Opening every folder from the top would take time quadratic in the depth of a chain of folders.
    """

    def __init__(self, top: int) -> None:
        self._top = top
        self._open: list[tuple[str, int]] = []

    def open(self, folder: str) -> int:
        """Open the folder at this path below the top and return its descriptor, without following links."""
        while self._open and not folder.startswith(f"{self._open[-1][0]}/"):
            os.close(self._open.pop()[1])
        path, descriptor = self._open[-1] if self._open else ("", self._top)
        for part in folder[len(path) :].strip("/").split("/") if folder else ():
            path = f"{path}/{part}" if path else part
            descriptor = os.open(part, _FOLDER, dir_fd=descriptor)
            self._open.append((path, descriptor))
            if len(self._open) > _MAX_OPEN:
                os.close(self._open.pop(0)[1])
        return descriptor

    def close(self) -> None:
        """Close all folders except the top."""
        for _, descriptor in self._open:
            os.close(descriptor)


def _leads_to_file(destination: Path, path: str) -> bool:
    target = _resolve_inner_target(destination, path)
    return target is not None and os.path.isfile(target)


def _resolve_inner_target(destination: Path, path: str) -> str | None:
    """Return the final target of a link, which need not exist, or None if it is outside `destination` or unknown."""
    try:
        top = os.path.realpath(destination)
        target = os.path.realpath(os.path.join(top, path))
    except OSError:
        return None
    return target if os.path.join(target, "").startswith(os.path.join(top, "")) else None


@contextmanager
def _open_top_folder(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
