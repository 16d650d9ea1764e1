"""The ended runs of an engine's target of which the collector may not have stored all values yet."""

from __future__ import annotations

from collections.abc import Iterable

from mlrun_cli.runs.run import Run
from mlrun_cli.runs.shared_folder import SharedFolder
from mlrun_cli.runtime.run_transaction import find_run_or_trashed
from mlrun_cli.targets.engine import EngineTarget


def list_ended_runs(target: EngineTarget, run_ids: Iterable[str]) -> list[Run]:
    """Return those of the runs with these ids that were on a target and have ended, perhaps been deleted since."""
    runs = (find_run_or_trashed(target.workspace, run_id) for run_id in run_ids)
    return [run for run in runs if run is not None and run.target == target.name and run.status.is_terminal]


def list_unstored_runs(target: EngineTarget, shared_folder: SharedFolder) -> list[Run]:
    """Return the ended runs of a target whose secrets are still in its shared folder, by which the collector goes on.

    It removes them once it has stored all values, or if it gives up.

    Raises:
        OSError: the list of runs with files on another machine cannot be read.
        StoreError: the store cannot be used.
    """
    run_ids = shared_folder.list_started_run_ids() | target.list_leftovers()
    return list_ended_runs(target, (each for each in run_ids if shared_folder.get_run_folder(each).secrets.exists()))
