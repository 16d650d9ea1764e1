"""The `az` script that `install-az` writes, and the search for a real `az` on the PATH."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from mlrun_cli.core.temporary import make_temporary_path
from mlrun_cli.errors import FileAlreadyExists, FileNotWritable, InvalidPath

_NAME = "az"
_MARK = b"# The az of mlrun-cli"
_TEXT = """\
#!/bin/sh
{mark}, written by 'mlrun install-az': 'az ml' is mlrun, the rest is answered or handed to the az behind it.
mlrun={command}
if [ ! -x "$mlrun" ]; then
    echo "ERROR: mlrun-cli is no longer at $mlrun." >&2
    echo "Remove $0, or write it anew with 'mlrun install-az'." >&2
    exit 1
fi
case "$1" in
ml) exec "$mlrun" "$@" ;;
*) exec "$mlrun" az "$@" ;;
esac
"""


def write_az_script(folder: Path, command: Path, *, force: bool) -> Path:
    """Write the `az` script into a folder, created if needed, and return the script's path.

    Args:
        folder: the folder for the script.
        command: the absolute path of the program that the script starts.
        force: whether to replace an `az` that mlrun-cli did not write.

    Raises:
        UsageError: an `az` exists that must not be replaced, or `folder` is not a folder.
        MlrunError: the folder cannot be written.
    """
    path = folder / _NAME
    if os.path.lexists(path) and (path.is_dir() or not (force or _is_written_by_mlrun(path))):
        raise FileAlreadyExists(
            f"'{path}' already exists, and mlrun-cli did not write it.",
            hint="Choose another folder, or move it away."
            if path.is_dir()
            else "Choose another folder, or add --force.",
            target=path,
        )
    text = _TEXT.format(mark=_MARK.decode(), command=shlex.quote(str(command)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with make_temporary_path(path) as temporary:
            temporary.write_bytes(os.fsencode(text))
            temporary.chmod(0o755)
            temporary.replace(path)
    except (FileExistsError, NotADirectoryError) as error:
        raise InvalidPath(
            f"'{folder}' is not a folder.", hint="Name a folder; it is made if it does not exist.", target=folder
        ) from error
    except OSError as error:
        raise FileNotWritable(path, error, hint="Name a folder that you may write to.") from error
    return path


def find_other_az(search_path: str) -> Path | None:
    """Return the absolute path of the first `az` in a search path that mlrun-cli did not write, or None."""
    for folder in search_path.split(os.pathsep):
        path = Path(folder or ".") / _NAME
        if path.is_file() and os.access(path, os.X_OK) and not _is_written_by_mlrun(path):
            return path.absolute()
    return None


def _is_written_by_mlrun(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _MARK in file.read(200)
    except OSError:
        return False
