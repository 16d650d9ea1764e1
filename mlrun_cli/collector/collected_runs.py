"""The runs of a target whose folders in the shared folder are open, and what ended runs have left there."""

from __future__ import annotations

import selectors
from collections.abc import Mapping

from mlrun_cli.collector.collected_run import CollectedRun
from mlrun_cli.collector.request_relay import RequestRelay
from mlrun_cli.core.program_log import write_log
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.shared_folder import find_shared_run_folder
from mlrun_cli.targets.engine import EngineTarget


class CollectedRuns:
    """The open runs of a target, by run key; each is opened at most once, and closed after its end."""

    def __init__(self, target: EngineTarget, selector: selectors.BaseSelector) -> None:
        """Start without runs.

        Args:
            target: the target.
            selector: the selector to which the connections of the runs' RPC workers are added.
        """
        self._target = target
        self._selector = selector
        self._shared_folder = target.shared_folder
        self._open: dict[int, CollectedRun] = {}
        self._leftovers: dict[str, int] = {}
        """The keys of ended runs whose secrets could not be removed yet, by run id."""

    def find(self, run: Run) -> CollectedRun | None:
        """Return a run if it is open."""
        return self._open.get(run.key)

    def open(self, run: Run) -> CollectedRun | None:
        """Open a run, which may be in the trash, unless it is open, and return it; None if it has no shared folder.

        Raises:
            StoreError: the store cannot be used.
        """
        if run.key in self._open:
            return self._open[run.key]
        shared = self._shared_folder.get_run_folder(run.run_id)
        linked = find_shared_run_folder(self._target.workspace.get_run_folder(run.run_id))
        is_elsewhere = linked is not None and linked.path != shared.path  # the target was attached with another folder
        if is_elsewhere or not shared.path.exists():
            return None
        relay = RequestRelay(self._target, run, shared, self._selector)
        collected = self._open[run.key] = CollectedRun(self._target.workspace, run, shared, relay)
        return collected

    def close(self, run: Run) -> None:
        """Close a run that has ended and remove its leftover files, or remember them for later.

        Raises:
            StoreError: the store cannot be used; the run is left open.
        """
        is_removed = self._remove_files(run.run_id, run.key)
        collected = self._open.pop(run.key, None)
        if collected is not None:
            collected.abandon_requests()
        if not is_removed:
            write_log(f"the secrets of {run.run_id} cannot be removed now")
            self._leftovers[run.run_id] = run.key

    def record_exits(self, exit_codes: Mapping[int, int]) -> None:
        """Record the ends of the RPC workers among the reaped processes, whose exit codes are given by pid."""
        for collected in self._open.values():
            collected.record_exits(exit_codes)

    @property
    def leftovers(self) -> frozenset[str]:
        """The ids of closed runs whose files could not be removed yet."""
        return frozenset(self._leftovers)

    def remove_leftovers(self) -> None:
        """Try again to remove the files of closed runs.

        Raises:
            StoreError: the store cannot be used.
        """
        for run_id, run_key in list(self._leftovers.items()):
            if self._remove_files(run_id, run_key):
                del self._leftovers[run_id]

    def _remove_files(self, run_id: str, run_key: int) -> bool:
        """Remove the leftover files of a closed run; return False if that has to be tried again.

        If the run has been removed for good and another has its id now, the files there are those of the other.
        """
        if self._target.workspace.runs.find_key(run_id) not in {None, run_key}:
            return True
        return self._shared_folder.get_run_folder(run_id).remove_leftovers()
