"""The shell script of a job, which sets up the node and then becomes the supervisor."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

SETUP_FAILED = "mlrun: the setup of the compute target failed"
"""The beginning of what a job says whose setup fails."""


def build_setup_script(setup: Sequence[str], command: Sequence[str], *, first_line: str = "#!/bin/bash") -> str:
    """Return a shell script that executes setup lines, stops at the first failure, and then executes a command.

    `first_line` is its first line.
    """
    lines = [first_line]
    for line in setup:
        failure = shlex.quote(f"{SETUP_FAILED}: {line}")
        lines.append(f"eval {shlex.quote(line)} || {{ echo {failure} >&2; exit 1; }}")
    return "\n".join([*lines, f"exec {shlex.join(command)}", ""])
