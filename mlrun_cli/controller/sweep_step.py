"""The controller of a pipeline step that is a sweep: it starts the sweep, and ends when the sweep has ended."""

from __future__ import annotations

import os
from collections.abc import Mapping

from mlrun_cli.controller.children import Children
from mlrun_cli.controller.log_lines import append_log_line
from mlrun_cli.controller.run_controller import Ending
from mlrun_cli.core.redaction import NAMES_VARIABLE
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.error import USER_ERROR, build_run_error
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.submit.pipeline_outputs import OutputsNotKept
from mlrun_cli.submit.sweep import plan_sweep, start_sweep
from mlrun_cli.submit.sweep_step import get_sweep_id, keep_sweep_outputs, read_sweep_definition
from mlrun_cli.submit.template import read_template
from mlrun_cli.wire.run_folder import PIPELINE_LOG
from mlrun_cli.workspace import Workspace


class SweepStepController:
    """Starts the sweep of a pipeline step, and ends the step when the sweep has ended."""

    def __init__(self, workspace: Workspace, run: Run) -> None:
        self._workspace = workspace
        self._run = run
        self._folder = workspace.get_run_folder(run.run_id)
        self._children = Children(workspace, run)

    def step(self, run: Run) -> Ending | None:
        """Start or cancel the step's sweep if needed; return the ending once it has ended, or None before that."""
        self._children.refresh()
        sweep = self._children.find(get_sweep_id(self._run.run_id))
        if run.status is RunStatus.CANCEL_REQUESTED:
            grace = GRACE_SECONDS if run.cancel_grace_seconds is None else run.cancel_grace_seconds
            self._children.cancel_all(grace)
            if sweep is None:
                return Ending(RunStatus.CANCELED)
        elif sweep is None:
            self._start_sweep()
            return None
        if sweep is None or not sweep.status.is_terminal:
            return None
        return self._build_ending(self._workspace.runs.get_by_key(sweep.key))

    def get_timeout_seconds(self) -> float | None:
        """Return None, since the step waits only for its sweep to end."""
        return None

    def append_to_log(self, text: str) -> None:
        """Append a line to the log of the step; ignore errors, such as a full disk."""
        append_log_line(self._folder.artifacts / PIPELINE_LOG, text)

    def _start_sweep(self) -> None:
        template = read_template(self._workspace, self._folder.template)
        # The submitter's, not those of whoever has started this process.
        os.environ[NAMES_VARIABLE] = template.request.environment.get(NAMES_VARIABLE, "")
        plan = plan_sweep(self._workspace, read_sweep_definition(self._folder))
        sweep_id = get_sweep_id(self._run.run_id)
        self.append_to_log(f"Starting the sweep '{sweep_id}'.")
        request = template.request._replace(parent_run_id=self._run.run_id, properties={}, tags={})
        with Interruptions() as interruptions:
            self._children.add(start_sweep(self._workspace, sweep_id, request, template, plan, interruptions))

    def _build_ending(self, sweep: Run) -> Ending:
        names = ("score", "best_child_run_id", "best_metric_status", "best_data_container_id")
        best: Mapping[str, str] = {name: sweep.properties[name] for name in names if name in sweep.properties}
        if sweep.status is RunStatus.COMPLETED:
            try:
                keep_sweep_outputs(self._workspace, self._run)
            except OutputsNotKept as error:
                return Ending(RunStatus.FAILED, build_run_error(error.one_line, reason=error.code), best)
        if sweep.status is not RunStatus.FAILED:
            return Ending(sweep.status, properties=best)
        message = (sweep.error or {}).get("error", {}).get("message")
        what = f"The sweep {sweep.run_id} failed: {message}"
        return Ending(RunStatus.FAILED, build_run_error(what, code=USER_ERROR), best)
