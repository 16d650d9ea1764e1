"""The last lines of a log, without secrets, and as a terminal would show them."""

from __future__ import annotations

import os

from mlrun_cli.core.log_tail import read_tail, remove_overwritten_text, shorten_line
from mlrun_cli.wire.run_output import make_printable
from mlrun_cli.workspace import Workspace


def read_last_lines(workspace: Workspace, log_path: os.PathLike[str], line_count: int) -> list[str]:
    """Return the last lines of a log, redacted and with long lines cut, or an empty list if it cannot be read."""
    lines = read_tail(log_path).replace("\r\n", "\n").rstrip().split("\n")
    text = "\n".join(map(remove_overwritten_text, lines))
    shown = workspace.redactor.redact_prose(text).rstrip()  # before anything is cut: a part is not recognized
    return [shorten_line(make_printable(line)) for line in shown.split("\n")[-line_count:]] if shown else []
