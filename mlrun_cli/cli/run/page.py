"""Results of `run show` and `run view`: records of runs, with a human-readable page or table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TextIO

from mlrun_cli.cli.command import Result
from mlrun_cli.cli.context import format_command_line
from mlrun_cli.cli.run.records import build_records_result, list_csv_rows
from mlrun_cli.metrics.goal import Goal
from mlrun_cli.pipelines.run_types import STEP_RUN
from mlrun_cli.runs.run import INTERACTIVE_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:  # start-up: only a page needs it
    from mlrun_cli.actions.run_overview import RunOverview


def build_runs_result(workspace: Workspace, runs: Sequence[Run], *, is_human_readable: bool) -> Result:
    """Return the records of runs as a result, with a table of several runs or, for people to read, a page of one.

    Args:
        workspace: the open workspace of the runs.
        runs: the runs, at least one.
        is_human_readable: whether the page will be printed, for which more is read.
    """
    from mlrun_cli.actions.studio_urls import build_run_show_record  # noqa: PLC0415

    records = [build_run_show_record(workspace, run) for run in runs]
    if len(runs) > 1:
        return build_records_result(records)
    if not is_human_readable:
        return Result(records[0], rows=list_csv_rows(records))

    from mlrun_cli.actions.run_overview import read_overview  # noqa: PLC0415

    overview = read_overview(workspace, runs[0])
    now = datetime.now(timezone.utc)
    commands = _list_next_commands(workspace, runs[0], overview)

    def write_page(*, file: TextIO, width: int | None, colour: bool) -> None:
        from mlrun_cli.cli.output.run_page import print_run_page  # noqa: PLC0415

        print_run_page(records[0], overview, commands, file=file, width=width, colour=colour, now=now)

    return Result(records[0], table=write_page)


def _is_output_file(name: str) -> bool:
    return name.startswith("outputs/")


def _list_next_commands(workspace: Workspace, run: Run, overview: RunOverview) -> Sequence[str]:
    """Return suggested command lines for the user's next steps."""
    from mlrun_cli.actions.failure_report import get_failed_run  # noqa: PLC0415 - start-up

    def format_command(*words: str, run_id: str = run.run_id) -> str:
        return format_command_line(workspace, "run", words[0], "-r", run_id, *words[1:])

    has_script = run.run_type != INTERACTIVE_RUN
    if not run.status.is_terminal:
        return (
            [format_command("monitor-logs", "--tail", "20"), format_command("cancel")]
            if has_script
            else [format_command("cancel")]
        )
    commands = []
    failed = get_failed_run(workspace, run)
    if failed.status is RunStatus.FAILED and has_script:
        commands.append(format_command("monitor-logs", "--failed", run_id=failed.run_id))
    if overview.sweep is not None and overview.sweep.best is not None:
        commands.append(format_command("view", run_id=overview.sweep.best.run.run_id))
        metric = overview.sweep.definition.metric
        order = ["--sort", metric.name, *(["--descending"] if metric.goal is Goal.MAXIMIZE else [])]
        commands.append(format_command_line(workspace, "run", "list", "--parent-run-id", run.run_id, *order))
    if any(map(_is_output_file, overview.files)):
        commands.append(format_command("download", "outputs", "-d", "results"))
    if _can_be_rerun(workspace, run):
        commands.append(format_command("rerun"))
    return commands


def _can_be_rerun(workspace: Workspace, run: Run) -> bool:
    """Return whether `run rerun` is likely to accept a run."""
    if run.controller is not None:
        return run.parent_run_id is None
    has_submission = workspace.get_run_folder(run.run_id).submission.is_file()
    return has_submission and run.run_type not in {INTERACTIVE_RUN, STEP_RUN}
