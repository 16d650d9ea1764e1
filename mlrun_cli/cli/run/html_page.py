"""Export of runs as an HTML page, rendered by a program that has the studio's packages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from mlrun_cli.core.atomic_files import open_atomically
from mlrun_cli.errors import LimitExceeded, OperatingSystemError
from mlrun_cli.runs.run import Run
from mlrun_cli.serving.export_options import MAX_RUNS, ExportOptions
from mlrun_cli.workspace import Workspace

_PROGRAM = "mlrun_cli.studio.export"


def export_runs(workspace: Workspace, runs: Sequence[Run], path: Path, *, overwrite: bool) -> dict[str, str]:
    """Write one run, or several side by side, to an HTML file; return the command's result.

    Raises:
        UsageError: the file exists, or there are too many runs.
        MlrunError: the page cannot be rendered or written.
    """
    run_ids = list(dict.fromkeys(run.run_id for run in runs))
    if len(run_ids) > MAX_RUNS:
        raise LimitExceeded(
            f"{len(run_ids)} runs are too many for one page; at most {MAX_RUNS} fit.",
            hint="Write them to several files.",
        )
    identity = workspace.identity
    names = (identity.subscription_id, identity.resource_group, identity.name)
    options = ExportOptions(str(workspace.home), names, run_ids)
    with open_atomically(path, overwrite=overwrite) as file:
        _write_exported_page(options, file)
    return {"file": str(path)}


def _write_exported_page(options: ExportOptions, file: BinaryIO) -> None:
    done = subprocess.run(
        [sys.executable, "-m", _PROGRAM, options.to_json()],
        cwd=options.home,  # not a folder of scripts, where `-m` would look for modules first
        stdin=subprocess.DEVNULL,
        stdout=file,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise OperatingSystemError(f"The page cannot be made: {said[-1]}")
