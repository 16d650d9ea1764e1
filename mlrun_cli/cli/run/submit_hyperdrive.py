"""`run submit-hyperdrive`: submit a sweep that a file describes, and stream its log."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.cli.ci.ci_name import CiName
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import resolve_on_interrupt
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.new_run_options import NewRunOptions
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
    SweepDryRun,
    TargetName,
    UnknownTarget,
)
from mlrun_cli.cli.run.submit_request import build_submit_request


@command(
    app,
    "submit-hyperdrive",
    script=True,
    examples=[
        (
            "Run a script with the values that .azureml/hd.yml asks for",
            "mlrun run submit-hyperdrive --hyperdrive-configuration-name hd.yml train.py",
        ),
        (
            "Run the script that .azureml/cpu.runconfig names",
            "mlrun run submit-hyperdrive --hyperdrive-configuration-name hd.yml -c cpu",
        ),
    ],
)
def submit_hyperdrive(
    global_options: GlobalOptions,
    configuration: Annotated[
        str,
        Option(
            "--hyperdrive-configuration-name",
            metavar="FILE",
            help="File that describes the sweep: a path, or a name that is looked for below --path.",
        ),
    ],
    runconfig_name: RunconfigName = None,
    experiment_name: ExperimentName = None,
    source_directory: SourceDirectory = None,
    is_command: IsCommand = False,
    is_async: Async = False,
    conda_dependencies: CondaDependencies = None,
    environment: Environment = None,
    target: TargetName = None,
    unknown_target: UnknownTarget = None,
    is_dry_run: SweepDryRun = False,
    interrupt: OnInterruptOption = None,
    ci: Ci = CiName.AUTO,
    *,
    new_run_options: NewRunOptions,
    script_and_arguments: ScriptAndArguments = None,
) -> object:
    """Submit a sweep, which runs a script with many sets of arguments to find the best run.

    The file names the parameters, how they are drawn, the metric, and which runs end early: 'mlrun help sweeps'. The
    drawn arguments follow those of the script. The log of the sweep goes to stderr, its record to stdout. Ctrl-C stops
    the streaming, not the sweep.
    """
    from mlrun_cli.cli.run.streamed_sweep import submit_sweep_and_stream  # noqa: PLC0415
    from mlrun_cli.submit.sweep_file import resolve_sweep_file  # noqa: PLC0415
    from mlrun_cli.sweeps.config_file import read_sweep_file  # noqa: PLC0415

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
    )
    path, notes = resolve_sweep_file(configuration, request.get_project_folder())
    file = read_sweep_file(path)
    for note in (*notes, *file.notes):
        global_options.notes.warning(note)
    return submit_sweep_and_stream(
        context,
        new_run_options.parse().apply_to_sweep(request),
        file.definition,
        global_options,
        resolve_on_interrupt(interrupt),
        is_async=is_async,
        is_dry_run=is_dry_run,
        ci=ci,
    )
