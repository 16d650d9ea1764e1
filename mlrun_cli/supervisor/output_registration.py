"""Registration of the data outputs of a Completed run."""

from __future__ import annotations

from mlrun_cli.actions.data_outputs import register_outputs
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace


def register_run_outputs(workspace: Workspace, run: Run, outcome: Outcome) -> Outcome:
    """Register the outputs of a run; return the outcome with a warning for each failure. May be called again.

    Raises:
        StoreError: the store cannot be used.
    """
    if outcome.status is not RunStatus.COMPLETED or not (run.definition or {}).get("outputData"):
        return outcome
    return outcome._replace(warnings=(*outcome.warnings, *register_outputs(workspace, run)))
