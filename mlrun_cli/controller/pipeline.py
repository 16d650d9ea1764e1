"""The controller of a pipeline, which starts steps once their inputs exist, or reuses earlier results."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from enum import Enum, auto

from mlrun_cli.controller.children import Children
from mlrun_cli.controller.log_lines import append_log_line
from mlrun_cli.controller.run_controller import Ending
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.redaction import NAMES_VARIABLE
from mlrun_cli.errors import DataNotFound, MlrunError, UsageError
from mlrun_cli.pipelines.plan import read_pipeline_plan
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.error import USER_ERROR, build_run_error
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.runs.child_store import ChildState
from mlrun_cli.submit.pipeline import STDERR_LOG
from mlrun_cli.submit.pipeline_outputs import OutputsNotKept, keep_outputs
from mlrun_cli.submit.pipeline_reuse import (
    FINISH_RECORD,
    ResolvedStep,
    Reuse,
    determine_reuse,
    get_origin_id,
    write_fingerprint,
)
from mlrun_cli.submit.pipeline_start import start_step
from mlrun_cli.submit.pipeline_step import StepPlan
from mlrun_cli.submit.sweep_step import keep_sweep_outputs
from mlrun_cli.submit.template import RunTemplate, read_template
from mlrun_cli.targets.engine import EngineTarget
from mlrun_cli.targets.errors import EngineUnavailable, SharedFolderUnavailable
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.wire.run_folder import PIPELINE_LOG
from mlrun_cli.workspace import Workspace


class _Stage(Enum):
    """The progress of a step."""

    WAITING = auto()
    LIVE = auto()
    DONE = auto()
    FAILED = auto()
    CANCELED = auto()


_ENDED = {RunStatus.FAILED: _Stage.FAILED, RunStatus.CANCELED: _Stage.CANCELED}
_UNSUCCESSFUL = {_Stage.FAILED, _Stage.CANCELED}


class PipelineController:
    """Starts the steps of a pipeline, and ends the pipeline when they have ended.

    The id of a step run is derived from those of the pipeline run and of the step, so that none is started twice.
    """

    def __init__(self, workspace: Workspace, run: Run) -> None:
        self._workspace = workspace
        self._folder = workspace.get_run_folder(run.run_id)
        self._plan = read_pipeline_plan(self._folder)
        graph, values = self._plan.graph, self._plan.values
        self._steps = {step.key: StepPlan(graph, step, values, run.run_id) for step in graph.iterate_in_order()}
        self._children = Children(workspace, run)
        self._problems: dict[str, str | None] = {}
        """Why the results of an ended step cannot be used, by its key; None if they can."""
        self._origins: dict[str, str] = {}
        """The ids of the runs that wrote the results of steps, by the keys of these."""
        self._submitted: set[str] = set()
        """The steps that were logged as submitted; while an engine is away, they are tried again and again."""
        self._away: set[str] = set()
        """The targets that were away when steps were last started."""

    def step(self, run: Run) -> Ending | None:
        """Start ready steps, or cancel live ones if the run is to end; return the ending once none is live, or None."""
        self._children.refresh()
        stages = self._determine_stages()
        is_canceled = run.status is RunStatus.CANCEL_REQUESTED
        is_over = not self._plan.continue_on_step_failure and bool(_UNSUCCESSFUL & set(stages.values()))
        if is_canceled or is_over:
            grace = GRACE_SECONDS if run.cancel_grace_seconds is None else run.cancel_grace_seconds
            self._children.cancel_all(grace)
        else:
            stages = self._start_ready_steps()
        if self._children.live:
            return None
        return Ending(RunStatus.CANCELED) if is_canceled else self._build_ending(stages)

    def get_timeout_seconds(self) -> float | None:
        """Return None, since a pipeline waits only for its steps to end."""
        return None

    def _start_ready_steps(self) -> dict[str, _Stage]:
        """Start the steps whose start was interrupted, then those whose inputs are ready; return the new stages.

        Raises:
            EngineUnavailable, SharedFolderUnavailable: of a target that is away; the steps of all others are started.
        """
        away: MlrunError | None = None
        try:
            self._children.repeat_interrupted_starts(self._restart_step)
        except (EngineUnavailable, SharedFolderUnavailable) as error:
            away = error
        stages = self._determine_stages()
        while ready := self._list_ready_steps(stages):  # those after a reused step are ready at once
            self._start_steps(ready)
            stages = self._determine_stages()
        if away is not None:
            raise away
        return stages

    def append_to_log(self, text: str) -> None:
        """Append a line to the log of the pipeline; ignore errors, such as a full disk."""
        append_log_line(self._folder.artifacts / PIPELINE_LOG, text)

    def _append_error_to_log(self, text: str) -> None:
        append_log_line(self._folder.artifacts / STDERR_LOG, text)

    def _determine_stages(self) -> dict[str, _Stage]:
        return {key: self._determine_stage(plan) for key, plan in self._steps.items()}

    def _determine_stage(self, plan: StepPlan) -> _Stage:
        """Return the stage of a step, after storing the outputs of a run that has just ended."""
        child = self._children.find(plan.run_id)
        if child is None:
            return _Stage.WAITING
        if not child.status.is_terminal:
            return _Stage.LIVE
        if plan.step.key not in self._problems:
            self._problems[plan.step.key] = self._finish_step(plan, child)
        return _ENDED.get(child.status) or (_Stage.DONE if self._problems[plan.step.key] is None else _Stage.FAILED)

    def _list_ready_steps(self, stages: Mapping[str, _Stage]) -> list[str]:
        return [
            key
            for key, plan in self._steps.items()
            if stages[key] is _Stage.WAITING
            and all(stages[upstream] is _Stage.DONE for upstream in plan.step.list_upstream_keys())
        ]

    def _finish_step(self, plan: StepPlan, child: ChildState) -> str | None:
        """Record the end of a step, once; return the reason why its outputs cannot be used, or None if they can.

        Its supervisor has stored them before the step ended, unless the disk was full or the supervisor died.
        """
        key = plan.step.key
        record = self._folder.steps / key / FINISH_RECORD
        document = read_json(record)
        if document is None:
            problem = None if child.status is RunStatus.COMPLETED else f"it is {child.status.value}"
            try:
                if problem is None and self._get_origin_run_id(plan, child) == child.run_id:
                    keep = keep_outputs if plan.step.sweep is None else keep_sweep_outputs
                    keep(self._workspace, self._workspace.runs.get_by_key(child.key))
            except OutputsNotKept as error:
                problem = error.message
                warnings = self._workspace.runs.get_by_key(child.key).warnings
                with self._workspace.transaction():
                    self._workspace.runs.update(child.key, warnings=(*warnings, problem))
            document = {"problem": problem}
            write_json(record, document, durable=True)
            self.append_to_log(f"Completing processing run id {child.run_id}.")
            if problem is not None:
                text = f"Step '{plan.step.name}' [{child.run_id}]: {problem}"
                self.append_to_log(text)
                self._append_error_to_log(text)
        self._get_origin_run_id(plan, child)
        return None if document["problem"] is None else str(document["problem"])

    def _get_origin_run_id(self, plan: StepPlan, child: ChildState) -> str:
        """Return the id of the run that wrote a step's outputs: the step's own, or an earlier run that it reuses."""
        key = plan.step.key
        if key not in self._origins:
            self._origins[key] = get_origin_id(self._workspace.runs.get_by_key(child.key))
        return self._origins[key]

    def _start_steps(self, keys: Sequence[str]) -> None:
        """Start steps whose inputs are ready; an unavailable target delays only its own steps.

        Raises:
            EngineUnavailable, SharedFolderUnavailable: of the first target that is away.
        """
        names = [f"{key}:{self._steps[key].run_id}" for key in keys if key not in self._submitted]
        if names:
            self._submitted.update(keys)
            self.append_to_log(f"Submitting {len(names)} runs, first five are: {','.join(names[:5])}")
        first: MlrunError | None = None
        were_away, self._away = self._away, set()
        for key in keys:
            plan = self._steps[key]
            template = self._read_template(key)
            reuse = self._decide_reuse(plan, template)
            needs_target = reuse is None or reuse.run is None
            if needs_target and template.target in self._away:
                continue
            try:
                if needs_target and template.target in were_away:
                    self._check_engine_available(plan, template)
                self._start_step(plan, template, reuse)
            except (EngineUnavailable, SharedFolderUnavailable) as error:
                self._away.add(template.target)
                first = first or error
        if first is not None:
            raise first

    def _start_step(self, plan: StepPlan, template: RunTemplate, reuse: Reuse | None) -> None:
        run = start_step(self._workspace, plan, template, self._origins, reuse)
        self._children.add(run)
        if reuse is not None:
            self.append_to_log(f"Step '{plan.step.name}' [{run.run_id}]: {reuse.reason}")
            append_log_line(self._workspace.get_run_folder(run.run_id).uploads / PIPELINE_LOG, reuse.reason)

    def _check_engine_available(self, plan: StepPlan, template: RunTemplate) -> None:
        """Raise if a step has no run yet and the engine for it is unavailable, so that no run is created in vain."""
        target = get_target(self._workspace, template.target)
        if isinstance(target, EngineTarget) and self._workspace.runs.find_key(plan.run_id) is None:
            try:
                target.find_job_id(plan.run_id)
            except EngineUnavailable:
                raise
            except MlrunError:  # the start of the step meets it as well, and says so
                return

    def _restart_step(self, run_id: str) -> None:
        """Start the run of a step again after an interrupted start, without reusing earlier results; ignore sweeps."""
        plan = next((plan for plan in self._steps.values() if plan.run_id == run_id), None)
        if plan is not None and plan.step.sweep is None:  # the run of a sweep has a controller
            template = self._read_template(plan.step.key)
            self._children.add(start_step(self._workspace, plan, template, self._origins, None))

    def _decide_reuse(self, plan: StepPlan, template: RunTemplate) -> Reuse | None:
        """Decide whether a step reuses an earlier result, and record this; return None if an input is missing."""
        forced, resolved = self._plan.regenerate_outputs, ResolvedStep.from_template(template)
        try:
            reuse = determine_reuse(self._workspace, plan, resolved, self._origins, is_forced=forced)
        except (DataNotFound, UsageError):  # the start of the step fails it for the same reason
            return None
        write_fingerprint(self._folder.steps / plan.step.key, reuse.fingerprint)
        return reuse

    def _read_template(self, step_key: str) -> RunTemplate:
        template = read_template(self._workspace, self._folder.steps / step_key)
        # The submitter's, not those of whoever has started this process.
        os.environ[NAMES_VARIABLE] = template.request.environment.get(NAMES_VARIABLE, "")
        return template

    def _build_ending(self, stages: Mapping[str, _Stage]) -> Ending:
        failed = [self._steps[key] for key, stage in stages.items() if stage is _Stage.FAILED]
        if failed:
            message = self._describe_failure(failed[0])
            self._append_error_to_log(message)
            return Ending(RunStatus.FAILED, build_run_error(message, code=USER_ERROR))
        canceled = [self._steps[key].step.name for key, stage in stages.items() if stage is _Stage.CANCELED]
        if canceled:
            names = ", ".join(f"'{name}'" for name in canceled)
            return Ending(RunStatus.CANCELED, warnings=[f"The pipeline ends as Canceled, since a step was: {names}."])
        return Ending(RunStatus.COMPLETED)

    def _describe_failure(self, plan: StepPlan) -> str:
        run = self._workspace.runs.get(plan.run_id)
        message = (run.error or {}).get("error", {}).get("message") or self._problems[plan.step.key]
        return f"The step '{plan.step.name}' ({run.run_id}) failed: {message}"
