"""Atomic writing of files: a reader sees the complete file or none."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mlrun_cli.core.temporary import open_fd_atomically
from mlrun_cli.errors import FileAlreadyExists, FileNotWritable, InvalidPath, UsageError

_FOLDER_HINT = "Choose a folder that exists and that you may write to."


@contextmanager
def open_atomically(path: Path, *, overwrite: bool, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Open a file for writing, which appears under its name only if the block succeeds, and yield the file object.

    A pipe or a device, such as `/dev/stdout`, is written to as it is, since it must not be replaced by a file.

    Args:
        path: in an existing folder.
        overwrite: whether an existing file may be replaced; checked again at the end.
        mode: the permissions of the file, before the umask is applied.

    Raises:
        UsageError: the path is a folder, or a file that may not be replaced.
        MlrunError: the file cannot be written.
    """
    if path.is_dir():
        raise InvalidPath(f"'{path}' is a folder.", hint="Name a file in it.", target=path)
    try:
        if _is_stream(path):
            with path.open("ab") as stream:  # which truncates nothing where standard output is a file
                yield stream
            return
        if not overwrite and os.path.lexists(path):
            raise _build_exists_error(path)
        with (
            open_fd_atomically(path, mode=mode, overwrite=overwrite) as descriptor,
            open(descriptor, "wb", closefd=False) as file,
        ):
            yield file
    except FileExistsError as error:
        raise _build_exists_error(path) from error
    except OSError as error:
        raise FileNotWritable(path, error, hint=_FOLDER_HINT) from error


def check_writable(path: Path) -> None:
    """Raise unless a file can be written at this path, which is not changed.

    Raises:
        UsageError: the path is a folder.
        MlrunError: the file cannot be written.
    """
    if _is_stream(path):  # whose opening could have another program wait, or end
        if not os.access(path, os.W_OK):
            raise FileNotWritable(path, os.strerror(errno.EACCES), hint=_FOLDER_HINT)
        return
    with suppress(_Written), open_atomically(path, overwrite=True):
        raise _Written


def _is_stream(path: Path) -> bool:
    """Return whether a path names a pipe, a device or an open file of a process, and no file of a folder."""
    parent = os.path.realpath(path.parent)
    if parent == "/dev" or parent.startswith("/proc/"):
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


class _Written(Exception):
    """Leaves the block of `open_atomically`, so that no file appears."""


def _build_exists_error(path: Path) -> UsageError:
    return FileAlreadyExists(f"'{path}' already exists.", hint="Name another file, or add --overwrite.", target=path)
