"""`run`: submit a script, then list, show, follow, cancel, update and delete runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from mlrun_cli.actions import runs as actions
from mlrun_cli.actions.runs import RunChanges
from mlrun_cli.cli import run_contents
from mlrun_cli.cli.arguments import (
    OnInterrupt,
    check_changes,
    environment_choice,
    on_interrupt,
    properties_of,
    seconds_of,
    tags_of,
)
from mlrun_cli.cli.command import Group, Result, command
from mlrun_cli.cli.confirmation import confirm
from mlrun_cli.cli.context import Context, line_to_type, open_context
from mlrun_cli.cli.run_choice import choose_runs, get_run, get_runs, one_or_all, run_filter
from mlrun_cli.cli.run_options import (
    All,
    Environment,
    ExperimentName,
    Last,
    OnInterruptOption,
    Overwrite,
    ParentRunId,
    RunId,
    RunIds,
    SomeRunIds,
    Status,
    Tags,
    TargetName,
    UnknownTarget,
    Yes,
)
from mlrun_cli.cli.shared import Shared
from mlrun_cli.core.sizes import size_in_words
from mlrun_cli.errors import MlrunError, NotFound, UsageError
from mlrun_cli.runs.run import GRACE_SECONDS, Run, minimal_record, run_record
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.submit.submit import SubmitRequest

app = Group("run")

DEFAULT_LAST = 10
_MOST_LINES = 3


@command(
    app,
    "submit-script",
    script=True,
    examples=[
        ("Run a script with the python on PATH", "mlrun run submit-script train.py --lr 0.1"),
        (
            "Run it as .azureml/sklearn.runconfig says",
            "mlrun run submit-script -c sklearn -e testexperiment train.py",
        ),
    ],
)
def submit_script(
    shared: Shared,
    runconfig_name: Annotated[
        str | None,
        typer.Option(
            "--run-configuration-name",
            "-c",
            metavar="NAME",
            help="Runconfig, as 'sklearn' or 'config/train'.",
        ),
    ] = None,
    experiment_name: ExperimentName = None,
    source_directory: Annotated[
        Path | None,
        typer.Option("--source-directory", metavar="FOLDER", help="Folder of the script. Default: --path."),
    ] = None,
    is_async: Annotated[bool, typer.Option("--async", help="Return at once, without streaming the log.")] = False,
    is_reading: Annotated[
        bool, typer.Option("--stdin", help="Give the script the standard input of this command while it is streamed.")
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
        int, typer.Option("--gpus", metavar="N", min=0, help="GPUs of this machine for the run alone.")
    ] = 0,
    is_dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would run, where and in what; start and store nothing.")
    ] = False,
    interrupt: OnInterruptOption = None,
    script_and_arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCRIPT [ARGUMENT]...]",
            help="Script instead of the runconfig's, and arguments, without which the runconfig's stay.",
        ),
    ] = None,
) -> object:
    """Submit a script, and stream its log until the run has ended.

    Everything after SCRIPT belongs to the script, options included. The log goes to stderr, the run's record
    to stdout. Exits with 0 if the run completed, with 1 if not. Ctrl-C ends the streaming, not the run.
    """
    from mlrun_cli.actions.addresses import shown_record  # noqa: PLC0415
    from mlrun_cli.cli.progress import Spinner  # noqa: PLC0415
    from mlrun_cli.cli.stream import stream_submitted  # noqa: PLC0415
    from mlrun_cli.processes.interruptions import Interruptions  # noqa: PLC0415
    from mlrun_cli.submit.submit import SubmitRequest, submit  # noqa: PLC0415

    when_interrupted = on_interrupt(interrupt)
    if is_async and is_reading:
        raise UsageError(
            "--stdin needs somebody who streams the run, and with --async nobody does.", hint="Leave one of them out."
        )
    context = open_context(shared)
    words = script_and_arguments or []
    request = SubmitRequest(
        path=shared.path,
        experiment_name=context.experiment_name(experiment_name),
        runconfig_name=runconfig_name,
        source_directory=source_directory,
        script=words[0] if words else None,
        arguments=words[1:],
        target=target,
        conda_dependencies=conda_dependencies,
        gpu_count=gpus,
        environment_mode=environment_choice(environment),
        unknown_target=unknown_target,
        is_reading=is_reading,
        ends_with_stream=when_interrupted is OnInterrupt.CANCEL and not is_async,
    )
    if is_dry_run:
        return _dry_run(context, request)
    with context.workspace as workspace, Interruptions() as interruptions, ExitStack() as stack:
        with Spinner(enabled=shared.shows_progress) as spinner:
            submitted = submit(
                workspace,
                request,
                interruptions,
                progress=lambda files, size: spinner.turn(f"Snapshot: {files} files, {size_in_words(size)}"),
                say=shared.notes.say,
            )
        if submitted.stream_lock is not None:
            stack.enter_context(submitted.stream_lock)
        for note in submitted.notes:
            shared.notes.warning(note)
        run = submitted.run
        for detail in submitted.details:
            shared.notes.detail(detail)
        record = shown_record(workspace, run)
        if is_async:
            return record
        if shared.metadata_file is not None:
            # Whatever happens to the streaming, the next step of a pipeline finds the file.
            try:
                shared.metadata_file.write(record)
            except MlrunError as error:  # it is tried again when the run has ended
                shared.notes.warning(error.message)
        streamed = stream_submitted(
            workspace, run, shared, when_interrupted, interruptions, script_input=submitted.script_input
        )
        return Result(shown_record(workspace, streamed.run), exit_code=_exit_code([streamed.run], streamed.signal))


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the newest runs, as a table", "mlrun run list -o table"),
        (
            "Ids of the last 50 that failed",
            "mlrun run list --last 50 --status failed --query '[].run_id' -o tsv",
        ),
    ],
)
def list_runs(
    shared: Shared,
    experiment_name: ExperimentName = None,
    last: Last = DEFAULT_LAST,
    status: Status = None,
    tags: Tags = None,
    parent_run_id: ParentRunId = None,
    target: TargetName = None,
    pipeline_run_id: Annotated[
        str | None, typer.Option("--pipeline-run-id", metavar="ID", help="Step runs of this pipeline run.")
    ] = None,
    minimal: Annotated[bool, typer.Option("--minimal", help="Fewer keys: RunId, Status, StartTime, …")] = False,
) -> object:
    """List runs of an experiment, newest first.

    Child runs are listed when their parent is named. Where -o table goes without --query, it is made for people.
    """
    if parent_run_id is not None and pipeline_run_id is not None:
        raise UsageError("--parent-run-id and --pipeline-run-id both name a parent.", hint="Leave one of them out.")
    context = open_context(shared)
    parent = pipeline_run_id if parent_run_id is None else parent_run_id
    with context.workspace as workspace:
        which = run_filter(
            context, experiment_name, last=last, status=status, tags=tags, parent_run_id=parent, target=target
        )
        found = actions.list_runs(workspace, which)
        if not found and experiment_name is not None and workspace.experiments.find(experiment_name) is None:
            shared.notes.warning(f"There is no experiment '{experiment_name}' yet.")
    records = [run_record(run) for run in found]

    def table(*, file: TextIO, width: int | None, colour: bool) -> None:
        from mlrun_cli.cli.runs_table import print_runs_table  # noqa: PLC0415

        print_runs_table(records, file=file, width=width, now=datetime.now(timezone.utc), colour=colour)

    if not found and shared.is_for_people:
        shared.notes.say("No runs.")
    if minimal:
        return [minimal_record(run) for run in found]
    return Result(records, table=table)


app.include(run_contents.app)


@command(
    app,
    "wait",
    examples=[
        ("Wait for the newest run", "mlrun run wait -r @latest"),
        ("Wait for two runs, 90 minutes at most", "mlrun run wait -r ID1 -r ID2 --timeout 90m"),
    ],
)
def wait(
    shared: Shared,
    run_ids: RunIds,
    experiment_name: ExperimentName = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="As 90m, 2h or 45s; then exit with 124.")
    ] = None,
) -> object:
    """Wait until runs have ended.

    Exits with 0 if all of them completed, with 1 if not, with 124 if the time ran out.
    """
    from mlrun_cli.cli.progress import Spinner  # noqa: PLC0415
    from mlrun_cli.cli.stream import print_ending, print_last_lines  # noqa: PLC0415

    seconds = None if timeout is None else seconds_of(timeout, "--timeout")
    context = open_context(shared)
    with context.workspace as workspace:
        runs = get_runs(context, run_ids, experiment_name)
        with Spinner(enabled=shared.shows_progress) as spinner:
            ended = actions.wait_for_runs(
                workspace,
                runs,
                seconds,
                watch=lambda statuses: spinner.turn(_waited_for(statuses)),
                say=shared.notes.say,
            )
        for run in ended:
            if run.status is not RunStatus.COMPLETED:
                print_last_lines(workspace, run, shared.notes.say)
                print_ending(workspace, run, shared.notes)
        return Result([run_record(run) for run in ended], exit_code=_exit_code(ended))


@command(
    app,
    "monitor-logs",
    examples=[
        ("Follow the newest run", "mlrun run monitor-logs -r @latest"),
        ("Search the log of a run that has ended", "mlrun run monitor-logs -r @latest | grep loss"),
    ],
)
def monitor_logs(
    shared: Shared,
    run_id: RunId,
    experiment_name: ExperimentName = None,
    interrupt: OnInterruptOption = None,
) -> object:
    """Print a run's log from its beginning, and go on until the run has ended.

    The log goes to stdout. Exits with 0 if the run completed, with 1 if not. Ctrl-C leaves the run going.
    """
    from mlrun_cli.cli.stream import stream_log  # noqa: PLC0415

    when_interrupted = on_interrupt(interrupt)
    context = open_context(shared)
    with context.workspace as workspace:
        run = get_run(context, run_id, experiment_name)
        streamed = stream_log(workspace, run, shared, when_interrupted)
        return Result(None, exit_code=_exit_code([streamed.run], streamed.signal))


@command(
    app,
    "download-logs",
    examples=[
        ("Download the logs of the newest run", "mlrun run download-logs -r @latest -d logs"),
        ("Print the names of the files", "mlrun run download-logs -r @latest -d logs --query '[]' -o tsv"),
    ],
)
def download_logs(
    shared: Shared,
    run_id: RunId,
    output_dir: Annotated[
        Path, typer.Option("--output-dir", "-d", metavar="FOLDER", help="Where to; made if it is not there.")
    ],
    experiment_name: ExperimentName = None,
    overwrite: Overwrite = False,
) -> object:
    """Download the logs of a run; prints the files it wrote."""
    from mlrun_cli.actions.artifacts import download_logs as download  # noqa: PLC0415
    from mlrun_cli.cli.progress import copy_progress  # noqa: PLC0415

    context = open_context(shared)
    with context.workspace as workspace, copy_progress(shared):
        run = get_run(context, run_id, experiment_name)
        return [str(path) for path in download(workspace, run, output_dir, overwrite=overwrite)]


@command(
    app,
    "cancel",
    examples=[
        ("Cancel the newest run", "mlrun run cancel -r @latest"),
        ("Cancel all runs of an experiment that have not ended", "mlrun run cancel --all -e testexperiment"),
    ],
)
def cancel(
    shared: Shared,
    run_ids: SomeRunIds = None,
    experiment_name: ExperimentName = None,
    is_all: All = False,
    grace: Annotated[
        str, typer.Option("--grace", metavar="TIME", help="Between SIGTERM and SIGKILL. Default: 10s.")
    ] = f"{GRACE_SECONDS:g}s",
    force: Annotated[
        bool, typer.Option("--force", help="At once, by SIGKILL, even where a run's supervisor does not answer.")
    ] = False,
    last: Last = None,
    status: Status = None,
    tags: Tags = None,
    parent_run_id: ParentRunId = None,
    target: TargetName = None,
) -> object:
    """Ask runs to stop.

    Returns at once: a run is CancelRequested until its script has ended ('mlrun run wait' waits for that). The
    script gets SIGTERM, and SIGKILL if it has not ended in time; so does everything that it has started. Child runs
    that were submitted go on; --all with --parent-run-id cancels them.
    """
    seconds = seconds_of(grace, "--grace")
    context = open_context(shared)
    with context.workspace as workspace:
        chosen = choose_runs(
            context,
            run_ids,
            experiment_name,
            is_all=is_all,
            terminal=False,
            last=last,
            status=status,
            tags=tags,
            parent_run_id=parent_run_id,
            target=target,
        )
        canceled = [_cancel_one(workspace, run, None if force else seconds, shared) for run in chosen]
        _tell_of_children(workspace, canceled, shared)
    records = [run_record(run) for run in canceled]
    return records if is_all else one_or_all(records)


@command(
    app,
    "update",
    examples=[
        ("Tag a run", "mlrun run update -r @latest --add-tag quality='fantastic run'"),
        (
            "Name it, and take a tag away",
            "mlrun run update -r @latest --display-name baseline --remove-tag draft",
        ),
    ],
)
def update(
    shared: Shared,
    run_ids: RunIds,
    experiment_name: ExperimentName = None,
    add_tag: Annotated[
        list[str] | None,
        typer.Option("--add-tag", metavar="KEY[=VALUE]", help="Add a tag or change it."),
    ] = None,
    remove_tag: Annotated[
        list[str] | None,
        typer.Option("--remove-tag", metavar="KEY", help="Take a tag away."),
    ] = None,
    add_properties: Annotated[
        list[str] | None,
        typer.Option("--add-properties", metavar="KEY=VALUE", help="Add a property, for good."),
    ] = None,
    display_name: Annotated[
        str | None, typer.Option("--display-name", metavar="TEXT", help="Name to show instead of the id.")
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", metavar="TEXT", help="What the run is about.")
    ] = None,
    keep: Annotated[
        bool | None, typer.Option("--keep/--no-keep", help="Never prune it, and delete it with --force alone.")
    ] = None,
) -> object:
    """Change a run's tags, name and description, or add properties.

    Of several runs, all are changed or none.
    """
    check_changes(
        (add_tag, remove_tag, add_properties, display_name, description, None if keep is None else [keep]),
        "--add-tag, --remove-tag, --add-properties, --display-name, --description, --keep or --no-keep",
    )
    changes = RunChanges(
        tags=tags_of(add_tag or [], removed=remove_tag or ()),
        removed_tags=remove_tag or [],
        properties=properties_of(add_properties or []),
        display_name=display_name,
        description=description,
        is_kept=keep,
    )
    context = open_context(shared)
    with context.workspace as workspace:
        runs = get_runs(context, run_ids, experiment_name)
        updated = actions.update_runs(workspace, runs, changes)
    return one_or_all([run_record(run) for run in updated])


@command(
    app,
    "download",
    examples=[
        (
            "Download what the newest run wrote under outputs",
            "mlrun run download -r @latest outputs -d results",
        ),
        ("Download everything", "mlrun run download -r @latest -d results"),
    ],
)
def download(
    shared: Shared,
    run_id: RunId,
    output_dir: Annotated[
        Path, typer.Option("--output-dir", "-d", metavar="FOLDER", help="Where to; made if it is not there.")
    ],
    experiment_name: ExperimentName = None,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Files or folders of the run. Default: all."),
    ] = None,
    overwrite: Overwrite = False,
) -> object:
    """Download files of a run; prints the files it wrote."""
    from mlrun_cli.actions.artifacts import download_files  # noqa: PLC0415
    from mlrun_cli.cli.progress import copy_progress  # noqa: PLC0415

    context = open_context(shared)
    with context.workspace as workspace, copy_progress(shared):
        run = get_run(context, run_id, experiment_name)
        try:
            downloaded = download_files(workspace, run, paths or [], output_dir, overwrite=overwrite)
            return [str(path) for path in downloaded]
        except NotFound as error:
            if run.run_id in (error.hint or ""):  # no name is near
                error.hint = f"See: {line_to_type(workspace, 'run', 'files', '-r', run.run_id)}"
            raise


@command(
    app,
    "delete",
    examples=[
        ("Delete a run", "mlrun run delete -r ID"),
        ("Delete all failed runs without being asked", "mlrun run delete --all --status failed --yes"),
    ],
)
def delete(
    shared: Shared,
    run_ids: SomeRunIds = None,
    experiment_name: ExperimentName = None,
    is_all: All = False,
    yes: Yes = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Also those that are kept or that a model comes from; those named by -r are ended first.",
        ),
    ] = False,
    last: Last = None,
    status: Status = None,
    tags: Tags = None,
    parent_run_id: ParentRunId = None,
    target: TargetName = None,
) -> object:
    """Delete runs that have ended, with their logs, files, metrics and child runs.

    Asks first on a terminal; elsewhere it needs --yes. With filters, runs that have not ended are left alone.
    """
    context = open_context(shared)
    with context.workspace as workspace:
        chosen = choose_runs(
            context,
            run_ids,
            experiment_name,
            is_all=is_all,
            terminal=True,
            last=last,
            status=status,
            tags=tags,
            parent_run_id=parent_run_id,
            target=target,
        )
        doomed = actions.with_children(workspace, chosen)
        if doomed and not yes:
            confirm(shared, _deletion_question(workspace, doomed), otherwise="Nothing was deleted.")
        if force:
            doomed = [_ended_by_force(workspace, run) for run in doomed]
        actions.delete_runs(workspace, doomed, force=force)
    return [run.run_id for run in doomed]


def _waited_for(statuses: Mapping[str, RunStatus]) -> str:
    """`Waiting for 5 runs: ID1 Running, ID2 Queued, ID3 Queued, …`."""
    shown = [f"{run_id} {status.value}" for run_id, status in list(statuses.items())[:_MOST_LINES]]
    more = ", …" if len(statuses) > _MOST_LINES else ""
    return f"Waiting for {'1 run' if len(statuses) == 1 else f'{len(statuses)} runs'}: {', '.join(shown)}{more}"


def _dry_run(context: Context, request: SubmitRequest) -> Result:
    from mlrun_cli.cli.dry_run_page import print_dry_run  # noqa: PLC0415
    from mlrun_cli.submit.dry_run import dry_run  # noqa: PLC0415

    with context.workspace as workspace:
        record = dry_run(workspace, request)

    def table(*, file: TextIO, width: int | None, colour: bool) -> None:  # noqa: ARG001 - as a table is printed
        print_dry_run(record, file=file, width=width)

    return Result(record, table=table)


def _cancel_one(workspace: Workspace, run: Run, grace_seconds: float | None, shared: Shared) -> Run:
    """Cancel a run, without a grace by force."""
    from mlrun_cli.actions.forcing import end_by_force  # noqa: PLC0415

    if run.status.is_terminal:
        shared.notes.warning(f"The run {run.run_id} has ended already: {run.status.value}.")
        return run
    return end_by_force(workspace, run) if grace_seconds is None else actions.cancel_run(workspace, run, grace_seconds)


def _ended_by_force(workspace: Workspace, run: Run) -> Run:
    from mlrun_cli.actions.forcing import end_by_force  # noqa: PLC0415

    return run if run.status.is_terminal else end_by_force(workspace, run)


def _tell_of_children(workspace: Workspace, canceled: Sequence[Run], shared: Shared) -> None:
    going = actions.children_that_go_on(workspace, canceled)
    if not going:
        return
    count = sum(going.values())
    what = "1 child run goes on" if count == 1 else f"{count} child runs go on"
    lines = [line_to_type(workspace, "run", "cancel", "--all", "--parent-run-id", parent) for parent in going]
    more = "; …" if len(lines) > _MOST_LINES else ""
    shared.notes.say(f"{what}: {'; '.join(lines[:_MOST_LINES])}{more}")


def _deletion_question(workspace: Workspace, doomed: Sequence[Run]) -> str:
    runs = "1 run" if len(doomed) == 1 else f"{len(doomed)} runs"
    experiments = {run.experiment_name for run in doomed}
    of = f" of experiment '{doomed[0].experiment_name}'" if len(experiments) == 1 else ""
    return f"Delete {runs}{of} in workspace '{workspace.identity.name}' for good?"


def _exit_code(runs: Sequence[Run], signal: int | None = None) -> int:
    """By the outcome of runs, or by the signal that ended the waiting, as a shell has it."""
    if signal is not None:
        return 128 + signal
    return 0 if all(run.status is RunStatus.COMPLETED for run in runs) else 1
