"""Registration of the data outputs of a Completed run."""

from __future__ import annotations

from collections.abc import Callable

from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace

Register = Callable[[Workspace, Run, Outcome], Outcome]
"""A function that registers the outputs of a run, and returns the outcome with a warning for each failure.

It may be called again if it raises StoreError: the store cannot be used.
"""


def load_output_registration(run: Run) -> Register:
    """Return the function that registers a run's outputs, loading its modules now in case of a later upgrade."""
    if not (run.definition or {}).get("outputData"):
        return lambda _workspace, _run, outcome: outcome
    from mlrun_cli.actions.data_outputs import register_outputs  # noqa: PLC0415 - start-up: few runs have data outputs

    def register(workspace: Workspace, run: Run, outcome: Outcome) -> Outcome:
        if outcome.status is not RunStatus.COMPLETED:
            return outcome
        return outcome._replace(warnings=(*outcome.warnings, *register_outputs(workspace, run)))

    return register
