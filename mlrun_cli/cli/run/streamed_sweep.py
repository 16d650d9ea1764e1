"""Submission of sweeps by commands that follow them, or in a dry run only show what they would sample."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from mlrun_cli.actions.failure_report import get_failed_run
from mlrun_cli.actions.runs import get_reconciled_runs
from mlrun_cli.cli.ci.ci_name import CiName
from mlrun_cli.cli.command import Result
from mlrun_cli.cli.context import Context, format_command_line
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import OnInterrupt
from mlrun_cli.cli.output.columns import Layout, render_layout
from mlrun_cli.cli.output.messages import wants_colour
from mlrun_cli.cli.program import INTERRUPTED, Terminated
from mlrun_cli.cli.run.ending import format_ending, list_sweep_lines
from mlrun_cli.cli.run.exit_code import get_exit_code
from mlrun_cli.cli.run.live_list import can_show_screen
from mlrun_cli.cli.run.records import list_csv_rows
from mlrun_cli.cli.run.streamed_submit import submit_and_stream

if TYPE_CHECKING:
    from mlrun_cli.processes.interruptions import Interruptions
    from mlrun_cli.runs.run import Run
    from mlrun_cli.submit.request import SubmitRequest
    from mlrun_cli.submit.submitted import Progress, Submitted
    from mlrun_cli.sweeps.definition import SweepDefinition
    from mlrun_cli.workspace import Workspace

_OTHER_LINES = 3


def submit_sweep_and_stream(
    context: Context,
    request: SubmitRequest,
    definition: SweepDefinition,
    global_options: GlobalOptions,
    on_interrupt: OnInterrupt,
    *,
    is_async: bool,
    is_dry_run: bool,
    ci: CiName,
    shows_table: bool = False,
) -> object:
    """Submit a sweep and follow it; return its record.

    Args:
        context: the context of the command.
        request: the request for the runs of the sweep.
        definition: the sweep.
        global_options: the global options.
        on_interrupt: the effect of Ctrl-C on the sweep.
        is_async: whether to return the record immediately.
        is_dry_run: whether to return what would be sampled, and start nothing.
        ci: the CI system that logs are grouped for.
        shows_table: whether a terminal shows the runs instead of the log.
    """
    workspace = context.workspace
    if is_dry_run:
        return build_sweep_dry_run_result(workspace, request, definition)
    request = request._replace(ends_with_stream=on_interrupt is OnInterrupt.CANCEL and not is_async)

    def submit(interruptions: Interruptions, progress: Progress) -> Submitted:
        from mlrun_cli.submit.sweep import submit_sweep  # noqa: PLC0415

        return submit_sweep(
            workspace, request, definition, interruptions, progress=progress, report=global_options.notes.info
        )

    if is_async or not (shows_table and can_show_screen(global_options)):
        return submit_and_stream(workspace, submit, global_options, on_interrupt, is_async=is_async, ci=ci)
    return _submit_and_show_table(workspace, submit, global_options, on_interrupt)


def build_sweep_dry_run_result(workspace: Workspace, request: SubmitRequest, definition: SweepDefinition) -> Result:
    """Return a `Result` that shows, as a table, the parameter values that a sweep would sample; close the workspace."""
    from mlrun_cli.cli.output.sweep_table import build_samples_layout  # noqa: PLC0415
    from mlrun_cli.submit.sweep_dry_run import dry_run_sweep  # noqa: PLC0415

    with workspace:
        record = dry_run_sweep(workspace, request, definition)
    return Result(record, layout=lambda _: build_samples_layout(record["draws"]))


def _submit_and_show_table(
    workspace: Workspace,
    submit_run: Callable[[Interruptions, Progress], Submitted],
    global_options: GlobalOptions,
    on_interrupt: OnInterrupt,
) -> Result:
    """Submit a sweep and show its table of runs on the terminal until the sweep ends; print the final table."""
    from mlrun_cli.actions.run_ends import cancel_run  # noqa: PLC0415
    from mlrun_cli.actions.studio_urls import build_run_show_record  # noqa: PLC0415
    from mlrun_cli.processes.interruptions import Interruptions  # noqa: PLC0415
    from mlrun_cli.runs.cancellation import GRACE_SECONDS  # noqa: PLC0415

    with workspace, ExitStack() as stack, Interruptions() as interruptions:
        submitted = submit_run(interruptions, lambda *_: None)
        if submitted.stream_lock is not None:
            stack.enter_context(submitted.stream_lock)
        for note in submitted.notes:
            global_options.notes.warning(note)
        run, is_interrupted = submitted.run, False
        try:
            interruptions.unblock()
            _watch_sweep(workspace, run)
        except KeyboardInterrupt as interrupt:
            if isinstance(interrupt, Terminated):
                raise
            is_interrupted = True
            if on_interrupt is OnInterrupt.CANCEL:
                cancel_run(workspace, run, GRACE_SECONDS)
        run, layout = _read_table(workspace, run)
        if is_interrupted:
            what = "has been asked to stop" if on_interrupt is OnInterrupt.CANCEL else "goes on"
            follow = format_command_line(workspace, "run", "monitor-logs", "-r", run.run_id)
            global_options.notes.info(f"The sweep {run.run_id} {what}. Follow it: {follow}")
        else:
            for line in _describe_end(workspace, run):
                global_options.notes.info(line)
        exit_code = INTERRUPTED if is_interrupted else get_exit_code([run])
        record = build_run_show_record(workspace, run)
        rows = list_csv_rows([record])
        return Result(record, layout=layout, exit_code=exit_code, rows=rows, prefers_table=True)


def _describe_end(workspace: Workspace, run: Run) -> Sequence[str]:
    """Return lines about the end of a sweep, its runs and its best run, if any, and commands that show more."""
    shown = run.properties.get("best_child_run_id") or run.run_id
    view = f"View it: {format_command_line(workspace, 'run', 'view', '-r', shown)}"
    failed = get_failed_run(workspace, run)
    if failed.key == run.key:
        return [format_ending(run), *list_sweep_lines(workspace, run), view]
    why = f"View why one failed: {format_command_line(workspace, 'run', 'view', '-r', failed.run_id, '--failed')}"
    return [format_ending(run), *list_sweep_lines(workspace, run), view, why]


def _watch_sweep(workspace: Workspace, run: Run) -> None:
    """Show the table of a sweep's runs on the terminal until the sweep has ended."""
    from mlrun_cli.actions.run_watch import watch_runs  # noqa: PLC0415
    from mlrun_cli.actions.sweep_overview import find_sweep_overview  # noqa: PLC0415
    from mlrun_cli.cli.output.screen import Screen  # noqa: PLC0415
    from mlrun_cli.cli.output.sweep_table import build_sweep_layout, describe_progress  # noqa: PLC0415

    encoding, colour = sys.stdout.encoding, wants_colour(sys.stdout)
    keys = sys.stdin.fileno() if sys.stdin.isatty() else None

    def read_sweep_run() -> Sequence[Run]:
        return get_reconciled_runs(workspace, [run])

    with Screen(sys.stdout, keys) as screen:
        for (current,) in watch_runs(workspace, read_sweep_run, screen.wait_for_resize):
            size = screen.size
            overview = find_sweep_overview(workspace, current, size.lines)
            if overview is None:
                continue
            layout = build_sweep_layout(overview, encoding)
            lines = render_layout(layout, encoding=encoding, width=size.columns, colour=colour).splitlines()
            room = max(1, size.lines - _OTHER_LINES)
            shown = [*lines[:1], *lines[1:][-room:]]
            screen.draw([*shown, describe_progress(overview, current)[: size.columns - 1]])


def _read_table(workspace: Workspace, run: Run) -> tuple[Run, Callable[[str], Layout] | None]:
    """Reload a sweep's run; return it and a function that builds its table, or None if its tags hold no definition."""
    from mlrun_cli.actions.sweep_overview import find_sweep_overview  # noqa: PLC0415
    from mlrun_cli.cli.output.sweep_table import build_sweep_layout  # noqa: PLC0415

    (current,) = get_reconciled_runs(workspace, [run])
    overview = find_sweep_overview(workspace, current)
    return current, None if overview is None else lambda encoding: build_sweep_layout(overview, encoding)
