"""The child runs of a controlled run: their last known states, and their cancellation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from mlrun_cli.actions.run_ends import cancel_run
from mlrun_cli.errors import MlrunError, RunNotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.runs.child_store import ChildState
from mlrun_cli.targets.errors import EngineUnavailable, SharedFolderUnavailable
from mlrun_cli.workspace import Workspace


class Children:
    """The child runs of a controlled run, as last read from the store.

    Only those that had not ended are read again at a look, so that it costs the same however many have ended.
    """

    def __init__(self, workspace: Workspace, parent: Run) -> None:
        self._workspace = workspace
        self._parent = parent
        self._states: dict[int, ChildState] = {
            child.key: child for child in workspace.child_runs.list_children(parent.key)
        }
        self._interrupted = [child for child in self._states.values() if child.status is RunStatus.NOT_STARTED]

    @property
    def all(self) -> Sequence[ChildState]:
        """All child runs, in the order of their creation."""
        return list(self._states.values())

    @property
    def live(self) -> Sequence[ChildState]:
        """The child runs that have not ended."""
        return [child for child in self._states.values() if not child.status.is_terminal]

    def repeat_interrupted_starts(self, start_run: Callable[[str], None]) -> None:
        """Call `start_run` for the id of each child run whose start may have been interrupted by a controller's death.

        An engine has no job yet of a run whose start was killed. A target that is away holds up only its own runs.

        Raises:
            EngineUnavailable, SharedFolderUnavailable: of the first target that is away.
        """
        away: dict[str | None, MlrunError] = {}
        for child in list(self._interrupted):
            run = self._workspace.child_runs.find_by_key(child.key)
            if run is not None and run.status is RunStatus.NOT_STARTED:
                if run.target in away:
                    continue
                try:
                    start_run(child.run_id)
                except (EngineUnavailable, SharedFolderUnavailable) as error:
                    away[run.target] = error
                    continue
                if self._workspace.runs.find_key(child.run_id) != child.key:  # refused, and recorded anew as Failed
                    del self._states[child.key]
            self._interrupted.remove(child)
        if away:
            raise next(iter(away.values()))

    def find(self, run_id: str) -> ChildState | None:
        """Return the child run with this id, or None if there is none."""
        return next((child for child in self._states.values() if child.run_id == run_id), None)

    def add(self, run: Run) -> None:
        """Add a child run that has just been started."""
        self._states[run.key] = ChildState(run.key, run.run_id, run.status)

    def add_interrupted_run(self, run: Run) -> None:
        """Add a child run that is already recorded but whose start must be repeated."""
        self.add(run)
        self._interrupted.append(self._states[run.key])

    def refresh(self) -> Sequence[ChildState]:
        """Read the statuses of the live child runs; return the runs that have ended since the previous call.

        Deleted ones count as canceled.
        """
        keys = [child.key for child in self.live]
        statuses: Mapping[int, RunStatus] = self._workspace.child_runs.get_statuses(keys) if keys else {}
        ended = []
        for key in keys:
            child = self._states[key]._replace(status=statuses.get(key, RunStatus.CANCELED))
            self._states[key] = child
            if child.status.is_terminal:
                ended.append(child)
        return ended

    def cancel(self, child: ChildState, grace_seconds: float) -> None:
        """Request the cancellation of a child run, unless it has ended or is already being canceled."""
        current = self._states[child.key]
        if current.status.is_terminal or current.status is RunStatus.CANCEL_REQUESTED:
            return
        with suppress(RunNotFound):
            run = cancel_run(self._workspace, self._workspace.runs.get_by_key(child.key), grace_seconds)
            self._states[child.key] = current._replace(status=run.status)

    def cancel_all(self, grace_seconds: float) -> None:
        """Request the cancellation of all live child runs; continue after one that cannot be reached.

        Raises:
            EngineUnavailable, OSError, SharedFolderUnavailable: of the first child run that could not be reached.
        """
        first: Exception | None = None
        for child in self.live:
            try:
                self.cancel(child, grace_seconds)
            except (EngineUnavailable, OSError, SharedFolderUnavailable) as error:
                first = first or error
        if first is not None:
            raise first
