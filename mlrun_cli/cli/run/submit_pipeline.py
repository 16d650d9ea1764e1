"""`run submit-pipeline`: submit a pipeline that a file describes."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mlrun_cli.actions.studio_urls import build_run_show_record
from mlrun_cli.cli.ci.ci_name import CiName
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import Context, open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import parse_environment_choice, resolve_on_interrupt
from mlrun_cli.cli.output.progress import Spinner
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.new_run_options import NewPipelineRunOptions
from mlrun_cli.cli.run.options import Ci, DryRun, Environment, OnInterruptOption, UnknownTarget
from mlrun_cli.cli.run.streamed_submit import build_async_result, build_pipeline_dry_run_result, stream_to_end
from mlrun_cli.core.atomic_files import check_writable, open_atomically
from mlrun_cli.core.names import check_experiment_name
from mlrun_cli.core.sizes import format_size
from mlrun_cli.errors import OneOptionRequired, UsageError
from mlrun_cli.processes.interruptions import Interruptions

if TYPE_CHECKING:
    from mlrun_cli.submit.pipeline import PipelineRequest, SubmittedPipeline
    from mlrun_cli.workspace import Workspace


@command(
    app,
    "submit-pipeline",
    examples=[
        ("Submit a pipeline, and wait for its end", "mlrun run submit-pipeline -y pipeline.yml -n train --stream"),
        ("Submit it with other values", "mlrun run submit-pipeline -y pipeline.yml -p rate=0.1,epochs=20"),
    ],
)
def submit_pipeline(
    global_options: GlobalOptions,
    file: Annotated[
        Path | None, Option("--pipeline-yaml", "-y", metavar="FILE", help="YAML file that describes the pipeline.")
    ] = None,
    pipeline_id: Annotated[
        str | None, Option("--pipeline-id", "-i", metavar="ID", help="A published pipeline, instead of a file.")
    ] = None,
    experiment_name: Annotated[
        str | None,
        Option("--experiment-name", "-n", "-e", metavar="NAME", help="Experiment. Default: the pipeline's name."),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        Option("--parameters", "-p", metavar="NAME=VALUE,…", help="Values of parameters, instead of their defaults."),
    ] = None,
    datapaths: Annotated[
        list[str] | None,
        Option("--datapaths", "-d", metavar="NAME=STORE/PATH,…", help="Paths for parameters of type datapath."),
    ] = None,
    output_file: Annotated[
        Path | None, Option("--output_file", "-f", metavar="FILE", help="Write the run's record to this file, too.")
    ] = None,
    regenerate_outputs: Annotated[
        bool, Option("--regenerate-outputs", help="Run every step, even if an earlier result could be used again.")
    ] = False,
    continue_on_failure: Annotated[
        bool, Option("--continue-on-step-failure", help="If a step fails, run those that do not need it.")
    ] = False,
    is_streamed: Annotated[
        bool, Option("--stream", help="Show what the pipeline does until it has ended, and exit with its outcome.")
    ] = False,
    environment: Environment = None,
    unknown_target: UnknownTarget = None,
    is_dry_run: DryRun = False,
    interrupt: OnInterruptOption = None,
    ci: Ci = CiName.AUTO,
    *,
    new_run_options: NewPipelineRunOptions,
) -> object:
    """Submit a pipeline, whose steps start as soon as the data that they read exist.

    All steps are checked and their snapshots taken before anything starts; all problems are told at once. The run's
    record goes to stdout at once; with --stream when the run has ended, and the exit code is 1 unless it completed.
    """
    on_interrupt, description = resolve_on_interrupt(interrupt), new_run_options.parse()
    if output_file is not None:
        check_writable(output_file)
    context = open_context(global_options, creates=True, is_dry_run=is_dry_run, only_reads=is_dry_run)
    with context.workspace as workspace:
        request = _build_request(
            global_options,
            context,
            _choose_pipeline(file, pipeline_id),
            experiment_name,
            {"parameters": parameters or [], "datapaths": datapaths or []},
        )._replace(
            regenerate_outputs=regenerate_outputs,
            continue_on_step_failure=continue_on_failure or None,
            environment_mode=parse_environment_choice(environment),
            unknown_target=unknown_target,
        )
        request = description.apply_to_pipeline(request)
        if is_dry_run:
            return build_pipeline_dry_run_result(workspace, request)
        with Interruptions() as interruptions:
            submitted = _submit(workspace, request, interruptions, global_options)
            if not is_streamed:
                run = submitted.run
                result = build_async_result(workspace, run, global_options, interruptions)
            else:
                result, run = stream_to_end(
                    workspace, submitted.run, global_options, on_interrupt, interruptions, ci=ci
                )
        if output_file is not None:
            _write_record(output_file, build_run_show_record(workspace, run))
        return result


def _submit(
    workspace: Workspace, request: PipelineRequest, interruptions: Interruptions, global_options: GlobalOptions
) -> SubmittedPipeline:
    """Submit a pipeline, and print the same notes as az before the record."""
    from mlrun_cli.submit.pipeline import submit_pipeline as submit  # noqa: PLC0415 - start-up

    with Spinner(enabled=global_options.shows_progress) as spinner:
        submitted = submit(
            workspace,
            request,
            interruptions,
            progress=lambda files, size: spinner.update(f"Snapshot: {files} files, {format_size(size)}"),
            report=global_options.notes.info,
        )
    for note in submitted.notes:
        global_options.notes.warning(note)
    for line in submitted.lines:
        global_options.notes.info(line)
    return submitted


def _write_record(path: Path, record: object) -> None:
    with open_atomically(path, overwrite=True) as file:
        file.write(f"{json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False)}\n".encode())


def _choose_pipeline(file: Path | None, pipeline_id: str | None) -> Path | str:
    """Return the pipeline's file or the id of a published pipeline; raise unless exactly one is given."""
    if file is not None and pipeline_id is not None:
        raise OneOptionRequired(
            "--pipeline-yaml and --pipeline-id both name a pipeline.",
            hint="Leave one of them out.",
            target="--pipeline-id",
        )
    if file is not None:
        return file
    if pipeline_id is None:
        raise OneOptionRequired(
            "No pipeline is named.",
            hint="Name a file by -y, or a published pipeline by -i; 'mlrun pipeline list' shows their ids.",
            target="--pipeline-yaml",
        )
    return pipeline_id


def _build_request(
    global_options: GlobalOptions,
    context: Context,
    pipeline: Path | str,
    experiment_name: str | None,
    values: dict[str, list[str]],
) -> PipelineRequest:
    """Return the request to submit a pipeline, given as a file or as the id of a published pipeline."""
    from mlrun_cli.cli.run.pipeline_values import parse_pipeline_values  # noqa: PLC0415 - start-up

    if isinstance(pipeline, str):
        from mlrun_cli.actions.published_pipelines import (  # noqa: PLC0415
            get_pipeline,
            read_published_graph,
            resolve_pipeline_id,
        )
        from mlrun_cli.submit.published_pipeline import build_published_request  # noqa: PLC0415

        pipeline = resolve_pipeline_id(context.workspace, pipeline)
        name = get_pipeline(context.workspace, pipeline).name
        graph = read_published_graph(context.workspace, pipeline)
        return build_published_request(
            context.workspace,
            pipeline,
            _choose_experiment(context, experiment_name, name, global_options),
            dict(os.environ),
            values=parse_pipeline_values(graph, values["parameters"], values["datapaths"]),
        )
    from mlrun_cli.pipelines.yaml_file import read_pipeline_file  # noqa: PLC0415
    from mlrun_cli.submit.pipeline import PipelineRequest  # noqa: PLC0415

    read = read_pipeline_file(pipeline, Path.cwd())
    for note in read.notes:
        global_options.notes.warning(note)
    return PipelineRequest(
        graph=read.graph,
        experiment_name=_choose_experiment(context, experiment_name, read.graph.name, global_options),
        path=global_options.path,
        environment=dict(os.environ),
        values=parse_pipeline_values(read.graph, values["parameters"], values["datapaths"]),
        places=read.places,
    )


def _choose_experiment(
    context: Context, option_value: str | None, pipeline_name: str | None, global_options: GlobalOptions
) -> str:
    """Return the given experiment name, or else the pipeline's name if valid, or else the attached experiment.

    A note says which one it is unless it was given.
    """
    if option_value is not None:
        return context.get_experiment_name(option_value)
    if pipeline_name is not None:
        with suppress(UsageError):
            name = check_experiment_name(pipeline_name)
            global_options.notes.info(f"The experiment is '{name}', as the pipeline is named; -n names another.")
            return name
    name = context.get_experiment_name(None)
    global_options.notes.info(f"The experiment is '{name}', that of the attached folder; -n names another.")
    return name
