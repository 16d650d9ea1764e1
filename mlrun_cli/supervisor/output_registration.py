"""What becomes of the data outputs of a run whose script has succeeded."""

from __future__ import annotations

from collections.abc import Callable

from mlrun_cli.pipelines.run_types import STEP_RUN
from mlrun_cli.runs.error import build_run_error
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace

Register = Callable[[Workspace, Run, Outcome], Outcome]
"""A function that registers the outputs of a run, and returns the outcome with a warning for each failure.

It may be called again if it raises StoreError: the store cannot be used.
"""


def load_output_registration(run: Run) -> Register:
    """Return the function that registers a run's outputs, loading its modules now in case of a later upgrade.

    It first puts the outputs of a pipeline's step in their places; if that is impossible, the step is Failed.
    """
    if run.run_type == STEP_RUN:
        return _load_output_storage(_load_dataset_registration(run))
    return _load_dataset_registration(run)


def _load_output_storage(register: Register) -> Register:
    from mlrun_cli.submit.pipeline_outputs import OutputsNotKept, keep_outputs  # noqa: PLC0415 - start-up: few are steps

    def store(workspace: Workspace, run: Run, outcome: Outcome) -> Outcome:
        if outcome.status is not RunStatus.COMPLETED:
            return outcome
        try:
            keep_outputs(workspace, run)
        except OutputsNotKept as error:
            return outcome._replace(status=RunStatus.FAILED, error=build_run_error(error.one_line, reason=error.code))
        return register(workspace, workspace.runs.get_by_key(run.key), outcome)

    return store


def _load_dataset_registration(run: Run) -> Register:
    if not (run.definition or {}).get("outputData"):
        return lambda _workspace, _run, outcome: outcome
    from mlrun_cli.actions.data_outputs import register_outputs  # noqa: PLC0415 - start-up: few runs have data outputs

    def register(workspace: Workspace, run: Run, outcome: Outcome) -> Outcome:
        if outcome.status is not RunStatus.COMPLETED:
            return outcome
        return outcome._replace(warnings=(*outcome.warnings, *register_outputs(workspace, run)))

    return register
