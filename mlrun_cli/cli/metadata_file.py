"""The file of `-t/--output-metadata-file`: a command's result, for the next step of a pipeline."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mlrun_cli.errors import MlrunError, UsageError


class MetadataFile:
    """A file that is not there yet. Make one with `checked`, before any work is done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.was_written = False

    @classmethod
    def checked(cls, path: Path) -> MetadataFile:
        """A file that can be written later; nothing is made now.

        Raises:
            UsageError: something is there already, or the place cannot be written.
        """
        try:
            if _is_there(path):
                raise _taken(path)
            _try_to_write(_nearest_folder(path))
        except OSError as error:
            raise UsageError(
                f"-t: {path} cannot be written: {error.strerror}.", hint="Name another file with -t."
            ) from error
        return cls(path)

    def write(self, value: object) -> None:
        """Write `value` as JSON, making missing folders; a second call replaces what the first has written.

        Raises:
            UsageError: another process has made the file in the meantime.
            MlrunError: the file cannot be written.
        """
        if not self.was_written and os.path.lexists(self.path):
            raise _taken(self.path)
        unfinished = self.path.with_name(f".{os.getpid()}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps(value, indent=4, sort_keys=True), encoding="utf-8")
            unfinished.replace(self.path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise MlrunError(f"-t: {self.path} cannot be written: {error.strerror}.") from error
        self.was_written = True


def _taken(path: Path) -> UsageError:
    if path.is_dir():  # an empty name is this folder, too
        return UsageError(f"-t: {path} is a folder.", hint=f"Name a file, as in '-t {path / 'run.json'}'.")
    return UsageError(f"-t: {path} is there already.", hint="Name another file with -t, or remove that one.")


def _is_there(path: Path) -> bool:
    """Unlike `lexists`, this lets out what makes a path impossible, such as a name that is too long."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _nearest_folder(path: Path) -> Path:
    """The innermost folder above `path` that is there; what is found there may be a file."""
    return next(parent for parent in path.absolute().parents if os.path.lexists(parent))


def _try_to_write(folder: Path) -> None:
    """Make a file and remove it: permission bits alone do not tell.

    Raises:
        OSError: it cannot be made.
    """
    probe = folder / f".mlrun-{os.getpid()}"
    os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    probe.unlink()
