"""Temporary files, in users' folders and in this program's own.

A file that is being written has no name if the file system supports that (`O_TMPFILE`): no listing or pattern finds
it, and nothing remains of it if its process is killed. Otherwise its name identifies its process; listings of this
program omit it, and the next process that writes in the folder removes the files of dead processes.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from mlrun_cli.wire import copying

TEMPORARY_PREFIX = ".mlrun-temporary-"
"""The prefix of temporary names; snapshots omit such files."""

_NAME = re.escape(TEMPORARY_PREFIX) + r"(?:([0-9a-f]+)-(\d+)-(\d+)-)?[0-9a-f]{16}"
_NO_UNNAMED = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT, errno.ENOSYS}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.ENOENT, errno.EXDEV, errno.EMLINK}
_ABANDONED_SECONDS = 24 * 60 * 60
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_cleaned_folders: set[tuple[int, int]] = set()


def make_temporary_name() -> str:
    """Return a file name that is unique across processes and threads."""
    maker = f"{_identify_machine()}-{os.getpid()}-{_get_start_time(os.getpid())}-" if _identify_machine() else ""
    return f"{TEMPORARY_PREFIX}{maker}{os.urandom(8).hex()}"


def is_temporary(name: str) -> bool:
    """Return whether a file name denotes a temporary file."""
    return name.startswith(TEMPORARY_PREFIX)


@contextmanager
def make_temporary_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; a file that still exists there is removed at the end."""
    remove_abandoned_files(path.parent)
    temporary = path.with_name(make_temporary_name())
    try:
        yield temporary
    finally:
        with suppress(OSError):  # it was renamed, or its folder no longer exists
            temporary.unlink()


@contextmanager
def open_fd_atomically(
    path: str | os.PathLike[str], *, folder_fd: int | None = None, mode: int = 0o666, overwrite: bool = True
) -> Iterator[int]:
    """Open a file for writing that appears under its name only if the block succeeds; yield its descriptor.

    Args:
        path: the final path, in an existing folder.
        folder_fd: the descriptor of a folder that the path is relative to.
        mode: the permissions of the file, before the umask is applied.
        overwrite: whether an existing file may be replaced.

    Raises:
        FileExistsError: the file exists and may not be replaced.
        OSError: it cannot be written.
    """
    above, name = os.path.split(os.fspath(path))
    within = os.open(above or ".", _FOLDER, dir_fd=folder_fd)
    temporary: str | None = None
    try:
        _remove_files_of_dead_processes(within)
        descriptor = _open_unnamed(within, mode)
        if descriptor is None:
            temporary = make_temporary_name()
            descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=within)
        try:
            yield descriptor
            temporary = _give_final_name(descriptor, temporary, within, name, overwrite=overwrite)
        finally:
            os.close(descriptor)
    finally:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=within)
        os.close(within)


def _open_unnamed(folder_descriptor: int, mode: int) -> int | None:
    if sys.platform != "linux":
        return None
    try:
        return os.open(".", os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, mode, dir_fd=folder_descriptor)
    except OSError as error:
        if error.errno not in _NO_UNNAMED:
            raise
        return None


def _give_final_name(
    descriptor: int, temporary: str | None, folder_descriptor: int, name: str, *, overwrite: bool
) -> str | None:
    """Give a file its final name by a link or rename; return the temporary name still to be removed, or None."""
    # A link replaces nothing, unlike a rename. Without a name the file is reached by its descriptor alone.
    source = f"/proc/self/fd/{descriptor}" if temporary is None else temporary
    source_folder = None if temporary is None else folder_descriptor
    try:
        os.link(source, name, src_dir_fd=source_folder, dst_dir_fd=folder_descriptor, follow_symlinks=temporary is None)
    except FileExistsError:
        if not overwrite:
            raise
        if temporary is None:
            temporary = make_temporary_name()
            os.link(source, temporary, dst_dir_fd=folder_descriptor, follow_symlinks=True)
        _replace_file(temporary, name, folder_descriptor)
        return None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if temporary is None:  # as without /proc
            temporary = _copy_to_named_file(descriptor, folder_descriptor)
        if not overwrite:  # reserves the name, which another process may have taken
            try:
                os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, dir_fd=folder_descriptor))
            except OSError:
                os.unlink(temporary, dir_fd=folder_descriptor)
                raise
        _replace_file(temporary, name, folder_descriptor)
        return None
    return temporary


def _copy_to_named_file(descriptor: int, folder_descriptor: int) -> str:
    """Copy a file without a name to a new temporary file in a folder; return the name of the copy."""
    temporary = make_temporary_name()
    found = os.fstat(descriptor)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    named = os.open(temporary, flags, found.st_mode & 0o777, dir_fd=folder_descriptor)
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        copying.copy(descriptor, named, found.st_size)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder_descriptor)
        raise
    finally:
        os.close(named)
    return temporary


def _replace_file(temporary: str, name: str, folder_descriptor: int) -> None:
    try:
        os.replace(temporary, name, src_dir_fd=folder_descriptor, dst_dir_fd=folder_descriptor)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder_descriptor)
        raise


def remove_abandoned_files(folder: Path) -> None:
    """Remove temporary files of dead processes from a folder, at most once per folder and process."""
    with suppress(OSError):
        within = os.open(folder, _FOLDER)
        try:
            _remove_files_of_dead_processes(within)
        finally:
            os.close(within)


def _remove_files_of_dead_processes(folder_descriptor: int) -> None:
    """Remove the temporary files of ended processes from a folder."""
    found = os.fstat(folder_descriptor)
    if (found.st_dev, found.st_ino) in _cleaned_folders:
        return
    _cleaned_folders.add((found.st_dev, found.st_ino))
    with suppress(OSError):
        for name in os.listdir(folder_descriptor):
            if is_temporary(name) and _is_abandoned(name, folder_descriptor):
                try:
                    os.unlink(name, dir_fd=folder_descriptor)
                except (IsADirectoryError, PermissionError):
                    import shutil  # noqa: PLC0415 - nearly all are files

                    shutil.rmtree(f"/proc/self/fd/{folder_descriptor}/{name}", ignore_errors=True)


def _is_abandoned(name: str, folder_descriptor: int) -> bool:
    """Return whether the process of a temporary file has ended or, if that is unknown, whether the file is old."""
    match = re.fullmatch(_NAME, name)
    if match is None:
        return False
    machine, pid, start = match.groups()
    if machine is not None and machine == _identify_machine():
        return _get_start_time(int(pid)) != int(start)
    # From another machine or an earlier boot: whether its process is alive is unknown.
    try:
        return (
            os.stat(name, dir_fd=folder_descriptor, follow_symlinks=False).st_mtime < time.time() - _ABANDONED_SECONDS
        )
    except OSError:
        return False


@cache
def _identify_machine() -> str:
    """Return an id of this machine, boot and PID namespace, or an empty string if it cannot be determined."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            boot = file.read(8).decode()
        return f"{boot}{os.stat('/proc/self/ns/pid').st_ino:x}"
    except OSError:
        return ""


def _get_start_time(pid: int) -> int:
    """Return the start time of a process in clock ticks since boot, or -1 if it does not exist."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return -1
