"""Requests to submit the pipeline of an earlier run again, from the snapshots of its steps or from their folders."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from mlrun_cli.actions.published_pipelines import read_published_graph
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.problems import Problems
from mlrun_cli.core.redaction import REDACTED
from mlrun_cli.errors import ConflictingOptions, InvalidValue, PipelineNotFound, RunNotRepeatable, StoredFilesLost
from mlrun_cli.pipelines.graph import Graph, Step, parameter_value_to_json
from mlrun_cli.pipelines.parameter_values import parse_parameter_value
from mlrun_cli.pipelines.plan import read_pipeline_plan
from mlrun_cli.pipelines.run_types import CONTINUES_PROPERTY, PARAMETERS_PROPERTY, PIPELINE_ID_PROPERTY
from mlrun_cli.pipelines.validation import build_name_hint
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.run import RERUN_TAG, Run
from mlrun_cli.submit.earlier_templates import load_earlier_template, read_template_submission
from mlrun_cli.submit.pipeline import (
    PipelineRequest,
    read_submitted_tags,
    submit_pipeline,
)
from mlrun_cli.submit.pipeline_runs import read_step_snapshot
from mlrun_cli.submit.published_pipeline import build_published_request
from mlrun_cli.submit.rerun import RerunChanges, describe_difference
from mlrun_cli.submit.submitted import Progress, Submitted
from mlrun_cli.workspace import Workspace


class PipelineRerun(NamedTuple):
    """A request to submit the pipeline of an earlier run again, and lines about the differences."""

    request: PipelineRequest
    notes: Sequence[str]

    def submit(
        self,
        workspace: Workspace,
        interruptions: Interruptions,
        *,
        is_streamed: bool = False,  # noqa: ARG002 - as of all reruns: a controller starts by itself
        ends_with_stream: bool = False,  # noqa: ARG002 - as for `submit-pipeline`, a pipeline goes on
        progress: Progress | None = None,
        report: Callable[[str], None] | None = None,
    ) -> Submitted:
        """Submit the pipeline; see `submit.pipeline.submit_pipeline`."""
        submitted = submit_pipeline(workspace, self.request, interruptions, progress=progress, report=report)
        return Submitted(submitted.run, submitted.notes, submitted.lines)


def build_pipeline_rerun(
    workspace: Workspace, run: Run, environ: Mapping[str, str], changes: RerunChanges
) -> PipelineRerun:
    """Return the request for submitting a run's pipeline again, with the same values except those that are changed.

    Results of steps may be used again, as for any submission.

    Raises:
        RunNotRepeatable: the files of the run are gone or not sufficient, or a secret parameter is not given anew.
        UsageError: the changes do not fit the pipeline.
        StoredFilesLost: the file of its graph is gone or damaged.
        NotFound: a snapshot no longer exists.
    """
    changes.check_kind(is_pipeline=True)
    _check_changes(run, changes)
    folder = workspace.get_run_folder(run.run_id)
    try:
        plan = read_pipeline_plan(folder)
    except StoredFilesLost as error:
        return _build_lost_rerun(workspace, run, environ, changes, error)
    known = {name: parameter_value_to_json(value) for name, value in plan.values.items()}
    values = _build_values(run, plan.graph, known, changes.parameters)
    submissions = {step.key: read_template_submission(run, folder.steps / step.key) for step in plan.graph.steps}
    first = next(iter(submissions.values()))
    pipeline_id = run.properties.get(PIPELINE_ID_PROPERTY)
    graph = _restore_secrets(workspace, plan.graph, pipeline_id)
    request = PipelineRequest(
        graph=graph,
        experiment_name=run.experiment_name,
        path=Path(first.folder or "/"),
        environment=environ,
        values=values,
        regenerate_outputs=changes.regenerate_outputs,
        continue_on_step_failure=plan.continue_on_step_failure,
        tags={**read_submitted_tags(folder), RERUN_TAG: run.run_id},
        properties={} if pipeline_id is None else {PIPELINE_ID_PROPERTY: pipeline_id},
        first_rerun_of=run.run_id if changes.is_first else None,
        retry=first.retry,
        variables=changes.variables,
        target=changes.target,
    )
    if changes.uses_current_code:
        _check_secrets(run, graph, changes)
        return PipelineRerun(request, _describe_differences(workspace, run, graph))
    earlier = {step.key: load_earlier_template(workspace, run, folder.steps / step.key) for step in plan.graph.steps}
    return PipelineRerun(request._replace(earlier=earlier), ())


def _build_lost_rerun(
    workspace: Workspace, run: Run, environ: Mapping[str, str], changes: RerunChanges, error: StoredFilesLost
) -> PipelineRerun:
    """Return the request for repeating a run without its folder by its published pipeline, with the run's values.

    Raises:
        RunNotRepeatable: the pipeline was not published, and its graph was stored in that folder alone.
        MlrunError: as of `build_pipeline_rerun`.
    """
    pipeline_id = run.properties.get(PIPELINE_ID_PROPERTY)
    if pipeline_id is None or changes.uses_current_code:
        raise RunNotRepeatable(
            f"The folder of the pipeline run '{run.run_id}' is gone or damaged, and its graph is stored there alone.",
            hint=f"'mlrun run list --parent-run-id {run.run_id}' lists its steps; 'mlrun run snapshot -r STEP -d "
            "FOLDER' writes the source of one, to submit the pipeline from there.",
            target=run.run_id,
        ) from error
    graph = read_published_graph(workspace, pipeline_id)
    texts = json.loads(run.properties[PARAMETERS_PROPERTY])
    values = {
        name: text if REDACTED in text else parse_parameter_value(graph.parameters[name].kind, text)
        for name, text in texts.items()
    }
    request = build_published_request(
        workspace,
        pipeline_id,
        run.experiment_name,
        environ,
        values=_build_values(run, graph, values, changes.parameters),
        regenerate_outputs=changes.regenerate_outputs,
        continue_on_step_failure=run.properties.get(CONTINUES_PROPERTY) == "True",
        tags={**run.tags, RERUN_TAG: run.run_id},
        first_rerun_of=run.run_id if changes.is_first else None,
        variables=changes.variables,
        target=changes.target,
    )
    note = f"The folder of '{run.run_id}' is gone: the published pipeline and the values in its record are submitted."
    return PipelineRerun(request, (note,))


def _restore_secrets(workspace: Workspace, graph: Graph, pipeline_id: str | None) -> Graph:
    """Return a run's graph, with the secrets of its steps restored if the published pipeline still has them."""
    if pipeline_id is None or not any(map(_has_secrets, graph.steps)):
        return graph
    with suppress(PipelineNotFound, StoredFilesLost):
        return graph._replace(steps=read_published_graph(workspace, pipeline_id).steps)
    return graph


def _has_secrets(step: Step) -> bool:
    return REDACTED in json.dumps(step.to_json())


def _check_secrets(run: Run, graph: Graph, changes: RerunChanges) -> None:
    """Raise if a step's settings contain redacted secrets, whose values are stored nowhere.

    Raises:
        RunNotRepeatable: some are.
    """
    for step in graph.steps:
        variables = {**step.environment_variables, **changes.variables}
        if _has_secrets(step._replace(environment_variables=variables)):
            raise RunNotRepeatable(
                f"No record holds the secrets in the settings of the step '{step.name}' of '{run.run_id}'.",
                hint="Give variables with --env NAME=VALUE. If it is something else, submit the pipeline's file again, "
                f"or have it written: mlrun pipeline clone -i {run.run_id} -p cloned.yml",
                target=run.run_id,
            )


def _check_changes(run: Run, changes: RerunChanges) -> None:
    if changes.arguments:
        raise ConflictingOptions(
            f"'{run.run_id}' is a pipeline, whose steps have their own arguments.",
            hint="Change its parameters: --set NAME=VALUE.",
            target="--",
        )
    if changes.flags:
        raise InvalidValue(
            f"--set: '{changes.flags[0]}' has no value.",
            hint="Write --set NAME=VALUE: a pipeline has no options.",
            target="--set",
        )
    if changes.resumes:
        raise RunNotRepeatable(
            f"'{run.run_id}' is a pipeline, which has no outputs of its own to go on from.",
            hint="Submit it again, where steps of which nothing has changed need not run: "
            f"mlrun run rerun -r {run.run_id}",
            target=run.run_id,
        )


def _build_values(run: Run, graph: Graph, known: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON-compatible values of all parameters: the run's known values, overridden by the given texts.

    Raises:
        InvalidValue: a name is unknown, or a value is not of its type.
        RunNotRepeatable: secret values are not given anew.
        SeveralProblems: there are several such errors.
    """
    problems = Problems()
    values = dict(known)
    for name, text in texts.items():
        with problems.collect_errors():
            values[name] = _parse_value(graph, name, text)
    problems.raise_if_any()
    hidden = [name for name, value in known.items() if REDACTED in json.dumps(value) and name not in texts]
    if hidden:
        raise RunNotRepeatable(
            f"No record holds the secrets in the parameters {', '.join(hidden)} of '{run.run_id}'.",
            hint=f"Give them: {' '.join(f'--set {shlex.quote(name)}=VALUE' for name in hidden)}",
            target=run.run_id,
        )
    return values


def _parse_value(graph: Graph, name: str, text: str) -> Any:
    parameter = graph.parameters.get(name)
    if parameter is None:
        raise InvalidValue(
            f"--set: the pipeline has no parameter '{name}'.",
            hint=build_name_hint(name, graph.parameters),
            target="--set",
        )
    try:
        return parse_parameter_value(parameter.kind, text)
    except InvalidValue as error:
        error.add_context(f"--set {name}")
        raise


def _describe_differences(workspace: Workspace, run: Run, graph: Graph) -> list[str]:
    """Return one line for each source folder of the steps, on how the folder differs from the step's snapshot."""
    lines = {}
    for step in graph.steps:
        if step.source_directory not in lines:
            name = f"the step '{step.name}' of '{run.run_id}'"
            find_snapshot = partial(read_step_snapshot, workspace, run, step)
            folder = Path(step.source_directory)
            lines[step.source_directory] = describe_difference(workspace, name, find_snapshot, folder)
    return list(lines.values())
