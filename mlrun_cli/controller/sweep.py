"""The controller of a sweep: it samples, starts child runs, judges them by their primary metric, and ends them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from mlrun_cli.controller.children import Children
from mlrun_cli.controller.run_controller import Ending
from mlrun_cli.controller.sweep_metric import SweepMetric
from mlrun_cli.core.redaction import NAMES_VARIABLE
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.error import USER_ERROR, build_run_error
from mlrun_cli.runs.parameters import build_flag
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.runs.child_store import ChildState
from mlrun_cli.submit.sweep import read_sweep_plan
from mlrun_cli.submit.template import RunTemplate, read_template
from mlrun_cli.submit.template_runs import TemplateRun, start_batch_from_template, start_or_fail_from_template
from mlrun_cli.sweeps.arguments import add_values_to_arguments, add_values_to_command
from mlrun_cli.sweeps.records import TERMINATION_PROPERTY
from mlrun_cli.sweeps.run_tags import find_run_number, get_sampled_values
from mlrun_cli.sweeps.sampling import SamplingMethod, Trial
from mlrun_cli.sweeps.sweep_log import HYPERDRIVE_LOG, format_log_line
from mlrun_cli.wire.bookkeeping_tags import SAMPLED_VALUES_TAG, SWEEP_RUN
from mlrun_cli.workspace import Workspace

_SECONDS_PER_MINUTE = 60
_API, _GENERATOR, _SCHEDULER, _CONTROLLER = "API", "GENERATOR", "SCHEDULER", "CONTROLLER"


class SweepController:
    """Starts the runs of a sweep, and cancels those that its policy terminates.

    Run number n has the id `<sweep>_<n>`, so that none is started twice. Its sampled values are in a tag of the sweep
    before it is started; from the seed and n, random and grid sampling get the same values again.
    """

    def __init__(self, workspace: Workspace, run: Run) -> None:
        self._workspace = workspace
        self._run = run
        self._folder = workspace.get_run_folder(run.run_id)
        self._plan = read_sweep_plan(self._folder)
        definition = self._plan.definition
        self._definition = definition
        self._sampler = definition.sampling.create_sampler(definition.metric.goal)
        self._is_bayesian = definition.sampling.method is SamplingMethod.BAYESIAN
        self._template: RunTemplate | None = None
        self._children = Children(workspace, run)
        self._sampled_values: dict[int, Mapping[str, Any]] = dict(
            get_sampled_values(run.run_id, workspace.runs.get_tags(run.key))
        )
        self._next = 1 + max(map(self._get_run_number, self._children.all), default=-1)
        self._metric = SweepMetric(workspace, definition, [child.key for child in self._children.all])
        self._ends_at: int | None = None
        self._has_said_all = self._next >= self._plan.total_runs
        self._has_said_over = False
        self._has_places = False
        self._scheduled_id = ""
        """The id of the run whose start was logged last; while its engine is away, it is tried again and again."""

    def step(self, run: Run) -> Ending | None:
        """Cancel runs that the policy terminates, and start others; return the ending once all have ended, or None."""
        for child in self._children.refresh():
            self.append_to_log(f"'{child.run_id}' ended as {child.status.value}.")
        if self._definition.max_duration_minutes is not None and run.started_at is not None:
            limit = self._definition.max_duration_minutes * _SECONDS_PER_MINUTE * MICROSECONDS
            self._ends_at = run.started_at + limit
        grace = GRACE_SECONDS if run.cancel_grace_seconds is None else run.cancel_grace_seconds
        is_canceled, is_over = run.status is RunStatus.CANCEL_REQUESTED, self._has_reached_time_limit()
        if is_canceled or is_over:
            self._log_cancellation(is_canceled=is_canceled)
            self._children.cancel_all(grace)
        else:
            self._children.repeat_interrupted_starts(self._restart_run)
            self._apply_policy()
            self._start_next_runs()
        if self._children.live or not (is_canceled or is_over or self._next >= self._plan.total_runs):
            return None
        return self._build_ending(is_canceled=is_canceled)

    def get_timeout_seconds(self) -> float | None:
        """Return 0 if runs can be started now, else the seconds until the time limit; None if none is pending."""
        if self._has_places:
            return 0.0
        if self._ends_at is None or self._has_reached_time_limit():
            return None
        return max(0.0, (self._ends_at - now()) / MICROSECONDS)

    def append_to_log(self, text: str, component: str = _CONTROLLER, level: str = "INFO") -> None:
        """Append a line to the log of the sweep, in Azure's format; ignore errors, such as a full disk."""
        line = format_log_line(now(), component, level, text).encode()
        with suppress(OSError):
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(self._folder.artifacts / HYPERDRIVE_LOG, flags, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)

    def _has_reached_time_limit(self) -> bool:
        return self._ends_at is not None and now() >= self._ends_at

    def _log_cancellation(self, *, is_canceled: bool) -> None:
        if self._has_said_over:
            return
        self._has_said_over = True
        what = (
            "The sweep is canceled" if is_canceled else "The time limit of the sweep is reached (max_duration_minutes)"
        )
        self.append_to_log(f"{what}: {len(self._children.live)} live runs are canceled.")

    def _get_run_number(self, child: ChildState) -> int:
        number = find_run_number(self._run.run_id, child.run_id)
        return -1 if number is None else number

    def _get_run_id(self, run_number: int) -> str:
        return f"{self._run.run_id}_{run_number}"

    def _apply_policy(self) -> None:
        """Cancel the runs that the early termination policy selects, given all logged values."""
        for termination in self._metric.evaluate_new_values({child.key: child.run_id for child in self._children.all}):
            child = self._children.find(termination.run_id)
            if child is None or child.status.is_terminal or child.status is RunStatus.CANCEL_REQUESTED:
                continue
            reason = termination.format_reason(self._definition.metric.name)
            with self._workspace.transaction(durable=True):
                self._workspace.runs.add_properties(child.key, {TERMINATION_PROPERTY: reason})
            self.append_to_log(f"'{child.run_id}': {reason}")
            self._children.cancel(child, GRACE_SECONDS)

    def _start_next_runs(self) -> None:
        self._has_places = False
        places = self._definition.max_concurrent - len(self._children.live)
        numbers = range(self._next, min(self._plan.total_runs, self._next + places))
        if numbers:
            self._sample_missing_values(numbers)
        try:
            if len(numbers) > 1:
                template = self._load_template()
                start_batch_from_template(self._workspace, template, [self._build_run(template, n) for n in numbers])
            for number in numbers:
                self._start_run(number)
                self._next = number + 1
        except Exception:
            self._adopt_recorded_runs(numbers)
            raise
        if self._next >= self._plan.total_runs and not self._has_said_all:
            self._has_said_all = True
            self.append_to_log(f"Max number of jobs '{self._plan.total_runs}' reached.", _CONTROLLER)
            self.append_to_log("All jobs generated.", _GENERATOR)

    def _adopt_recorded_runs(self, run_numbers: Sequence[int]) -> None:
        """Add runs that are already recorded to the child runs, so that those with jobs can be canceled."""
        for number in run_numbers:
            run_id = self._get_run_id(number)
            key = self._workspace.runs.find_key(run_id)
            if key is not None and self._children.find(run_id) is None:
                self._children.add_interrupted_run(self._workspace.runs.get_by_key(key))
                self._next = number + 1

    def _sample_missing_values(self, run_numbers: Sequence[int]) -> None:
        """Sample the parameter values of runs that have none yet, and store them as tags of the sweep."""
        missing = [number for number in run_numbers if number not in self._sampled_values or not self._is_bayesian]
        new = [number for number in run_numbers if number not in self._sampled_values]
        if new:
            self.append_to_log(f"Trying to sample '{len(new)}' jobs from the hyperparameter space.", _GENERATOR)
        for number in missing:
            self._sampled_values[number] = self._sample_values(number)
        if new:
            tags = {self._get_run_id(number): json.dumps(self._sampled_values[number]) for number in new}
            with self._workspace.transaction(durable=True):
                self._workspace.runs.set_tags(self._run.key, tags)
            self.append_to_log(f"Successfully sampled '{len(new)}' jobs.", _GENERATOR)

    def _sample_values(self, run_number: int) -> Mapping[str, Any]:
        resumed = self._plan.resumed
        if run_number < len(resumed):
            return resumed[run_number].values
        return self._sampler.sample(run_number - len(resumed), self._list_trials() if self._is_bayesian else ())

    def _list_trials(self) -> Sequence[Trial]:
        best = self._metric.get_best_values([child.key for child in self._children.all])
        trials = {
            self._get_run_number(child): Trial(
                self._sampled_values.get(self._get_run_number(child), {}),
                best.get(child.key),
                not child.status.is_terminal,
            )
            for child in self._children.all
        }
        sampled = {number: Trial(values, None, is_live=True) for number, values in self._sampled_values.items()}
        own = {**sampled, **trials}
        return [*self._metric.list_earlier_trials(), *(own[number] for number in sorted(own))]

    def _start_run(self, run_number: int) -> None:
        """Start the run with this number; if that fails, the run is recorded as Failed."""
        run_id = self._get_run_id(run_number)
        if run_id != self._scheduled_id:
            self._scheduled_id = run_id
            self.append_to_log(f"Scheduling job, id='{run_id}'", _SCHEDULER)
        template = self._load_template()
        run = start_or_fail_from_template(self._workspace, template, self._build_run(template, run_number))
        self._children.add(run)
        if run.status is RunStatus.FAILED:
            self._has_places = True
            message = (run.error or {}).get("error", {}).get("message")
            self.append_to_log(f"'{run_id}' could not be started: {message}", _SCHEDULER, "ERROR")
        else:
            self.append_to_log(f"Successfully scheduled a job. Id='{run_id}'", _SCHEDULER)

    def _restart_run(self, run_id: str) -> None:
        number = find_run_number(self._run.run_id, run_id)
        if number in self._sampled_values:
            self._start_run(number)

    def _build_run(self, template: RunTemplate, run_number: int) -> TemplateRun:
        configuration, values = template.resolution.configuration, self._sampled_values[run_number]
        resumed = self._plan.resumed[run_number] if run_number < len(self._plan.resumed) else None
        command, flags = configuration.command, self._definition.sampling.flags
        if command is not None:
            command = add_values_to_command(command, values, flags)
        resumption = () if resumed is None else ("--resume-from", "outputs")
        return TemplateRun(
            self._get_run_id(run_number),
            parent_run_id=self._run.run_id,
            arguments=(*add_values_to_arguments(configuration.arguments, values, flags), *resumption),
            command=(*command, *resumption) if isinstance(command, tuple) else command,
            resumed_run_id=None if resumed is None else resumed.run_id,
            tags={SAMPLED_VALUES_TAG: json.dumps(values)},
            properties={"azureml.runsource": SWEEP_RUN},
            absent_flags=[build_flag(name) for name in flags if not values[name]],
        )

    def _load_template(self) -> RunTemplate:
        if self._template is None:
            self._template = read_template(self._workspace, self._folder.template)
            names = self._template.request.environment.get(NAMES_VARIABLE, "")
            os.environ[NAMES_VARIABLE] = names  # the submitter's, not those of whoever has started this process
        return self._template

    def _build_ending(self, *, is_canceled: bool) -> Ending:
        children = self._children.all
        properties = self._build_best_run_properties()
        has_completed = any(child.status is RunStatus.COMPLETED for child in children)
        warnings = (
            [self._metric.build_missing_metric_warning([child.key for child in children])]
            if has_completed and not properties
            else []
        )
        for warning in warnings:
            self.append_to_log(warning, _CONTROLLER, "WARNING")
        if is_canceled:
            return Ending(RunStatus.CANCELED, properties=properties, warnings=warnings)
        if children and all(child.status is RunStatus.FAILED for child in children):
            first = self._workspace.runs.get_by_key(children[0].key)
            message = (first.error or {}).get("error", {}).get("message")
            count = len(children)
            failed = "The only child run failed, " if count == 1 else f"All {count} child runs failed. The first one, "
            what = f"{failed}'{first.run_id}': {message}"
            return Ending(RunStatus.FAILED, build_run_error(what, code=USER_ERROR), properties, warnings)
        return Ending(RunStatus.COMPLETED, properties=properties, warnings=warnings)

    def _build_best_run_properties(self) -> Mapping[str, str]:
        """Log which run is best, and return the sweep's properties that name it; empty if none logged the metric."""
        children = self._children.all
        best = self._metric.find_best_run([child.key for child in children])
        if best is None:
            return {}
        key, score = best
        run_id = next(child.run_id for child in children if child.key == key)
        self.append_to_log(f"The best run is '{run_id}': {self._definition.metric.name} {score!r}.")
        return {
            "score": str(score),
            "best_child_run_id": run_id,
            "best_metric_status": "Succeeded",
            "best_data_container_id": f"dcid.{run_id}",
        }
