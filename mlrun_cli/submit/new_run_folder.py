"""The folder of a run that is about to be recorded."""

from __future__ import annotations

import shutil

from mlrun_cli.errors import FileNotWritable, MlrunError
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runtime.unfinished_submits import create_submit_marker


class NewRunFolder:
    """The locked folder of a new run, which is removed on exit unless the run has been stored by then."""

    lock: OwnerLock

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._is_locked = False
        self.is_in_store = False

    def __enter__(self) -> NewRunFolder:
        try:
            self._submitting = create_submit_marker(self._folder)
        except OSError as error:
            raise _create_write_error(self._folder, error) from error
        try:
            self._folder.make()
            self.lock = OwnerLock.open_new(self._folder.lock)
            self._is_locked = True
        except BaseException as error:
            self._remove()
            if isinstance(error, OSError):
                raise _create_write_error(self._folder, error) from error
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        self.release_lock()
        self._remove()
        if isinstance(error, OSError):
            raise _create_write_error(self._folder, error) from error

    def _remove(self) -> None:
        with self._submitting:
            if not self.is_in_store:
                shutil.rmtree(self._folder.path, ignore_errors=True)

    def release_lock(self) -> None:
        """Release the lock, so that the dispatcher can take it to start the queued run."""
        if self._is_locked:
            self._is_locked = False
            self.lock.close()


def _create_write_error(folder: RunFolder, error: OSError) -> MlrunError:
    return FileNotWritable(
        folder.path,
        error,
        hint="Nothing was started. Make room there, or set MLRUN_HOME to a folder on another disk.",
    )
