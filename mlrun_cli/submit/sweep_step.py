"""The step of a pipeline that is a sweep: its run has the run of the sweep as its only child."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mlrun_cli.actions.artifacts import download_file, list_files
from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.errors import NotFound, StoredFilesLost
from mlrun_cli.pipelines.data_flow import locate_output
from mlrun_cli.pipelines.graph import Graph, Step
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.run import Run
from mlrun_cli.submit.controlled_run import ControlledRun, start_controlled_run
from mlrun_cli.submit.pipeline_outputs import create_output_folder, explain_failure, keep_outputs
from mlrun_cli.submit.template import RunTemplate
from mlrun_cli.submit.template_runs import TemplateRun, apply_run_to_template
from mlrun_cli.sweeps.definition import SweepDefinition, definition_from_json
from mlrun_cli.wire.run_folder import PIPELINE_LOG
from mlrun_cli.workspace import Workspace

SWEEP_STEP = "sweep step"
_DEFINITION = "definition.json"


def get_sweep_id(step_run_id: str) -> str:
    """Return the id of the sweep that a pipeline step started, given the id of the step run."""
    return f"HD_{step_run_id}"


def start_sweep_step(
    workspace: Workspace, template: RunTemplate, run: TemplateRun, definition: Mapping[str, Any]
) -> Run:
    """Record the run of a sweep step, unless it is already recorded, and start its controller; return the run.

    Raises:
        MlrunError: it cannot be recorded.
        OSError: files of an earlier call cannot be removed.
    """
    changed = apply_run_to_template(template, run._replace(properties={}, tags={}))
    changed = changed._replace(request=changed.request._replace(display_name=None))

    def write_files(folder: RunFolder) -> None:
        folder.template.mkdir(mode=0o700)
        changed.write(folder.template)
        write_json(_get_definition_file(folder), definition, durable=True)

    new = ControlledRun(
        run_id=run.run_id,
        experiment_name=template.request.experiment_name,
        controller=SWEEP_STEP,
        run_type=run.run_type,
        logs=[PIPELINE_LOG],
        target=template.target,
        parent_run_id=run.parent_run_id,
        script_name=template.submission.argv[0],
        display_name=run.display_name,
        tags=run.tags,
        properties={**template.git_properties, **run.properties},
    )
    with Interruptions() as interruptions:
        return start_controlled_run(workspace, new, write_files, interruptions)


def read_sweep_definition(folder: RunFolder) -> SweepDefinition:
    """Return the definition of a step's sweep, read from the folder of the step run.

    Raises:
        StoredFilesLost: the file is gone or damaged.
        OSError: the file cannot be read.
    """
    document = read_json(_get_definition_file(folder))
    if document is None:
        path = _get_definition_file(folder)
        raise StoredFilesLost(f"The file {path} is gone or damaged.", hint="Submit the pipeline again.")
    return definition_from_json(document)


def keep_sweep_outputs(workspace: Workspace, run: Run) -> None:
    """Write and store the outputs of a sweep step that has succeeded, unless that is done; may be called again.

    Raises:
        MlrunError, OSError: as by `keep_outputs`.
    """
    keep_outputs(workspace, run, partial(_write_results, workspace, run.run_id))


def _write_results(workspace: Workspace, step_run_id: str, graph: Graph, step: Step) -> None:
    """Write the metrics of a step's sweep and models of its best run to the places of their outputs."""
    for key, output in step.outputs.items():
        model_file = step.model_outputs.get(key)
        if key == step.metrics_output or model_file is not None:
            with explain_failure(key):
                place = locate_output(graph, step_run_id, key, output)
                datastore = get_datastore(workspace, place.datastore)
                path = datastore.resolve_path(place.written_path)
                create_output_folder(datastore, path.parent)
                if model_file is None:
                    _write_sweep_metrics(workspace, step_run_id, path)
                else:
                    _copy_best_model(workspace, step_run_id, model_file, path)


def _write_sweep_metrics(workspace: Workspace, step_run_id: str, path: Path) -> None:
    """Write the metrics of a sweep's runs in the format of Azure's `metrics_output`: `{run id: {metric: [values]}}`."""
    sweep = workspace.runs.get(get_sweep_id(step_run_id))
    metrics = {}
    for child in workspace.child_runs.list_children(sweep.key):
        values = workspace.metrics.get(child.key)
        metrics[child.run_id] = {name: one if isinstance(one, list) else [one] for name, one in values.items()}
    write_json(path, metrics)


def _copy_best_model(workspace: Workspace, step_run_id: str, name: str, destination: Path) -> None:
    """Copy a model (a file or folder) from the best run in a step's sweep to a path.

    Raises:
        NotFound: no run has logged the primary metric, or the best one has no such file.
        MlrunError: the copy cannot be written.
    """
    sweep = workspace.runs.get(get_sweep_id(step_run_id))
    best = sweep.properties.get("best_child_run_id")
    if not best:
        raise NotFound(f"The sweep {sweep.run_id} has no best run: none has logged the primary metric.", target=name)
    run, name = workspace.runs.get(best), name.removeprefix("./").rstrip("/")
    inside = [one for one in list_files(workspace, run) if one.startswith(f"{name}/")]
    for one in inside or [name]:
        download_file(workspace, run, one, destination / one[len(name) + 1 :] if inside else destination)


def _get_definition_file(folder: RunFolder) -> Path:
    return folder.template / _DEFINITION
