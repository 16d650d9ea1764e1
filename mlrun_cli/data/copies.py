"""Copies of a dataset's files in a folder, and folders of links to them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mlrun_cli.core.home import make_private_folder
from mlrun_cli.data.binding import MOUNT
from mlrun_cli.data.files import DataFile, DataFiles
from mlrun_cli.errors import OperatingSystemError
from mlrun_cli.wire import copying


def copy_files(files: list[DataFile], folder: Path) -> None:
    """Copy files into a folder under their names, downloading remote files.

    Raises:
        MlrunError: a file is not available, or the folder cannot be written.
    """
    for file in files:
        destination = folder / file.name
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            if file.is_remote:
                from mlrun_cli.wire.http_download import download  # noqa: PLC0415 - few datasets have URLs, and it is slow

                download(file.source, destination)
            else:
                _copy_file(file.source, destination)
        except OSError as error:
            raise OperatingSystemError(
                f"{file.display_name} cannot be copied to {destination}: {error.strerror or error}."
            ) from error


def link_files(files: list[DataFile], folder: Path) -> None:
    """Create symbolic links in a folder to local files, and download remote files into the folder.

    Raises:
        MlrunError: a file is not available, or the folder cannot be written.
    """
    for file in files:
        destination = folder / file.name
        if file.is_remote:
            copy_files([file], folder)
            continue
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            destination.symlink_to(file.source)
        except OSError as error:
            raise OperatingSystemError(f"{destination} cannot be made: {error.strerror}.") from error


def copy_or_link_files(files: DataFiles, folder: Path, mechanism: str) -> Path:
    """Copy or link the files of an input into a private folder; return the path that the script receives.

    Raises:
        MlrunError: a file is not available, or the folder cannot be written.
    """
    make_private_folder(folder)
    (link_files if mechanism == MOUNT else copy_files)(files.files, folder)
    return get_path_in_copy(files, folder)


def get_path_in_copy(files: DataFiles, folder: Path) -> Path:
    """Return the path that the script receives for an input copied to `folder`: the only file, or the folder."""
    is_one_file = files.whole is not None and files.whole.is_file()
    return folder / files.files[0].name if is_one_file else folder


def _copy_file(source: str, destination: Path) -> None:
    with open(source, "rb") as content, destination.open("xb") as file:
        status = os.fstat(content.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError(0, "it is not a file any more")
        copying.copy(content.fileno(), file.fileno(), status.st_size)
