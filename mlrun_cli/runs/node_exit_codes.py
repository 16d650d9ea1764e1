"""The exit codes by which a supervisor on a node says why it cannot write to the shared folder."""

from __future__ import annotations

import errno

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import DiskFull, FileNotWritable, OperatingSystemError


class SharedFolderProblem(NamedTuple):
    """The reason why a supervisor could not write to the shared folder.

    Attributes:
        code: the code of the error.
        text: the predicate of a sentence about the folder on the node.
        remedy: a sentence of advice.
    """

    code: str
    text: str
    remedy: str


_NO_ROOM, _NO_QUOTA, _READ_ONLY, _NOT_PERMITTED, _OTHER = range(112, 117)
_EXIT_CODES = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_QUOTA,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _NOT_PERMITTED,
    errno.EPERM: _NOT_PERMITTED,
}
_PROBLEMS = {
    _NO_ROOM: SharedFolderProblem(DiskFull.__name__, "is full", "Make room there, and submit the run again."),
    _NO_QUOTA: SharedFolderProblem(
        DiskFull.__name__,
        "has no room for you, since your disk quota is used up",
        "Remove files of yours there, or have the quota raised, and submit the run again.",
    ),
    _READ_ONLY: SharedFolderProblem(
        FileNotWritable.__name__,
        "can only be read",
        "Have it mounted there so that it can be written, and submit the run again.",
    ),
    _NOT_PERMITTED: SharedFolderProblem(
        FileNotWritable.__name__,
        "may not be written by the user of the job",
        "Correct its owner or its permissions ('ls -ld' shows them there), and submit the run again.",
    ),
    _OTHER: SharedFolderProblem(
        OperatingSystemError.__name__,
        "cannot be written",
        "Check that it is mounted there, and submit the run again.",
    ),
}


def get_exit_code(error: OSError) -> int:
    """Return the exit code of a supervisor that cannot write to the shared folder."""
    return _EXIT_CODES.get(error.errno or 0, _OTHER)


def find_problem(exit_code: int | None) -> SharedFolderProblem | None:
    """Return the problem that the exit code of a job's supervisor means, or None if it means none."""
    return None if exit_code is None else _PROBLEMS.get(exit_code)
