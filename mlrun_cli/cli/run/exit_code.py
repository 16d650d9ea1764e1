"""The exit code of a command that waits for runs."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus


def get_exit_code(runs: Sequence[Run], signal_number: int | None = None) -> int:
    """Return 128 plus the signal number if a signal ended the wait, otherwise 0 if all runs completed, or else 1."""
    if signal_number is not None:
        return 128 + signal_number
    return 0 if all(run.status is RunStatus.COMPLETED for run in runs) else 1
