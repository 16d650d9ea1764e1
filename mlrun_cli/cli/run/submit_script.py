"""`run submit-script`: submit a script and stream its log."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import Context, open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import (
    OnInterrupt,
    parse_environment_choice,
    parse_on_interrupt,
)
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.exit_code import get_exit_code
from mlrun_cli.cli.run.new_run_options import NewRunOptions
from mlrun_cli.cli.run.options import (
    Environment,
    ExperimentName,
    OnInterruptOption,
    UnknownTarget,
)
from mlrun_cli.core.sizes import format_size
from mlrun_cli.errors import ConflictingOptions, MlrunError

if TYPE_CHECKING:
    from mlrun_cli.submit.request import SubmitRequest
    from mlrun_cli.workspace import Workspace


@command(
    app,
    "submit-script",
    script=True,
    examples=[
        ("Run a script with the python on PATH", "mlrun run submit-script train.py --lr 0.1"),
        (
            "Run it as defined in .azureml/sklearn.runconfig",
            "mlrun run submit-script -c sklearn -e testexperiment train.py",
        ),
    ],
)
def submit_script(
    shared: GlobalOptions,
    runconfig_name: Annotated[
        str | None,
        typer.Option(
            "--run-configuration-name",
            "-c",
            metavar="NAME",
            help="Runconfig, such as 'sklearn' or 'config/train'.",
        ),
    ] = None,
    experiment_name: ExperimentName = None,
    source_directory: Annotated[
        Path | None,
        typer.Option("--source-directory", metavar="FOLDER", help="Folder of the script. Default: --path."),
    ] = None,
    is_async: Annotated[bool, typer.Option("--async", help="Return immediately, without streaming the log.")] = False,
    is_reading: Annotated[
        bool,
        typer.Option(
            "--stdin", help="Pass the standard input of this command to the script while the log is streamed."
        ),
    ] = False,
    conda_dependencies: Annotated[
        Path | None,
        typer.Option(
            "--conda-dependencies", "-d", metavar="FILE", help="Conda file to use instead of the runconfig's."
        ),
    ] = None,
    environment: Environment = None,
    target: Annotated[
        str | None,
        typer.Option("--target", "--ct", metavar="NAME", help="Compute target instead of the runconfig's."),
    ] = None,
    unknown_target: UnknownTarget = None,
    gpus: Annotated[
        int, typer.Option("--gpus", metavar="N", min=0, help="Number of GPUs of this machine to reserve for the run.")
    ] = 0,
    is_dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would run, where and in which environment; start and store nothing."),
    ] = False,
    interrupt: OnInterruptOption = None,
    *,
    described: NewRunOptions,
    script_and_arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCRIPT [ARGUMENT]...]",
            help="Script and arguments to use instead of the runconfig's. Without arguments, the runconfig's are used.",
        ),
    ] = None,
) -> object:
    """Submit a script and stream its log until the run has ended.

    Everything after SCRIPT is passed to the script, including options. The log goes to stderr, the run's record to
    stdout. The exit code is 0 if the run completed, and 1 if not. Ctrl-C stops the streaming, not the run.
    """
    from mlrun_cli.submit.request import SubmitRequest  # noqa: PLC0415

    when_interrupted = parse_on_interrupt(interrupt)
    if is_async and is_reading:
        raise ConflictingOptions(
            "--stdin needs a command that streams the run, and --async does not.",
            hint="Leave one of them out.",
            target="--stdin",
        )
    context = open_context(shared)
    words = script_and_arguments or []
    request = SubmitRequest(
        path=shared.path,
        experiment_name=context.get_experiment_name(experiment_name),
        environment=dict(os.environ),
        runconfig_name=runconfig_name,
        source_directory=source_directory,
        script=words[0] if words else None,
        arguments=words[1:],
        target=target,
        conda_dependencies=conda_dependencies,
        gpu_count=gpus,
        environment_mode=parse_environment_choice(environment),
        unknown_target=unknown_target,
        is_reading=is_reading,
        ends_with_stream=when_interrupted is OnInterrupt.CANCEL and not is_async,
    )
    request = described.apply_to(request)
    if is_dry_run:
        return _dry_run(context, request)
    return _submit(context.workspace, request, shared, when_interrupted, is_async=is_async)


def _submit(
    workspace: Workspace,
    request: SubmitRequest,
    shared: GlobalOptions,
    when_interrupted: OnInterrupt,
    *,
    is_async: bool,
) -> object:
    """Submit a script and stream its run, or with `is_async` return the run's record immediately."""
    from mlrun_cli.cli.output.progress import Spinner  # noqa: PLC0415
    from mlrun_cli.processes.interruptions import Interruptions  # noqa: PLC0415
    from mlrun_cli.submit.submit import submit  # noqa: PLC0415

    with workspace, Interruptions() as interruptions, ExitStack() as stack:
        with Spinner(enabled=shared.shows_progress) as spinner:
            submitted = submit(
                workspace,
                request,
                interruptions,
                is_streamed=not is_async,
                progress=lambda files, size: spinner.update(f"Snapshot: {files} files, {format_size(size)}"),
                say=shared.notes.info,
            )
        from mlrun_cli.actions.studio_urls import build_printed_record  # noqa: PLC0415 - meanwhile, the supervisor loads

        if submitted.stream_lock is not None:
            stack.enter_context(submitted.stream_lock)
        for note in submitted.notes:
            shared.notes.warning(note)
        run = submitted.run
        for detail in submitted.details:
            shared.notes.detail(detail)
        if is_async:
            return build_printed_record(workspace, run)
        from mlrun_cli.cli.run.stream import stream_submitted  # noqa: PLC0415 - meanwhile, the supervisor loads

        if shared.metadata_file is not None:
            # Whatever happens to the streaming, the next step of a pipeline finds the file.
            try:
                shared.metadata_file.write(build_printed_record(workspace, run))
            except MlrunError as error:  # it is tried again when the run has ended
                shared.notes.warning(error.message)
        streamed = stream_submitted(
            workspace, run, shared, when_interrupted, interruptions, script_input=submitted.script_input
        )
        return Result(
            build_printed_record(workspace, streamed.run), exit_code=get_exit_code([streamed.run], streamed.signal)
        )


def _dry_run(context: Context, request: SubmitRequest) -> Result:
    from mlrun_cli.cli.output.dry_run import print_dry_run  # noqa: PLC0415
    from mlrun_cli.submit.dry_run import dry_run  # noqa: PLC0415

    with context.workspace as workspace:
        record = dry_run(workspace, request)

    def write_table(*, file: TextIO, width: int | None, colour: bool) -> None:  # noqa: ARG001 - as a table is printed
        print_dry_run(record, file=file, width=width)

    return Result(record, table=write_table)
