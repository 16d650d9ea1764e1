"""The files of registered models; `models/<name>/<version>/` contains the registered file or folder.

New files are written to a folder beside and moved into place when they are complete and on the disk. After that they
are never changed: callers receive the paths of the files themselves, which are readable but not writable.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mlrun_cli.core.disk_space import describe_write_remedy
from mlrun_cli.core.json_files import sync_to_disk
from mlrun_cli.core.similar_files import describe_similar_file
from mlrun_cli.core.temporary import make_temporary_name, open_fd_atomically, remove_abandoned_files
from mlrun_cli.errors import (
    FileAlreadyExists,
    FileNotWritable,
    InvalidPath,
    MissingFile,
    MlrunError,
    StoredFilesLost,
    StoreError,
)
from mlrun_cli.wire import copying

_INCOMING = ".incoming"  # no name of a model begins with a dot
_ABANDONED_AFTER_SECONDS = 24 * 3600


class ModelFolder:
    """The folder of a workspace's models, and the paths of the files in it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get_content_path(self, name: str, version: int) -> Path:
        """Return the path of a model's registered file or folder.

        Raises:
            StoreError: it no longer exists.
        """
        folder = self._get_version_folder(name, version)
        try:
            return next(folder.iterdir())
        except (OSError, StopIteration) as error:
            raise StoredFilesLost(
                f"The files of model '{name}:{version}' are gone from '{folder}'.",
                hint="Register the model again.",
                target=f"{name}:{version}",
            ) from error

    @contextmanager
    def create_incoming_folder(self) -> Iterator[Path]:
        """Create and yield a folder for a new model's files; after the block, remove it unless it was moved into place.

        Raises:
            StoreError: it cannot be created or written, for example because the disk is full.
        """
        top = self._path / _INCOMING
        folder = top / make_temporary_name()
        with _convert_os_errors(self._path):
            for made in (self._path, top, folder):
                with suppress(FileExistsError):
                    made.mkdir(mode=0o700)
            _remove_abandoned_files(top)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def seal(self, folder: Path) -> None:
        """Flush all files in a folder to disk and make them read-only.

        Raises:
            StoreError: a file cannot be flushed or changed.
        """
        with _convert_os_errors(self._path):
            for inside, _, names in os.walk(folder):
                os.chmod(inside, 0o700)
                for name in names:
                    path = Path(inside, name)
                    path.chmod(path.stat().st_mode & 0o500)
                    sync_to_disk(path)
                sync_to_disk(Path(inside))

    def move_into_place(self, folder: Path, name: str, version: int) -> None:
        """Move a sealed folder that contains one file or folder to its final place.

        Existing files there are replaced: they belong to an interrupted registration.

        Raises:
            StoreError: it cannot be moved.
        """
        place = self._get_version_folder(name, version)
        with _convert_os_errors(self._path):
            place.parent.mkdir(mode=0o700, exist_ok=True)
            if place.exists():
                shutil.rmtree(place)
            folder.rename(place)
            for above in (place.parent, self._path):
                sync_to_disk(above)

    def remove(self, name: str, version: int) -> None:
        """Remove the files of a model, hiding them immediately; files that cannot be removed are left."""
        with suppress(MlrunError, OSError), self.create_incoming_folder() as folder:
            self._get_version_folder(name, version).rename(folder / "removed")
        with suppress(OSError):
            (self._path / name).rmdir()

    def _get_version_folder(self, name: str, version: int) -> Path:
        return self._path / name / str(version)


def list_model_files(path: Path, child_paths: Sequence[str] | None) -> dict[str, Path]:
    """Return a model's files to register, keyed by their paths relative to the parent of the model's file or folder.

    Args:
        path: a file or a folder.
        child_paths: the files and folders below `path` to include; None means all.

    Raises:
        UsageError: a path does not exist, contains no files, or contains something that cannot be copied.
    """
    top = Path(os.path.abspath(path))
    chosen = [top] if child_paths is None else [Path(os.path.normpath(top / child)) for child in child_paths]
    found: dict[str, Path] = {}
    for start in chosen:
        if not start.is_relative_to(top):
            raise InvalidPath(
                f"'{start}' is not below '{top}'.", hint="Name paths in child_paths that are below it.", target=start
            )
        for file in _walk_files(start):
            found[os.fspath(file.relative_to(top.parent))] = file
    if not found:
        raise MissingFile(
            f"There is no file in '{top}'.", hint="Register a file, or a folder that holds some.", target=top
        )
    return found


def copy_files_to_folder(sources_by_path: Mapping[str, Path], folder: Path) -> None:
    """Copy source files into a folder, each to the relative path that is its key.

    Raises:
        UsageError: a file cannot be read.
        StoreError: a file cannot be written.
    """
    for name, source in sources_by_path.items():
        destination = folder / name
        with _open_for_reading(source) as content, _convert_os_errors(folder.parent.parent):
            destination.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _copy_open_file(content, destination, 0o700)


def copy_model_to_folder(content: Path, folder: Path, *, overwrite: bool) -> Path:
    """Copy a model's file or folder into a folder, created if needed; return the path of the copy.

    Each file is moved into place when it is complete.

    Raises:
        UsageError: the destination exists, and `overwrite` is not set.
        MlrunError: it cannot be written, or a link is in place of a folder.
    """
    names = {os.fspath(file.relative_to(content.parent)): file for file in _walk_files(content)}
    destination = folder / content.name
    if not overwrite and os.path.lexists(destination):
        raise FileAlreadyExists(
            f"'{destination}' already exists.",
            hint="Choose another folder, or overwrite it (exist_ok=True).",
            target=destination,
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in names.items():
            _create_nested_folders(folder, Path(name).parts[:-1])
            with _open_for_reading(source) as descriptor:
                _copy_open_file(descriptor, folder / name, 0o777)
    except OSError as error:
        raise FileNotWritable(destination, error, hint="Choose another folder.") from error
    return destination


def _walk_files(start: Path) -> Iterator[Path]:
    """Yield a file, or all files below a folder in sorted order; follow links to files, refuse links to folders."""
    try:
        mode = start.stat().st_mode
    except OSError as error:
        hint = describe_similar_file(start) if isinstance(error, FileNotFoundError) else None
        raise MissingFile(f"'{start}' cannot be read: {error.strerror}.", hint=hint, target=start) from error
    if stat.S_ISREG(mode):
        yield start
    elif stat.S_ISDIR(mode):
        for inner in sorted(start.iterdir()):
            if inner.is_symlink() and inner.is_dir():
                raise InvalidPath(
                    f"'{inner}' is a link to a folder, and such links are not followed.",
                    hint="Put the folder itself there, or leave it out with child_paths.",
                    target=inner,
                )
            yield from _walk_files(inner)
    else:
        raise InvalidPath(f"'{start}' is neither a file nor a folder.", target=start)


@contextmanager
def _open_for_reading(source: Path) -> Iterator[int]:
    """Open a file for reading and yield its descriptor; raise MissingFile if the file cannot be opened."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise MissingFile(f"'{source}' cannot be read: {error.strerror}.", target=source) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _copy_open_file(content_fd: int, destination: Path, mode: int) -> None:
    """Copy an open file; the copy has the permissions in `mode`, but is executable only if the source is."""
    found = os.fstat(content_fd)
    wanted = mode if found.st_mode & stat.S_IXUSR else mode & 0o666
    with open_fd_atomically(destination, mode=wanted) as file:
        copying.copy(content_fd, file, found.st_size)


def _create_nested_folders(folder: Path, parts: Sequence[str]) -> None:
    """Create nested folders below a folder; raise if one of them is a link, since it could lead elsewhere."""
    for part in parts:
        folder /= part
        with suppress(FileExistsError):
            folder.mkdir()
        if folder.is_symlink():
            raise FileNotWritable(folder, "it is a link", hint="Remove the link, or choose another folder.")


def _remove_abandoned_files(incoming_folder: Path) -> None:
    """Remove temporary files of killed processes, and everything older than a day, from a folder."""
    remove_abandoned_files(incoming_folder)
    before = time.time() - _ABANDONED_AFTER_SECONDS
    for path in incoming_folder.iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < before:
                shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _convert_os_errors(folder: Path) -> Iterator[None]:
    """Convert an OSError raised in the block to a StoreError about the model's files."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The model cannot be kept in '{folder}': {error.strerror}.",
            hint=describe_write_remedy(error),
        ) from error
