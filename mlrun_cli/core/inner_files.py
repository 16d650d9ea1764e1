"""Safe opening of files and folders below folders that others can write to, without following links."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mlrun_cli.errors import FileNotWritable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening must not block on a FIFO that a script has put in place of a file.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_file_without_links(folder: Path, relative_path: str) -> int | None:
    """Return a descriptor of a regular file below a folder, opened without following links; None if that fails.

    It fails if there is no such file, if a part of its path is a link, or if the name leads out of the folder.
    """
    parts = relative_path.split("/")
    if not all(parts) or {".", ".."} & set(parts) or "\0" in relative_path:
        return None
    descriptor = -1
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in parts[:-1]:
            descriptor = _replace_descriptor(descriptor, os.open(part, _FOLDER, dir_fd=descriptor))
        descriptor = _replace_descriptor(descriptor, os.open(parts[-1], _FILE, dir_fd=descriptor))
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
    if descriptor >= 0:
        os.close(descriptor)
    return None


@contextmanager
def open_folder_without_links(folder: Path, parts: Sequence[str]) -> Iterator[int]:
    """Open a nested folder without following links, creating missing levels, and yield its descriptor.

    Raises:
        FileNotWritable: one of the parts is a link.
        OSError: a folder cannot be created or opened.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for number, part in enumerate(parts, 1):
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=descriptor)
            if stat.S_ISLNK(os.stat(part, dir_fd=descriptor, follow_symlinks=False).st_mode):
                raise FileNotWritable(
                    folder.joinpath(*parts[:number]),
                    "it is a link",
                    hint="Remove the link, or choose another folder with -d.",
                )
            descriptor = _replace_descriptor(descriptor, os.open(part, _FOLDER, dir_fd=descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def _replace_descriptor(old_fd: int, new_fd: int) -> int:
    """Close the old descriptor and return the new one."""
    os.close(old_fd)
    return new_fd
