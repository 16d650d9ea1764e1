"""The creation of the folder that a compute target with an engine shares with its nodes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mlrun_cli.errors import FileNotWritable, InvalidPath
from mlrun_cli.runs.shared_folder import SharedFolder

_OPTION = "--shared-folder"


def create_shared_folder(path_text: str) -> SharedFolder:
    """Return the shared folder of a target, creating it, private to this user, if it does not exist.

    Raises:
        InvalidPath: the path is not absolute, is a file, or is a folder that others can enter.
        FileNotWritable: it cannot be created or written.
    """
    path = Path(os.path.expanduser(path_text))
    if not path.is_absolute():
        raise InvalidPath(
            f"{_OPTION}: '{path_text}' is not an absolute path.",
            hint="Nodes need the same path: name it from the root, as in '/scratch/NAME/mlrun'.",
            target=_OPTION,
        )
    shared = SharedFolder(Path(os.path.normpath(path)))
    _check_existing_folder(shared.path)
    try:
        shared.create()
    except OSError as error:
        raise FileNotWritable(shared.path, error) from error
    return shared


def _check_existing_folder(path: Path) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise FileNotWritable(path, error) from error
    if not stat.S_ISDIR(found.st_mode):
        raise InvalidPath(f"{_OPTION}: '{path}' is a file, not a folder.", hint="Name a folder.", target=_OPTION)
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise InvalidPath(
            f"{_OPTION}: '{path}' can be entered by others than you; secrets of runs are kept there.",
            hint=f"Name a folder in it that does not exist yet, which is made for you alone: '{path / 'mlrun'}'.",
            target=_OPTION,
        )
