"""`run rerun`: submit earlier runs again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import Context, open_context
from mlrun_cli.cli.declarations import Argument, Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import OnInterrupt, parse_variables, resolve_on_interrupt
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.new_run_options import NewRunOptions, RunDescription
from mlrun_cli.cli.run.options import DryRun, ExperimentName, OnInterruptOption, SomeRunIds
from mlrun_cli.cli.run.records import build_records_result
from mlrun_cli.cli.run.selection import PICK, can_pick_run, get_runs, warn_of_unknown_experiment
from mlrun_cli.cli.run.streamed_submit import build_dry_run_result, build_pipeline_dry_run_result, submit_and_stream
from mlrun_cli.errors import (
    ConflictingOptions,
    MlrunError,
    NotFound,
    OneOptionRequired,
    RunAlreadyRepeated,
    RunNotRepeatable,
    StoredFilesLost,
    UsageError,
)
from mlrun_cli.wire.run_output import make_printable

if TYPE_CHECKING:
    from mlrun_cli.processes.interruptions import Interruptions
    from mlrun_cli.runs.filter import RunFilter
    from mlrun_cli.runs.run import Run
    from mlrun_cli.submit.pipeline_rerun import PipelineRerun
    from mlrun_cli.submit.rerun import Rerun, RerunChanges
    from mlrun_cli.submit.submitted import Progress, Submitted
    from mlrun_cli.submit.sweep_rerun import SweepRerun
    from mlrun_cli.workspace import Workspace

Arguments = Annotated[
    list[str] | None,
    Argument(metavar="[-- ARGUMENT...]", help="Arguments of the script or command to use instead of the run's."),
]
Set = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="NAME=VALUE",
        help="Value of a parameter of the run or pipeline, or a new one of a script; NAME alone is an option --NAME.",
    ),
]
TargetOption = Annotated[
    str | None, Option("--target", "--ct", metavar="NAME", help="Compute target instead of the run's.")
]
CurrentCode = Annotated[
    bool,
    Option("--current-code", help="Use the folder and the runconfig as they are now, and say what differs."),
]
Async = Annotated[bool, Option("--async", help="Return immediately, without streaming the log.")]


@command(
    app,
    "rerun",
    script=True,
    examples=[
        ("Repeat the newest run with another parameter", "mlrun run rerun -r @latest --set lr=0.2"),
        ("Submit all failed runs of an experiment again", "mlrun run rerun --failed -e testexperiment --async"),
    ],
)
def rerun(
    global_options: GlobalOptions,
    run_ids: SomeRunIds = None,
    experiment_name: ExperimentName = None,
    failed: Annotated[
        bool,
        Option(
            "--failed",
            help="All failed runs of the experiment, or with -r child runs of these, that have not been repeated yet.",
        ),
    ] = False,
    settings: Set = None,
    target: TargetOption = None,
    current_code: CurrentCode = False,
    seed: Annotated[
        int | None, Option("--seed", metavar="N", min=0, help="Seed of a sweep, for other draws than the earlier ones.")
    ] = None,
    regenerate_outputs: Annotated[
        bool, Option("--regenerate-outputs", help="Run every step of a pipeline, whatever could be used again.")
    ] = False,
    is_async: Async = False,
    is_dry_run: DryRun = False,
    interrupt: OnInterruptOption = None,
    *,
    new_run_options: NewRunOptions,
    arguments: Arguments = None,
) -> object:
    """Submit a run again, from its own snapshot, with its environment and target.

    The new run has the earlier one's arguments and tags, and the tag rerun_of with its id. --set replaces the
    value of a parameter in its own spelling, as in --lr 0.1, --lr=0.1 or lr=0.1; --set fp16 adds the option --fp16,
    and --set fp16=false leaves it out. A sweep draws the same values again unless it gets another --seed; --set is
    for the fixed arguments of its script. A pipeline has the same values but for those of --set, and earlier results
    of its steps are used again. Several runs are submitted at once and not streamed: the command waits until they
    have ended. --failed -r SWEEP submits what failed in a sweep as runs of their own, with the same drawn values.
    """
    if not run_ids and not failed and can_pick_run():
        run_ids = [PICK]
    if not run_ids and not failed:
        raise OneOptionRequired("No run is named.", hint="Use -r ID, or --failed.", target="--run")
    description = new_run_options.parse()
    changes = build_changes(description, settings, arguments, target, uses_current_code=current_code)
    changes = changes._replace(seed=seed, regenerate_outputs=regenerate_outputs, is_first=failed)
    context = open_context(global_options, only_reads=is_dry_run)
    description = description.resolve_predecessor(context)
    runs = get_runs(context, run_ids, experiment_name) if run_ids else _list_failed_runs(context, experiment_name)
    if run_ids and failed:
        runs = _list_failed_children(context, runs)
    if not runs:
        warn_of_unknown_experiment(context.workspace, experiment_name, global_options)
        global_options.notes.info("There is no failed run that has not been repeated yet.")
    if len(runs) == 1 and not failed:
        return resubmit_run(
            context, runs[0], changes, description, global_options, interrupt, is_async=is_async, is_dry_run=is_dry_run
        )
    if is_dry_run:
        raise ConflictingOptions("--dry-run shows one run.", hint="Name one with -r.", target="--dry-run")
    with context.workspace as workspace:
        return _resubmit_runs(workspace, runs, changes, description, global_options, is_async=is_async)


def build_changes(
    description: RunDescription,
    settings: Sequence[str] | None,
    arguments: Sequence[str] | None,
    target: str | None,
    *,
    uses_current_code: bool,
    resumes: bool = False,
) -> RerunChanges:
    """Return the changes that the options of `rerun` and `resume` describe.

    Raises:
        UsageError: a text of `--set` has no name or has two values, or there are other arguments too.
    """
    from mlrun_cli.submit.rerun import RerunChanges  # noqa: PLC0415 - start-up

    if settings and arguments:
        raise ConflictingOptions(
            "--set changes the run's arguments, and arguments after '--' replace them.",
            hint="Leave one of them out.",
            target="--set",
        )
    return RerunChanges(
        arguments=arguments or (),
        parameters=parse_variables((text for text in settings or () if not _is_flag(text)), option="--set"),
        flags=[text for text in settings or () if _is_flag(text)],
        target=target,
        variables=description.variables,
        uses_current_code=uses_current_code,
        resumes=resumes,
    )


def _is_flag(setting: str) -> bool:
    """Return whether a value of `--set` is only the name of an option, without `=` and a value."""
    return "=" not in setting and bool(setting.strip())


def resubmit_run(
    context: Context,
    run: Run,
    changes: RerunChanges,
    description: RunDescription,
    global_options: GlobalOptions,
    interrupt: OnInterrupt | None,
    *,
    is_async: bool,
    is_dry_run: bool,
) -> object:
    """Submit a run again, and stream it unless `is_async` or `is_dry_run` is true."""
    on_interrupt, workspace = resolve_on_interrupt(interrupt), context.workspace
    rerun = _build_rerun(workspace, run, changes, description, global_options)
    if is_dry_run:
        return _build_rerun_dry_run_result(workspace, rerun)

    def submit(interruptions: Interruptions, progress: Progress) -> Submitted:
        return rerun.submit(
            workspace,
            interruptions,
            is_streamed=not is_async,
            ends_with_stream=on_interrupt is OnInterrupt.CANCEL and not is_async,
            progress=progress,
            report=global_options.notes.info,
        )

    return submit_and_stream(workspace, submit, global_options, on_interrupt, is_async=is_async)


def _build_rerun(
    workspace: Workspace, run: Run, changes: RerunChanges, description: RunDescription, global_options: GlobalOptions
) -> Rerun | SweepRerun | PipelineRerun:
    """Return the rerun of a script, sweep or pipeline, and print the notes about it."""
    from mlrun_cli.submit.rerun import Rerun  # noqa: PLC0415 - start-up
    from mlrun_cli.submit.rerun_kinds import build_rerun_by_kind  # noqa: PLC0415

    if changes.arguments and run.script_name == changes.arguments[0]:
        global_options.notes.warning(
            f"The script gets its own name, {make_printable(run.script_name)}, as its first argument: write only what"
            " follows the name."
        )
    rerun = build_rerun_by_kind(workspace, run, dict(os.environ), changes)
    for note in rerun.notes:
        global_options.notes.info(note)
    if isinstance(rerun, Rerun):
        return rerun._replace(request=description.apply_to(rerun.request))
    from mlrun_cli.submit.sweep_rerun import SweepRerun  # noqa: PLC0415 - start-up

    if isinstance(rerun, SweepRerun):
        return rerun._replace(request=description.apply_to_sweep(rerun.request))
    return rerun._replace(request=description.apply_to_pipeline(rerun.request))


def _build_rerun_dry_run_result(workspace: Workspace, rerun: Rerun | SweepRerun | PipelineRerun) -> Result:
    """Return the record of a dry run of a rerun."""
    from mlrun_cli.submit.rerun import Rerun  # noqa: PLC0415 - start-up

    if isinstance(rerun, Rerun):
        return build_dry_run_result(workspace, rerun.request)
    from mlrun_cli.cli.run.streamed_sweep import build_sweep_dry_run_result  # noqa: PLC0415 - start-up
    from mlrun_cli.submit.sweep_rerun import SweepRerun  # noqa: PLC0415

    if isinstance(rerun, SweepRerun):
        return build_sweep_dry_run_result(workspace, rerun.request, rerun.definition)
    return build_pipeline_dry_run_result(workspace, rerun.request)


def _list_failed_runs(context: Context, experiment_name: str | None) -> Sequence[Run]:
    """Return an experiment's failed scripts, sweeps and pipelines that were not rerun, oldest first."""
    from mlrun_cli.runs.filter import RunFilter  # noqa: PLC0415 - start-up

    return _list_failed_runs_without_rerun(
        context, RunFilter(experiment_name=context.get_experiment_name(experiment_name))
    )


def _list_failed_children(context: Context, parents: Sequence[Run]) -> Sequence[Run]:
    """Return the failed child runs of sweeps and other parents that were not rerun, oldest first.

    Raises:
        RunNotRepeatable: a parent is a pipeline, whose steps need the data of other steps.
    """
    from mlrun_cli.pipelines.run_types import PIPELINE_RUN  # noqa: PLC0415 - start-up
    from mlrun_cli.runs.filter import RunFilter  # noqa: PLC0415

    found: list[Run] = []
    for parent in parents:
        if parent.run_type == PIPELINE_RUN:
            raise RunNotRepeatable(
                f"'{parent.run_id}' is a pipeline, whose steps are not submitted without it.",
                hint=f"Use 'mlrun run rerun -r {parent.run_id}': results of the steps that completed are used again.",
                target=parent.run_id,
            )
        found += _list_failed_runs_without_rerun(context, RunFilter(parent_run_id=parent.run_id))
    return found


def _list_failed_runs_without_rerun(context: Context, run_filter: RunFilter) -> list[Run]:
    """Return the failed scripts, sweeps and pipelines that match a filter and were not rerun, oldest first."""
    from mlrun_cli.actions.runs import list_runs  # noqa: PLC0415 - start-up
    from mlrun_cli.pipelines.run_types import PIPELINE_RUN  # noqa: PLC0415
    from mlrun_cli.runs.run import RERUN_TAG, SCRIPT_RUN  # noqa: PLC0415
    from mlrun_cli.runs.status import RunStatus  # noqa: PLC0415
    from mlrun_cli.wire.bookkeeping_tags import SWEEP_RUN  # noqa: PLC0415

    types = {SCRIPT_RUN, SWEEP_RUN, PIPELINE_RUN}
    failed = list_runs(context.workspace, run_filter._replace(statuses=frozenset({RunStatus.FAILED})))
    repeated = context.workspace.runs.list_tag_values(RERUN_TAG)
    return [run for run in reversed(failed) if run.run_type in types and run.run_id not in repeated]


def _resubmit_runs(
    workspace: Workspace,
    runs: Sequence[Run],
    changes: RerunChanges,
    description: RunDescription,
    global_options: GlobalOptions,
    *,
    is_async: bool,
) -> Result:
    """Submit several runs again, warning of each run that cannot be rerun; raise an error if none can be.

    Raises:
        UsageError: the changes do not fit one of the runs; none is submitted then.
    """
    from mlrun_cli.actions.studio_urls import build_run_show_record  # noqa: PLC0415 - start-up
    from mlrun_cli.cli.run.waiting import wait_and_report  # noqa: PLC0415
    from mlrun_cli.processes.interruptions import Interruptions  # noqa: PLC0415

    submitted: list[Run] = []
    refused: list[MlrunError] = []
    reruns: list[tuple[Run, Rerun | SweepRerun | PipelineRerun]] = []
    for run in runs:
        try:
            reruns.append((run, _build_rerun(workspace, run, changes, description, global_options)))
        except (RunNotRepeatable, NotFound, StoredFilesLost) as error:
            refused.append(error)
    for run, rerun in reruns:
        try:
            with Interruptions() as interruptions:
                done = rerun.submit(workspace, interruptions, report=global_options.notes.info)
                for note in done.notes:
                    global_options.notes.warning(note)
                global_options.notes.info(f"{run.run_id} is repeated as {done.run.run_id}.")
                submitted.append(done.run)
        except RunAlreadyRepeated as error:  # by another command, since this one listed what has failed
            global_options.notes.info(error.message)
        except (UsageError, NotFound, StoredFilesLost) as error:
            refused.append(error)
    if refused and not submitted:
        raise refused[0]
    for refusal in refused:
        global_options.notes.warning(refusal.one_line)
    if is_async or not submitted:
        return build_records_result([build_run_show_record(workspace, run) for run in submitted])
    return wait_and_report(workspace, submitted, None, global_options)
