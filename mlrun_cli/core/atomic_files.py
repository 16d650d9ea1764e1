"""A file that is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mlrun_cli.core.temporary import new_file
from mlrun_cli.errors import FileAlreadyExists, FileNotWritable, InvalidPath, UsageError


@contextmanager
def open_atomically(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a file to write, which gets its name when the block succeeds.

    Args:
        path: in a folder that is there.
        overwrite: whether a file that is there may be replaced; looked at again at the end.

    Raises:
        UsageError: there is something that is not to be replaced.
        MlrunError: it cannot be written.
    """
    if path.is_dir():
        raise InvalidPath(f"'{path}' is a folder.", hint="Name a file in it.", target=path)
    if not overwrite and os.path.lexists(path):
        raise _build_exists_error(path)
    try:
        with new_file(path, overwrite=overwrite) as descriptor, open(descriptor, "wb", closefd=False) as file:
            yield file
    except FileExistsError as error:
        raise _build_exists_error(path) from error
    except OSError as error:
        raise FileNotWritable(path, error, hint="Choose a folder that exists and that you may write to.") from error


def _build_exists_error(path: Path) -> UsageError:
    return FileAlreadyExists(f"'{path}' already exists.", hint="Name another file, or add --overwrite.", target=path)
