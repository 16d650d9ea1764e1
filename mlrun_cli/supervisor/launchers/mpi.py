"""What MPI's launcher is given to start, so that each process has its log, and what it tells of the one that failed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.processes.launch import Launch, LaunchKind
from mlrun_cli.runs.error import error_from_log
from mlrun_cli.wire.run_error import error_kind
from mlrun_cli.wire.run_folder import PROCESS_LOG_PREFIX, STD_LOG

# By the names of Open MPI, of PMIx and of MPICH and its kin. The shell becomes the process, which so keeps its pid, its
# signals and its exit code; one that has no number, or does not see the logs, prints by way of the launcher.
_INTO_ITS_LOG = """\
rank=${{OMPI_COMM_WORLD_RANK:-${{PMIX_RANK:-${{PMI_RANK:-none}}}}}}
while [ ${{#rank}} -lt {width} ]; do rank=0$rank; done
log=$1$rank.txt
shift
[ -f "$log" ] && exec "$@" >>"$log" 2>&1
exec "$@"
"""
# In Open MPI's words, of an exit code, and of a signal or an MPI_Abort.
_FAILED = re.compile(r"Process name:\s+\[.*,\s*(\d+)\]|process rank (\d+) with PID")


def each_into_its_log(launch: Launch, artifacts: Path, argv: Sequence[str]) -> list[str]:
    """The words by which the launcher of a launch starts each process of `argv`."""
    if not _has_logs_besides(launch):
        return list(argv)
    width = len(str(launch.process_count - 1))
    return ["sh", "-c", _INTO_ITS_LOG.format(width=width), "sh", str(artifacts / PROCESS_LOG_PREFIX), *argv]


def failed_process(launch: Launch, artifacts: Path, first_to_fail: int) -> tuple[int, str]:
    """The number and the log of the process that was the first to fail.

    Of those that MPI's launcher has started, the one that it names, or the first with an exception; else the launcher.

    Args:
        launch: that of the run.
        artifacts: the folder with the logs.
        first_to_fail: the number of the first among those that the supervisor has started.
    """
    if not _has_logs_besides(launch):
        return first_to_fail, launch.log_names[first_to_fail]
    named = _FAILED.search(read_tail(artifacts / STD_LOG))
    if named is not None and int(named[1] or named[2]) < launch.process_count:
        number = int(named[1] or named[2])
        return number, launch.log_names[number]
    for number, log in enumerate(launch.log_names):
        if error_kind(error_from_log(read_tail(artifacts / log), "")) is not None:
            return number, log
    return 0, STD_LOG


def _has_logs_besides(launch: Launch) -> bool:
    """Whether the processes have logs besides their launcher's."""
    return launch.kind is LaunchKind.MPI and launch.process_count > 1
