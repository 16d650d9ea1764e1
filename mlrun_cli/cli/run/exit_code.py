"""Exit code of a command that waited for runs."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus


def get_exit_code(runs: Sequence[Run], signal: int | None = None) -> int:
    """Return 0 if all runs completed, else 1; 128 plus the number of the signal that ended the waiting, if one did."""
    if signal is not None:
        return 128 + signal
    return 0 if all(run.status is RunStatus.COMPLETED for run in runs) else 1
