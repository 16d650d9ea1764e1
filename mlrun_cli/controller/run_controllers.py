"""Creation of the `RunController` of a run."""

from __future__ import annotations

from collections.abc import Callable

from mlrun_cli.controller.children import Children
from mlrun_cli.controller.pipeline import PipelineController
from mlrun_cli.controller.run_controller import Ending, RunController
from mlrun_cli.controller.sweep import SweepController
from mlrun_cli.controller.sweep_step import SweepStepController
from mlrun_cli.errors import MlrunError
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.error import SERVICE_ERROR, build_run_error
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.submit.pipeline import PIPELINE
from mlrun_cli.submit.sweep import SWEEP
from mlrun_cli.submit.sweep_step import SWEEP_STEP
from mlrun_cli.workspace import Workspace

_CONTROLLERS: dict[str, Callable[[Workspace, Run], RunController]] = {
    PIPELINE: PipelineController,
    SWEEP: SweepController,
    SWEEP_STEP: SweepStepController,
}
"""The classes of controllers, keyed by the text in the column `controller` of their runs."""


def create_run_controller(workspace: Workspace, run: Run) -> RunController:
    """Create the `RunController` for a run, according to whether it is a sweep, a pipeline or a sweep step.

    Raises:
        StoredFilesLost: a file of the run is gone or damaged.
        OSError: a file cannot be read.
    """
    return _CONTROLLERS[str(run.controller)](workspace, run)


class FailingController:
    """The controller of a run that cannot continue: it cancels the child runs, and fails when they have ended."""

    def __init__(self, workspace: Workspace, run: Run, error: MlrunError) -> None:
        self._children = Children(workspace, run)
        self._error = error

    def step(self, run: Run) -> Ending | None:
        """Cancel all child runs; return an ending with status Failed once all have ended, or None before that."""
        grace = GRACE_SECONDS if run.cancel_grace_seconds is None else run.cancel_grace_seconds
        self._children.refresh()
        self._children.cancel_all(grace)
        if self._children.live:
            return None
        error = build_run_error(self._error.message, code=SERVICE_ERROR, reason=self._error.code)
        return Ending(RunStatus.FAILED, error)

    def get_timeout_seconds(self) -> float | None:
        """Return None, since this controller waits only for child runs to end."""
        return None

    def append_to_log(self, text: str) -> None:
        """Do nothing, since the log itself may be missing."""
