"""Dry runs of pipelines: the steps in their order, which of them would be reused, and the runs of the others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import DataNotFound, UsageError
from mlrun_cli.pipelines.data_flow import compute_step_run_id, locate_output, resolve_source
from mlrun_cli.pipelines.graph import DataPath, DatasetReference, Graph, Step, StepOutput
from mlrun_cli.pipelines.plan import PipelinePlan
from mlrun_cli.pipelines.redaction import find_secret_parameters
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.snapshot import SnapshotEntry
from mlrun_cli.snapshots.take import preview_entries
from mlrun_cli.submit.dry_run import PlannedRun, build_dry_run_record, plan_run
from mlrun_cli.submit.pipeline import (
    PipelineRequest,
    check_sweep_step,
    plan_pipeline,
    resolve_steps,
)
from mlrun_cli.submit.pipeline_reuse import ResolvedStep, determine_reuse, get_origin_id
from mlrun_cli.submit.pipeline_step import StepPlan
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.workspace import Workspace


def dry_run_pipeline(workspace: Workspace, request: PipelineRequest) -> dict[str, Any]:
    """Return a record of what `submit_pipeline` would start, without starting or storing anything.

    Keys are `name`, `experiment_name`, `parameters`, `continue_on_step_failure`, `notes` and `steps`. Each step, in an
    order in which they can run, has `name`, `key`, `kind`, `runs_after` (names of steps), `is_reused`, `reused_run_id`,
    `reason`, `inputs`, `outputs`, `sweep` and `run`, the record of the dry run of its script. In paths, `<run of NAME>`
    stands for the id of a step run that is not known yet.

    Raises:
        MlrunError: any error that the submission would raise.
    """
    plan = plan_pipeline(workspace, request)
    redactor = Redactor.from_environment(request.environment)
    secrets = find_secret_parameters(plan.graph, plan.values, redactor)
    sources: dict[Path, tuple[SnapshotEntry, ...]] = {}

    def resolve(step: Step, step_request: SubmitRequest) -> tuple[tuple[PlannedRun, ResolvedStep], Sequence[str]]:
        planned = plan_run(workspace, step_request)
        check_sweep_step(workspace, step, planned.resolution)
        entries = _list_entries(workspace, step_request, planned.resolution.source, sources)
        return (planned, ResolvedStep(request.experiment_name, planned.resolution, entries, is_preview=True)), ()

    resolved, notes = resolve_steps(workspace, request, plan, secrets, resolve)
    document = plan.to_json(secrets, redactor)
    stored = PipelinePlan.from_json(document)  # as the controller would read it, without secrets
    reuses = _Reuses(workspace, stored)
    steps = []
    for step in stored.graph.iterate_in_order():
        planned, resolved_step = resolved[step.key]
        reuse = reuses.decide_reuse(step, resolved_step)
        steps.append(
            {
                "name": step.name,
                "key": step.key,
                "kind": step.kind,
                "runs_after": [_get_name(stored.graph, key) for key in step.list_upstream_keys()],
                **reuse,
                **_build_data_records(step, stored),
                "sweep": step.sweep,
                "run": build_dry_run_record(planned, request.experiment_name),
            }
        )
    return {
        "name": request.graph.name,
        "experiment_name": request.experiment_name,
        "parameters": document["values"],
        "continue_on_step_failure": plan.continue_on_step_failure,
        "notes": list(notes),
        "steps": reuses.replace_step_run_ids(steps),
    }


def _list_entries(
    workspace: Workspace, request: SubmitRequest, source: Path, known: dict[Path, tuple[SnapshotEntry, ...]]
) -> tuple[SnapshotEntry, ...]:
    """Return the entries of the snapshot from which a step would run, reading each source folder only once."""
    if request.earlier is not None:
        return request.earlier.snapshot.entries
    if source not in known:
        limits = SnapshotLimits.from_environment(request.environment)
        store = SnapshotStore(workspace.snapshots_folder)
        known[source] = preview_entries(source, store, limits=limits, exclude=[workspace.home])
    return known[source]


class _Reuses:
    """The decisions which steps of a pipeline would reuse earlier results."""

    def __init__(self, workspace: Workspace, plan: PipelinePlan) -> None:
        self._workspace = workspace
        self._plan = plan
        self._origins: dict[str, str] = {}

    def decide_reuse(self, step: Step, resolved: ResolvedStep) -> dict[str, Any]:
        """Return `is_reused`, `reused_run_id` and `reason` for a step whose upstream steps have been decided on."""
        run, reason = self._find_run(step, resolved)
        if run is not None:
            self._origins[step.key] = get_origin_id(run)
        return {"is_reused": run is not None, "reused_run_id": None if run is None else run.run_id, "reason": reason}

    def _find_run(self, step: Step, resolved: ResolvedStep) -> tuple[Run | None, str]:
        plan = self._plan
        step_plan = StepPlan(plan.graph, step, plan.values, plan.run_id)
        new = [
            _get_name(plan.graph, source.step)
            for source in (resolve_source(one, plan.values) for one in step.inputs.values())
            if isinstance(source, StepOutput) and source.step not in self._origins
        ]
        if new and step.allow_reuse and not plan.regenerate_outputs:
            return None, f"Not reused: it reads what '{new[0]}' would write."
        try:
            origins = {**dict.fromkeys((one.key for one in plan.graph.steps), ""), **self._origins}
            found = determine_reuse(self._workspace, step_plan, resolved, origins, is_forced=plan.regenerate_outputs)
        except (DataNotFound, UsageError) as error:
            return None, f"Not known yet: {error.message}"
        return found.run, found.reason

    def replace_step_run_ids(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return records with the ids of step runs replaced with the reused run's id or else the step's name."""
        text = json.dumps(records)
        for step in self._plan.graph.steps:
            run_id = compute_step_run_id(self._plan.run_id, step.key)
            text = text.replace(run_id, self._origins.get(step.key, json.dumps(f"<run of {step.name}>")[1:-1]))
        named: list[dict[str, Any]] = json.loads(text)
        return named


def _build_data_records(step: Step, plan: PipelinePlan) -> dict[str, dict[str, Any]]:
    """Return records of the `inputs` and `outputs` of a step, keyed by name."""
    graph, run_id = plan.graph, compute_step_run_id(plan.run_id, step.key)
    places = {key: locate_output(graph, run_id, key, output) for key, output in step.outputs.items()}
    return {
        "inputs": {
            key: {"mode": one.mode, **_describe_source(graph, resolve_source(one, plan.values))}
            for key, one in step.inputs.items()
        },
        "outputs": {key: {"datastore": place.datastore, "path": place.path} for key, place in places.items()},
    }


def _describe_source(graph: Graph, source: DataPath | DatasetReference | StepOutput) -> Mapping[str, Any]:
    if isinstance(source, StepOutput):
        return {"step": _get_name(graph, source.step), "output": source.name}
    if isinstance(source, DataPath):
        return {"datastore": source.datastore or graph.default_datastore, "path": source.path}
    return {"dataset": source.to_json()}


def _get_name(graph: Graph, key: str) -> str:
    step = graph.find_step(key)
    assert step is not None  # the graph has been checked
    return step.name
