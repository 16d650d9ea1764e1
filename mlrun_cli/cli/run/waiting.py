"""Waiting by commands until runs have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlrun_cli.actions.run_ends import wait_for_runs
from mlrun_cli.cli.ci.ci_name import CiName
from mlrun_cli.cli.command import Result
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run.exit_code import get_exit_code
from mlrun_cli.cli.run.records import build_records_result
from mlrun_cli.runs.run import Run, build_run_record
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace

_MAX_LINES = 3


def wait_and_report(
    workspace: Workspace,
    runs: Sequence[Run],
    timeout_seconds: float | None,
    global_options: GlobalOptions,
    ci: CiName = CiName.AUTO,
) -> Result:
    """Wait until runs have ended, report those that have not completed, and return the records.

    Raises:
        TimedOut: the runs have not ended within the given time; None waits for ever.
    """
    from mlrun_cli.cli.ci.report import report_end  # noqa: PLC0415
    from mlrun_cli.cli.ci.systems import find_ci_system  # noqa: PLC0415
    from mlrun_cli.cli.output.progress import Spinner  # noqa: PLC0415
    from mlrun_cli.cli.run.ending import print_ending, print_last_lines  # noqa: PLC0415

    with Spinner(enabled=global_options.shows_progress) as spinner:
        ended = wait_for_runs(
            workspace,
            runs,
            timeout_seconds,
            watch=lambda statuses: spinner.update(_describe_wait(statuses)),
            report=global_options.notes.info,
        )
    for run in ended:
        if run.status is not RunStatus.COMPLETED:
            print_last_lines(workspace, run, global_options.notes.info)
            print_ending(workspace, run, global_options.notes)
        report_end(workspace, run, find_ci_system(ci), global_options.notes)
    return build_records_result([build_run_record(run) for run in ended], exit_code=get_exit_code(ended))


def _describe_wait(statuses: Mapping[str, RunStatus]) -> str:
    """Return a progress text such as `Waiting for 5 runs: ID1 Running, ID2 Queued, ID3 Queued, …`."""
    shown = [f"{run_id} {status.value}" for run_id, status in list(statuses.items())[:_MAX_LINES]]
    more = ", …" if len(statuses) > _MAX_LINES else ""
    return f"Waiting for {'1 run' if len(statuses) == 1 else f'{len(statuses)} runs'}: {', '.join(shown)}{more}"
