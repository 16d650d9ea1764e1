"""The submit of a script, with the start of its supervisor prepared as early as possible."""

from __future__ import annotations

from collections.abc import Callable

from mlrun_cli.core.disk_space import FULL_FOR_RUNS_BYTES, describe_full_disk
from mlrun_cli.errors import DiskFull
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.submitted import Progress, Submitted
from mlrun_cli.submit.supervisor_start import SupervisorStart
from mlrun_cli.workspace import Workspace


def submit(
    workspace: Workspace,
    request: SubmitRequest,
    interruptions: Interruptions,
    *,
    is_streamed: bool = False,
    progress: Progress | None = None,
    report: Callable[[str], None] | None = None,
) -> Submitted:
    """Submit a run; return the result once its supervisor has been started or the run has been queued.

    If this fails before, no traces of the run remain.

    Args:
        workspace: the workspace of the run.
        request: the request for the run.
        interruptions: blocked once the run is recorded, so that a recorded run is also started; unblocked by the
            caller, who can then report the id of the run.
        is_streamed: whether the caller waits for the run, and not only for this function: its supervisor is then
            started during the submission, which takes processor time from that.
        progress: called while the snapshot is taken.
        report: called with a message if the function has to wait for long.

    Raises:
        UsageError: the request is not valid, or the source is too large for a snapshot.
        ComputeTargetNotFound: the target does not exist.
        SeveralProblems: there are several such errors.
        MlrunError: the environment cannot be provided, or a file or row cannot be stored.
    """
    with SupervisorStart(workspace, request, prepares=is_streamed) as start:
        from mlrun_cli.submit.resolve import Resolver  # noqa: PLC0415 - start-up: the supervisor may load meanwhile

        check_disk_space(workspace)
        resolver = Resolver(workspace, workspace.home, request)
        with resolver.add_notes_to_errors():
            resolution = resolver.resolve()
            if resolution is not None:
                start.prepare(resolution.configuration.target)
                from mlrun_cli.submit.start import start_run  # noqa: PLC0415 - start-up, as above

                submitted = start_run(
                    workspace,
                    request,
                    resolution,
                    resolver.problems,
                    interruptions,
                    start,
                    progress=progress,
                    report=report,
                )
                if submitted is not None:
                    return submitted
            resolver.preview()
            raise resolver.problems.combine()


def check_disk_space(workspace: Workspace) -> None:
    """Raise if the disk of a workspace is too full for another run.

    Raises:
        DiskFull: it is.
    """
    full = describe_full_disk(workspace.folder, FULL_FOR_RUNS_BYTES)
    if full is not None:
        raise DiskFull(
            f"No run can be started: {full}.",
            hint="Make room there, then submit again. 'mlrun workspace prune --trash-older-than 0s' empties the trash;"
            " with --older-than 30d, it also removes runs that ended 30 days ago or earlier."
            " 'mlrun run delete -r ID --permanently' removes one run for good.",
        )
