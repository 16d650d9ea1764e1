"""`run submit-script`: submit a script and stream its log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mlrun_cli.cli.ci.ci_name import CiName
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import OnInterrupt, resolve_on_interrupt
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.new_run_options import NewRunOptions, RunDescription
from mlrun_cli.cli.run.options import (
    Async,
    Ci,
    CondaDependencies,
    Environment,
    ExperimentName,
    IsCommand,
    OnInterruptOption,
    RunconfigName,
    ScriptAndArguments,
    SourceDirectory,
    TargetName,
    UnknownTarget,
)
from mlrun_cli.cli.run.streamed_submit import build_dry_run_result, submit_script_and_stream
from mlrun_cli.cli.run.submit_request import build_submit_request
from mlrun_cli.errors import ConflictingOptions

if TYPE_CHECKING:
    from mlrun_cli.runs.run import Run
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
    global_options: GlobalOptions,
    runconfig_name: RunconfigName = None,
    experiment_name: ExperimentName = None,
    source_directory: SourceDirectory = None,
    is_command: IsCommand = False,
    is_async: Async = False,
    reads_stdin: Annotated[
        bool,
        Option("--stdin", help="Pass the standard input of this command to the script while the log is streamed."),
    ] = False,
    conda_dependencies: CondaDependencies = None,
    environment: Environment = None,
    target: TargetName = None,
    unknown_target: UnknownTarget = None,
    gpus: Annotated[
        int, Option("--gpus", metavar="N", min=0, help="Number of GPUs of this machine to reserve for the run.")
    ] = 0,
    is_dry_run: Annotated[
        bool,
        Option("--dry-run", help="Show what would run, where and in which environment; start and store nothing."),
    ] = False,
    interrupt: OnInterruptOption = None,
    ci: Ci = CiName.AUTO,
    *,
    new_run_options: NewRunOptions,
    script_and_arguments: ScriptAndArguments = None,
) -> object:
    """Submit a script and stream its log until the run has ended.

    Everything after SCRIPT is passed to the script, including options. The log goes to stderr, the run's record to
    stdout. The exit code is 0 if the run completed, and 1 if not. Ctrl-C stops the streaming, not the run.
    """
    on_interrupt = resolve_on_interrupt(interrupt)
    description = new_run_options.parse()
    if reads_stdin:
        _check_stdin(description, is_async=is_async)
    context = open_context(global_options, creates=True, is_dry_run=is_dry_run, only_reads=is_dry_run)
    request = build_submit_request(
        context,
        global_options,
        script_and_arguments or (),
        is_command=is_command,
        runconfig_name=runconfig_name,
        experiment_name=experiment_name,
        source_directory=source_directory,
        conda_dependencies=conda_dependencies,
        environment=environment,
        target=target,
        unknown_target=unknown_target,
    )._replace(
        gpu_count=gpus,
        is_reading=reads_stdin,
        ends_with_stream=on_interrupt is OnInterrupt.CANCEL and not is_async,
    )
    request = description.resolve_predecessor(context).apply_to(request)
    if is_dry_run:
        return build_dry_run_result(context.workspace, request)

    def describe_failure(workspace: Workspace, run: Run) -> str | None:
        from mlrun_cli.cli.run.ignored_files import describe_ignored_file  # noqa: PLC0415 - only then
        from mlrun_cli.cli.run.misplaced_options import describe_misplaced_options  # noqa: PLC0415 - only then
        from mlrun_cli.cli.run.missing_packages import describe_missing_package  # noqa: PLC0415 - only then

        script, *arguments = script_and_arguments or [""]
        source = request.source_directory or request.path
        return (
            describe_misplaced_options(workspace, run, script, arguments)
            or describe_ignored_file(run, source)
            or describe_missing_package(run)
        )

    return submit_script_and_stream(
        context.workspace,
        request,
        global_options,
        on_interrupt,
        is_async=is_async,
        ci=ci,
        describe_failure=describe_failure,
    )


def _check_stdin(description: RunDescription, *, is_async: bool) -> None:
    """Raise if the script could not read what the command is given.

    Raises:
        ConflictingOptions: the command does not stream the run, or a second attempt would find nothing left to read.
    """
    if is_async:
        raise ConflictingOptions(
            "--stdin needs a command that streams the run, and --async does not.",
            hint="Leave one of them out.",
            target="--stdin",
        )
    if description.retry is not None and description.retry.most_retries:
        raise ConflictingOptions(
            "--stdin can be read once: a script that --retry starts again would find it empty.",
            hint="Leave one of them out, or put the input into a file of the source folder.",
            target="--stdin",
        )
