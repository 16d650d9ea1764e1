"""Copies of files into folders that may contain links, which are not followed."""

from __future__ import annotations

import os
from pathlib import Path

from mlrun_cli.core.inner_files import open_folder_without_links
from mlrun_cli.core.temporary import open_fd_atomically
from mlrun_cli.errors import FileNotWritable
from mlrun_cli.wire import copying


def copy_tree(source: Path, destination: Path) -> None:
    """Copy the files below a folder into a destination folder, replacing existing files.

    Raises:
        MlrunError: a file cannot be written, or the folder contains a link where a folder is needed.
    """
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.is_symlink():
            copy_into_folder(path, destination, str(path.relative_to(source)))


def copy_into_folder(source: Path, folder: Path, relative_path: str) -> Path:
    """Copy a file to a relative path below a folder without following links there, and return the path of the copy."""
    destination = folder / relative_path
    try:
        with open_folder_without_links(folder, Path(relative_path).parts[:-1]) as inner:
            _copy_into(source, inner, destination.name)
    except OSError as error:
        raise FileNotWritable(destination, error, hint="Choose another folder.") from error
    return destination


def _copy_into(source: Path, folder_fd: int, name: str) -> None:
    """Copy a file into an open folder under a name, replacing an existing file."""
    with (
        # A script that goes on may put a FIFO in a file's place: nobody must wait at it.
        open(source, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as content,
        open_fd_atomically(name, folder_fd=folder_fd) as file,
    ):
        copying.copy(content.fileno(), file, os.fstat(content.fileno()).st_size)
