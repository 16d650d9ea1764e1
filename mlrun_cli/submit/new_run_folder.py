"""The folder of a run that is about to be recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlrun_cli.core.disk_space import describe_write_remedy
from mlrun_cli.errors import FileNotWritable, MlrunError
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.shared_folder import link_run_folder, remove_run_folder
from mlrun_cli.runtime.unfinished_submissions import create_submission_marker

if TYPE_CHECKING:  # start-up: few runs have a shared folder
    from mlrun_cli.submit.shared_run import SharedLocation


class NewRunFolder:
    """The locked folder of a new run, which is removed on exit unless the run has been stored by then."""

    lock: OwnerLock

    def __init__(self, folder: RunFolder, location: SharedLocation | None = None) -> None:
        """Initialize the folder of a run; `location` is the location of its files if they are in a shared folder."""
        self._folder = folder
        self._place = location
        self._is_locked = False
        self.is_in_store = False

    def __enter__(self) -> NewRunFolder:
        try:
            self._submitting = create_submission_marker(self._folder)
        except OSError as error:
            raise _create_write_error(self._folder, error) from error
        try:
            self._create_folder()
            self.lock = OwnerLock.open_new(self._folder.lock)
            self._is_locked = True
        except BaseException as error:
            self._remove_unless_stored()
            if isinstance(error, OSError):
                raise _create_write_error(self._folder, error) from error
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        self.release_lock()
        self._remove_unless_stored()
        if isinstance(error, OSError):
            raise _create_write_error(self._folder, error) from error

    def _create_folder(self) -> None:
        if self._place is None:
            self._folder.create()
            return
        self._folder.create_with_lock()
        shared = self._place.shared.get_run_folder(self._folder.path.name)
        # The links first: what removes the folder of a killed submission finds by them what else there is.
        link_run_folder(self._folder, shared)
        with self._place.convert_errors():
            shared.create_for_node(self._place.program)

    def _remove_unless_stored(self) -> None:
        """Remove the submission marker and, unless the run is in the store, the run's folder."""
        try:
            if not self.is_in_store:
                remove_run_folder(self._folder)
        except OSError:  # a later look at the runs tries again
            self._submitting.abandon()
        else:
            self._submitting.remove()

    def release_lock(self) -> None:
        """Release the lock, so that the dispatcher can acquire it to start the queued run."""
        if self._is_locked:
            self._is_locked = False
            self.lock.close()


def _create_write_error(folder: RunFolder, error: OSError) -> MlrunError:
    return FileNotWritable(
        folder.path,
        error,
        hint=f"Nothing was started. {describe_write_remedy(error)}",
    )
