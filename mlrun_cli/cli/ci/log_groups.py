"""The logs of a streamed run as groups of a CI system."""

from __future__ import annotations

from typing import TextIO

from mlrun_cli.cli.ci.systems import CiSystem
from mlrun_cli.wire.run_folder import ENVIRONMENT_LOG


class LogGroups:
    """Writes the lines that start and end a CI group for each log, in place of the usual titles."""

    def __init__(self, ci: CiSystem, output: TextIO) -> None:
        self._ci = ci
        self._output = output
        self._log_name: str | None = None

    def begin(self, log_name: str, *, ends_mid_line: bool) -> None:
        """End the previous group and start the group of a log, unless this log is already being shown."""
        if log_name == self._log_name:
            return
        self.end(ends_mid_line=ends_mid_line)
        self._log_name = log_name
        self._write(self._ci.format_group_start(_build_title(log_name)))

    def end(self, *, ends_mid_line: bool) -> None:
        """End the current group, if any; `ends_mid_line` is true if its last line is incomplete."""
        if self._log_name is not None:
            gap = "\n" if ends_mid_line else ""
            self._write(f"{gap}{self._ci.format_group_end(_build_title(self._log_name))}")
            self._log_name = None

    def _write(self, line: str) -> None:
        self._output.write(f"{line}\n")
        self._output.flush()


def _build_title(log_name: str) -> str:
    return f"{'Environment' if log_name == ENVIRONMENT_LOG else 'Log'} ({log_name})"
