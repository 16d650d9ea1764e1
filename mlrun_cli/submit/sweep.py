"""The submit of a sweep: a run whose controller starts child runs with sampled hyperparameters."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.owned_file import OwnedFile
from mlrun_cli.core.time import now
from mlrun_cli.errors import ConflictingOptions, LimitExceeded, RunNotEnded, StoredFilesLost
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.stream_lock import acquire_stream_lock
from mlrun_cli.snapshots.pruning import prevent_pruning
from mlrun_cli.snapshots.snapshot import SNAPSHOT_PROPERTY
from mlrun_cli.submit.controlled_run import ControlledRun, start_controlled_run
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.run_definition import build_run_definition
from mlrun_cli.submit.submitted import Progress, Submitted
from mlrun_cli.submit.template import RunTemplate, create_template
from mlrun_cli.sweeps.arguments import build_option, list_names_without_placeholder
from mlrun_cli.sweeps.definition import SweepDefinition, definition_from_json
from mlrun_cli.sweeps.run_tags import PLATFORM, find_run_number, get_sampled_values
from mlrun_cli.sweeps.sweep_log import HYPERDRIVE_LOG, format_log_line
from mlrun_cli.wire.bookkeeping_tags import SWEEP_RUN
from mlrun_cli.workspace import Workspace

SWEEP = "sweep"
_MAX_RESUMED = 5


class ResumedRun(NamedTuple):
    """An ended run that a sweep runs again as one of its child runs, and its parameter values."""

    run_id: str
    values: Mapping[str, Any]


class SweepPlan(NamedTuple):
    """The information that the controller of a sweep needs, besides the template of the runs.

    Attributes:
        definition: the definition, with a seed.
        resumed: the runs that are started again before any values are sampled.
    """

    definition: SweepDefinition
    resumed: Sequence[ResumedRun] = ()

    @property
    def total_runs(self) -> int:
        """The number of child runs that the sweep starts unless it ends early."""
        size = self.definition.sampling.space_size
        sampled = self.definition.max_total if size is None else size
        return min(self.definition.max_total, len(self.resumed) + sampled)


def submit_sweep(
    workspace: Workspace,
    request: SubmitRequest,
    definition: SweepDefinition,
    interruptions: Interruptions,
    *,
    run_id: str | None = None,
    properties: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    report: Callable[[str], None] | None = None,
) -> Submitted:
    """Record a sweep and start its controller; return the sweep's run with notes.

    Args:
        workspace: the workspace of the sweep.
        request: the request for its child runs. Its experiment, parent, names, tags, properties and addresses are those
            of the sweep.
        definition: what is sampled, and how the runs are compared.
        interruptions: blocked once the sweep is recorded; unblocked by the caller.
        run_id: the id of the run, by default a new one; a sweep with this id is submitted only once.
        properties: more properties of the sweep.
        progress: called while the snapshot is taken.
        report: called with a message if the function has to wait for long.

    Raises:
        UsageError: the request is not valid, or a run to resume from has not ended.
        ProgramNotFound: Bayesian sampling needs a package that is not installed.
        MlrunError: the environment cannot be provided, or a file or row cannot be stored.
    """
    run_id = run_id or f"HD_{generate_guid()}"
    if workspace.runs.find_key(run_id) is not None:
        return Submitted(
            start_controlled_run(workspace, _build_controlled_run(run_id), lambda _: None, interruptions), (), ()
        )
    plan = plan_sweep(workspace, definition)
    children = request._replace(
        tags={},
        properties={},
        parent_run_id=None,
        display_name=None,
        description=None,
        notify=(),
        first_rerun_of=None,
        ends_with_stream=False,
    )
    held: list[OwnedFile] = []

    def bind_to_stream(folder: RunFolder) -> None:
        held.extend([acquire_stream_lock(folder)] if request.ends_with_stream else ())

    with prevent_pruning(workspace.snapshots_folder, report):
        template = create_template(workspace, children, progress=progress, report=report)
        run = start_sweep(
            workspace, run_id, request, template, plan, interruptions, properties=properties, prepare=bind_to_stream
        )
    details = (f"Seed: {plan.definition.sampling.seed}", f"Snapshot: {template.snapshot.snapshot_id}")
    notes = (*template.notes, *_list_argument_warnings(template, plan.definition))
    return Submitted(run, notes, details, held[0] if held else None)


def plan_sweep(workspace: Workspace, definition: SweepDefinition) -> SweepPlan:
    """Return the plan of a sweep, with a random seed unless the definition contains one.

    Raises:
        UsageError: a run to resume from has not ended.
        ProgramNotFound: Bayesian sampling needs a package that is not installed.
    """
    definition = definition.with_seed()
    definition.sampling.create_sampler(definition.metric.goal)
    _check_resumed_sweeps(workspace, definition)
    return SweepPlan(definition, [_get_resumed_run(workspace, each) for each in definition.resume_child_runs])


def start_sweep(
    workspace: Workspace,
    run_id: str,
    request: SubmitRequest,
    template: RunTemplate,
    plan: SweepPlan,
    interruptions: Interruptions,
    *,
    properties: Mapping[str, str] | None = None,
    prepare: Callable[[RunFolder], None] = lambda _: None,
) -> Run:
    """Record a sweep, unless one with its id exists, and start its controller; return the sweep's run.

    `prepare` is called with the folder of the run before that is recorded.

    Raises:
        UsageError: what the template starts takes no arguments.
        MlrunError: the sweep cannot be recorded.
    """
    check_sweep_arguments(template.resolution.configuration.command, plan)
    request = template.resolution.redact_request(request)
    new = _build_run(run_id, request, template, plan)._replace(
        properties={**_build_properties(template, plan), **request.properties, **(properties or {})}
    )

    def write_files(folder: RunFolder) -> None:
        _write_files(folder, template, plan, request.tags)
        prepare(folder)

    return start_controlled_run(workspace, new, write_files, interruptions)


def read_sweep_plan(folder: RunFolder) -> SweepPlan:
    """Return the plan of a sweep, read from the folder of its run.

    Raises:
        StoredFilesLost: the file is gone or damaged.
        OSError: the file cannot be read.
    """
    document = read_json(_get_plan_path(folder))
    if document is None:
        raise StoredFilesLost(f"The file {_get_plan_path(folder)} is gone or damaged.", hint="Submit the sweep again.")
    resumed = [ResumedRun(each["run_id"], each["values"]) for each in document["resumed"]]
    return SweepPlan(definition_from_json(document["definition"]), resumed)


def read_submitted_tags(folder: RunFolder) -> Mapping[str, str | None]:
    """Return the tags that a sweep was submitted with, without the tags that record its progress.

    Raises:
        OSError: the file cannot be read.
    """
    tags: Mapping[str, str | None] = (read_json(_get_plan_path(folder)) or {}).get("tags", {})
    return tags


def _build_controlled_run(run_id: str) -> ControlledRun:
    return ControlledRun(run_id, "", SWEEP, SWEEP_RUN, ())


def _get_plan_path(folder: RunFolder) -> Path:
    return folder.path / "sweep.json"


def _write_files(folder: RunFolder, template: RunTemplate, plan: SweepPlan, tags: Mapping[str, str | None]) -> None:
    folder.template.mkdir(mode=0o700)
    template.write(folder.template)
    document = {
        "definition": plan.definition.to_json(),
        "resumed": [{"run_id": each.run_id, "values": dict(each.values)} for each in plan.resumed],
        "tags": dict(tags),
    }
    write_json(_get_plan_path(folder), document, durable=True)
    line = format_log_line(now(), "API", "INFO", "Experiment created.")
    (folder.artifacts / HYPERDRIVE_LOG).write_text(line, encoding="utf-8")


def _build_run(run_id: str, request: SubmitRequest, template: RunTemplate, plan: SweepPlan) -> ControlledRun:
    resolution, definition = template.resolution, plan.definition
    overrides = build_run_definition(resolution.configuration, template.submission, resolution.redactor)
    documents = definition.to_json()
    platform = {
        "Definition": {"Overrides": overrides, "SnapshotId": template.snapshot.snapshot_id},
        "ParentRunId": run_id,
        "ExperimentName": request.experiment_name,
    }
    configuration = {name: json.dumps(value) for name, value in {**documents, PLATFORM: platform}.items()}
    return ControlledRun(
        run_id=run_id,
        experiment_name=request.experiment_name,
        controller=SWEEP,
        run_type=SWEEP_RUN,
        logs=[HYPERDRIVE_LOG],
        target=template.target,
        parent_run_id=request.parent_run_id,
        script_name=None if template.submission.is_command else template.submission.argv[0],
        display_name=request.display_name,
        description=request.description,
        tags={**configuration, **request.tags},
        notify=request.notify,
        first_rerun_of=request.first_rerun_of,
    )


def _build_properties(template: RunTemplate, plan: SweepPlan) -> Mapping[str, str]:
    definition = plan.definition
    size = definition.sampling.space_size
    return {
        "primary_metric_config": json.dumps(definition.metric.to_json()),
        "resume_from": json.dumps(list(definition.resume_from) or None),
        "runTemplate": "HyperDrive",
        "azureml.runsource": SWEEP_RUN,
        "platform": "AML",
        SNAPSHOT_PROPERTY: template.snapshot.snapshot_id,
        **({} if size is None else {"space_size": str(size)}),
        **template.git_properties,
    }


def _check_resumed_sweeps(workspace: Workspace, definition: SweepDefinition) -> None:
    """Raise if there are too many runs to resume from, or one of them is not a sweep or has not ended."""
    if len(definition.resume_from) > _MAX_RESUMED:
        raise LimitExceeded(
            f"A sweep can resume from {_MAX_RESUMED} others, and {len(definition.resume_from)} are named.",
            hint="Name those with the best runs.",
            target="resume_from",
        )
    for run_id in definition.resume_from:
        run = workspace.runs.get(run_id)
        if run.run_type != SWEEP_RUN:
            raise ConflictingOptions(
                f"The run '{run_id}' is not a sweep, so no other can resume from it.",
                hint="Name the parent of its runs ('mlrun run list' shows them with the type hyperdrive).",
                target="resume_from",
            )
        _check_has_ended(run)


def _get_resumed_run(workspace: Workspace, run_id: str) -> ResumedRun:
    run = workspace.runs.get(run_id)
    _check_has_ended(run)
    number = None if run.parent_run_id is None else find_run_number(run.parent_run_id, run_id)
    if run.parent_run_id is None or number is None:
        raise ConflictingOptions(
            f"The run '{run_id}' is not one of a sweep, so none can resume it.",
            hint=f"Go on with a single run: mlrun run resume -r {run_id}",
            target="resume_child_runs",
        )
    sampled = get_sampled_values(run.parent_run_id, workspace.runs.get(run.parent_run_id).tags)
    return ResumedRun(run.run_id, sampled.get(number, {}))


def _check_has_ended(run: Run) -> None:
    if not run.status.is_terminal:
        raise RunNotEnded(
            f"The run '{run.run_id}' has not ended, so a sweep cannot resume from it.",
            hint=f"Wait for it, or end it: mlrun run cancel -r {run.run_id}",
            target=run.run_id,
        )
    if run.run_type == SWEEP_RUN and run.status is RunStatus.FAILED:
        raise ConflictingOptions(
            f"The sweep '{run.run_id}' has failed, so no other can resume from it.",
            hint="Resume its single runs instead (resume_child_runs).",
            target=run.run_id,
        )


def check_sweep_arguments(command: str | Sequence[str] | None, plan: SweepPlan) -> None:
    """Raise UsageError if a command is a string for a shell without a placeholder for each sampled argument."""
    if not isinstance(command, str):
        return
    missing = list_names_without_placeholder([command], plan.definition.sampling.space)
    if missing or plan.resumed:
        names = ", ".join(f"{{{name}}}" for name in missing) or "--resume-from"
        raise ConflictingOptions(
            f"The command is text for a shell, and has no place for {names}.",
            hint="Write {NAME} where a value belongs, or the command as words (--command python -m train).",
            target="command",
        )


def _list_argument_warnings(template: RunTemplate, definition: SweepDefinition) -> Sequence[str]:
    """Return a warning for each parameter of the sweep that the arguments also set to a fixed value."""
    fixed = {word.partition("=")[0] for word in template.resolution.argv[1:]}
    appended = list_names_without_placeholder(template.resolution.argv, definition.sampling.space)
    return [
        f"{name}: the script gets it twice, as a fixed argument and from the sweep, which comes last."
        for name in map(build_option, appended)
        if name in fixed
    ]
