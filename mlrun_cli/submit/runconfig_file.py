"""Search and reading of a runconfig by name in an attached folder."""

from __future__ import annotations

import os
from pathlib import Path

from mlrun_cli.errors import InvalidFile
from mlrun_cli.runconfigs.lookup import resolve_runconfig_name
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runconfigs.runconfig import RunconfigReading, examine_runconfig

_COMPARE = "Compare it with local.runconfig and sklearn.runconfig, which 'mlrun folder attach' writes."


def load_runconfig(folder: Path, name: str) -> tuple[Path, RunConfiguration, tuple[str, ...]]:
    """Find and read the runconfig with this name; return its path, its configuration and lines for stderr.

    Raises:
        UsageError: there is no such file, or it cannot be read as a runconfig.
    """
    file, reading = examine_named_runconfig(folder, name)
    return file, *reading.get_or_raise()


def examine_named_runconfig(folder: Path, name: str) -> tuple[Path, RunconfigReading]:
    """Find and read the runconfig with this name; return its path, and its configuration with all errors.

    Raises:
        UsageError: there is no such file, or it is not a runconfig at all.
    """
    file, lookup_notes = resolve_runconfig_name(folder, name)
    try:
        reading = examine_runconfig(file)
    except InvalidFile as error:
        error.notes = lookup_notes
        error.hint = error.hint or (_COMPARE if os.access(file, os.R_OK) else "Check its permissions ('ls -l').")
        raise
    for problem in reading.problems:
        problem.hint = problem.hint or _COMPARE
        problem.notes = lookup_notes
    return file, reading._replace(notes=(*lookup_notes, *reading.notes))
