"""The submit of a pipeline: a run whose controller starts each step as soon as its inputs are available."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from mlrun_cli.actions.datastores import get_default_datastore_name
from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.names import check_display_name, check_experiment_name
from mlrun_cli.core.problems import Problems, list_problems
from mlrun_cli.core.redaction import LEAST_LETTERS, NAMES_VARIABLE, Redactor
from mlrun_cli.errors import MlrunError
from mlrun_cli.pipelines.graph import Graph, Step
from mlrun_cli.pipelines.parameter_values import assign_parameters, format_parameter_value
from mlrun_cli.pipelines.plan import PLAN_FILE, PipelinePlan
from mlrun_cli.pipelines.redaction import SecretParameters, find_secret_parameters, redact_parameter
from mlrun_cli.pipelines.run_types import CONTINUES_PROPERTY, PARAMETERS_PROPERTY, PIPELINE_RUN
from mlrun_cli.pipelines.validation import check_graph
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.pruning import prevent_pruning
from mlrun_cli.submit.controlled_run import ControlledRun, start_controlled_run
from mlrun_cli.submit.parallel_run import check_partition_keys
from mlrun_cli.submit.pipeline_step import StepPlan, build_step_request
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.resolution import Resolution
from mlrun_cli.submit.submitted import Progress
from mlrun_cli.submit.sweep import check_sweep_arguments, plan_sweep
from mlrun_cli.submit.template import RunTemplate, create_template
from mlrun_cli.sweeps.definition import definition_from_json
from mlrun_cli.wire.run_folder import PIPELINE_LOG
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.environments.mode import EnvironmentChoice
    from mlrun_cli.runs.retry_policy import RetryPolicy
    from mlrun_cli.submit.earlier_runs import EarlierRun

PIPELINE = "pipeline"
STDERR_LOG = "logs/azureml/stderrlogs.txt"
_LOGS = (PIPELINE_LOG, STDERR_LOG, "logs/azureml/stdoutlogs.txt")
_CAN_REUSE = "This step is eligible to reuse a previous run's output"
_RUNS = "This step will run and generate new outputs"
_Resolved = TypeVar("_Resolved")


class PipelineRequest(NamedTuple):
    """A request to submit a pipeline.

    Attributes:
        graph: the pipeline.
        experiment_name: the experiment of its run and of those of its steps.
        path: the attached folder.
        environment: the submitter's variables, which the scripts get.
        values: JSON values that replace defaults of parameters.
        regenerate_outputs: whether every step runs, whatever there is of earlier results.
        continue_on_step_failure: whether steps that do not need a failed one go on; None leaves that to the pipeline.
        environment_mode, unknown_target, first_rerun_of: as in a `SubmitRequest`.
        run_id: the id of the run, a GUID; a run with this id is submitted only once. None makes a new one.
        retry: the policy by which the failed script of a step is started again; None if it is not.
        variables: environment variables of all scripts, which replace those of the steps.
        target: the compute target of all steps; None leaves that to them.
        earlier: earlier runs of the steps by the keys of these, whose snapshots and environments are reused instead
            of the current folders and runconfigs.
        places: the file and line of the parts of each step, for errors, keyed by the key of the step and by key path.
    """

    graph: Graph
    experiment_name: str
    path: Path
    environment: Mapping[str, str]
    values: Mapping[str, Any] = MappingProxyType({})
    regenerate_outputs: bool = False
    continue_on_step_failure: bool | None = None
    tags: Mapping[str, str | None] = MappingProxyType({})
    properties: Mapping[str, str] = MappingProxyType({})
    parent_run_id: str | None = None
    display_name: str | None = None
    description: str | None = None
    notify: Sequence[str] = ()
    environment_mode: EnvironmentChoice | None = None
    unknown_target: str | None = None
    run_id: str | None = None
    retry: RetryPolicy | None = None
    variables: Mapping[str, str] = MappingProxyType({})
    target: str | None = None
    first_rerun_of: str | None = None
    earlier: Mapping[str, EarlierRun] = MappingProxyType({})
    places: Mapping[str, Mapping[str, str]] = MappingProxyType({})


class SubmittedPipeline(NamedTuple):
    """The run of a submitted pipeline.

    Attributes:
        run: the run as recorded.
        notes: lines for stderr.
        lines: what Azure prints of it: a line for each step, and the id of the run.
    """

    run: Run
    notes: tuple[str, ...]
    lines: tuple[str, ...]


def submit_pipeline(
    workspace: Workspace,
    request: PipelineRequest,
    interruptions: Interruptions,
    *,
    progress: Progress | None = None,
    report: Callable[[str], None] | None = None,
) -> SubmittedPipeline:
    """Record a pipeline run with the templates of its steps, and start its controller; return the run with notes.

    Args:
        workspace: the workspace of the run.
        request: the request for the run.
        interruptions: blocked once the run is recorded; unblocked by the caller.
        progress: called while snapshots are taken.
        report: called with a message if the function has to wait for long.

    Raises:
        UsageError: the pipeline, a value or a step is not valid.
        SeveralProblems: there are several such errors, of all steps.
        MlrunError: an environment cannot be provided, or a file or row cannot be stored.
    """
    plan = plan_pipeline(workspace, request)
    redactor = Redactor.from_environment(request.environment)
    secrets = find_secret_parameters(plan.graph, plan.values, redactor)

    def resolve(step: Step, step_request: SubmitRequest) -> tuple[RunTemplate, Sequence[str]]:
        template = create_template(workspace, step_request, progress=progress, report=report)
        check_sweep_step(workspace, step, template.resolution)
        return template._replace(notes=()), template.notes

    with prevent_pruning(workspace.snapshots_folder, report):
        templates, notes = resolve_steps(workspace, request, plan, secrets, resolve)
        new = _build_run(request, plan, secrets, redactor)
        document = {**plan.to_json(secrets, redactor), "tags": dict(new.tags)}
        run = start_controlled_run(
            workspace, new, lambda folder: _write_files(folder, document, templates), interruptions
        )
    return SubmittedPipeline(run, notes, tuple(_iterate_report_lines(plan)))


def plan_pipeline(workspace: Workspace, request: PipelineRequest) -> PipelinePlan:
    """Return the plan of a pipeline run with the request's values.

    Raises:
        UsageError: the pipeline or a value is not valid.
        SeveralProblems: there are several such errors.
    """
    check_experiment_name(request.experiment_name)
    check_display_name(request.display_name)
    check_graph(request.graph)
    graph = _pin_default_datastore(workspace, request.graph)
    return PipelinePlan(
        run_id=request.run_id or generate_guid(),
        graph=graph,
        values=assign_parameters(graph, request.values),
        regenerate_outputs=request.regenerate_outputs,
        continue_on_step_failure=graph.continue_on_step_failure
        if request.continue_on_step_failure is None
        else request.continue_on_step_failure,
    )


def check_sweep_step(workspace: Workspace, step: Step, resolution: Resolution) -> None:
    """Raise if a step is a sweep that cannot be started.

    Raises:
        UsageError: as for `submit_sweep`.
        ProgramNotFound: Bayesian sampling needs a package that is not installed.
    """
    if step.sweep is not None:
        plan = plan_sweep(workspace, definition_from_json(step.sweep))
        check_sweep_arguments(resolution.configuration.command, plan)


def _pin_default_datastore(workspace: Workspace, graph: Graph) -> Graph:
    """Return the graph with the workspace's current default datastore pinned, so that later changes have no effect."""
    return graph._replace(default_datastore=graph.default_datastore or get_default_datastore_name(workspace))


def read_submitted_tags(folder: RunFolder) -> Mapping[str, str | None]:
    """Return the tags that a pipeline was submitted with, keyed by name; a tag without a value is None.

    Raises:
        OSError: the file cannot be read.
    """
    tags: Mapping[str, str | None] = (read_json(folder.path / PLAN_FILE) or {}).get("tags", {})
    return tags


def resolve_steps(
    workspace: Workspace,
    request: PipelineRequest,
    plan: PipelinePlan,
    secrets: SecretParameters,
    resolve: Callable[[Step, SubmitRequest], tuple[_Resolved, Sequence[str]]],
) -> tuple[dict[str, _Resolved], tuple[str, ...]]:
    """Call `resolve` with each step and its request; return the results, keyed by step key, and all notes.

    Args:
        workspace: the workspace of the pipeline.
        request: the request for the pipeline.
        plan: its plan.
        secrets: the parameters that hold secrets.
        resolve: returns something for a step and its request, and notes.

    Raises:
        UsageError: a step is not valid.
        SeveralProblems: there are several such errors, of all steps.
        MlrunError: any other error of `resolve`.
    """
    problems = Problems()
    found: dict[str, _Resolved] = {}
    notes: list[str] = []
    same = SubmitRequest(
        path=request.path,
        experiment_name=request.experiment_name,
        environment=request.environment,
        environment_mode=request.environment_mode,
        unknown_target=request.unknown_target,
        retry=request.retry,
        variables=request.variables,
        target=request.target,
    )
    for step in plan.graph.steps:
        with problems.collect_errors():
            try:
                check_partition_keys(workspace, step, plan.values, request.environment)
                step_request, step_notes = build_step_request(
                    StepPlan(plan.graph, step, plan.values, plan.run_id),
                    same._replace(
                        environment=_add_secret_names(request.environment, secrets.list_variable_names(step)),
                        earlier=request.earlier.get(step.key),
                    ),
                )
                found[step.key], more_notes = resolve(step, step_request)
            except MlrunError as error:
                for problem in list_problems(error):
                    if problem.location is None:
                        problem.add_context(f"Step '{step.name}'")
                        problem.location = _find_location(request.places.get(step.key, {}), problem.key_path or "")
                        if problem.location is not None:
                            problem.add_context(problem.location)
                raise
            notes += [f"{step.name}: {note}" for note in (*step_notes, *more_notes)]
    problems.raise_if_any()
    return found, tuple(dict.fromkeys(notes))


def _find_location(places: Mapping[str, str], key_path: str) -> str | None:
    """Return the file and line of a key or else of its innermost section whose location is known, or None."""
    while key_path and key_path not in places:
        key_path = key_path.rpartition(".")[0]
    return places.get(key_path)


def _add_secret_names(environ: Mapping[str, str], names: Sequence[str]) -> Mapping[str, str]:
    """Return environment variables with names appended to the one that lists additional names of secrets."""
    known = environ.get(NAMES_VARIABLE)
    return {**environ, NAMES_VARIABLE: ",".join([*([known] if known else []), *names])} if names else environ


def _write_files(folder: RunFolder, plan: Mapping[str, Any], templates: Mapping[str, RunTemplate]) -> None:
    folder.steps.mkdir(mode=0o700)
    for key, template in templates.items():
        step = folder.steps / key
        step.mkdir(mode=0o700)
        template.write(step)
    write_json(folder.path / PLAN_FILE, plan, durable=True)


def _build_run(
    request: PipelineRequest, plan: PipelinePlan, secrets: SecretParameters, redactor: Redactor
) -> ControlledRun:
    graph = request.graph
    values = {
        name: redact_parameter(name, format_parameter_value(value), secrets.names, redactor)
        for name, value in plan.values.items()
    }
    texts = (format_parameter_value(plan.values[name]) for name in secrets.names)
    repeated = {text for text in texts if len(text) >= LEAST_LETTERS}

    def redact(value: Any) -> Any:
        return redactor.redact_with_secrets(value, repeated)

    return ControlledRun(
        run_id=plan.run_id,
        experiment_name=request.experiment_name,
        controller=PIPELINE,
        run_type=PIPELINE_RUN,
        logs=_LOGS,
        parent_run_id=request.parent_run_id,
        display_name=redact(request.display_name) or graph.name,
        description=redact(request.description) or graph.description or graph.name,
        tags=redact(request.tags),
        properties={
            "azureml.runsource": PIPELINE_RUN,
            "runSource": "SDK",
            "runType": "SDK",
            PARAMETERS_PROPERTY: json.dumps(values),
            CONTINUES_PROPERTY: str(plan.continue_on_step_failure),
            "azureml.pipelineComponent": "pipelinerun",
            **redact(request.properties),
        },
        notify=request.notify,
        first_rerun_of=request.first_rerun_of,
    )


def _iterate_report_lines(plan: PipelinePlan) -> Iterator[str]:
    """Yield the lines to report after a submission: one for each step run and one for the pipeline run."""
    for step in plan.graph.steps:
        can_reuse = step.allow_reuse and not plan.regenerate_outputs
        run_id = StepPlan(plan.graph, step, plan.values, plan.run_id).run_id
        yield f"Created step {step.name} [{step.key}][{run_id}], ({_CAN_REUSE if can_reuse else _RUNS})"
    yield f"Submitted PipelineRun {plan.run_id}"
