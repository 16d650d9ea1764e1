"""`run monitor-tensorboard`: show the event files of a run in TensorBoard."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName, RunId
from mlrun_cli.cli.run.selection import get_run
from mlrun_cli.errors import ProgramNotFound

if TYPE_CHECKING:
    from mlrun_cli.runs.run import Run
    from mlrun_cli.wire.tensorboard import EventCopies, TensorboardServer

_UPDATE_SECONDS = 2.0


@command(
    app,
    "monitor-tensorboard",
    examples=[
        ("Show the event files of the newest run", "mlrun run monitor-tensorboard -r @latest"),
        ("Keep copies of them", "mlrun run monitor-tensorboard -r @latest --local-directory tensorboard"),
    ],
)
def monitor_tensorboard(
    global_options: GlobalOptions,
    run_id: RunId,
    experiment_name: ExperimentName = None,
    local_directory: Annotated[
        Path | None,
        Option("--local-directory", metavar="FOLDER", help="Folder of the copies. Default: a temporary one."),
    ] = None,
) -> object:
    """Show a run's event files in TensorBoard, as they grow, until Ctrl-C.

    Prints its address. TensorBoard has to be installed: its program is looked for on PATH, then in the environment of
    the run. Without it, 'mlrun run metrics --tensorboard' and the studio show the scalars.
    """
    from mlrun_cli.actions.event_metrics import list_event_roots  # noqa: PLC0415
    from mlrun_cli.wire.tensorboard import (  # noqa: PLC0415
        DEFAULT_PORT,
        EventCopies,
        TensorboardServer,
        find_tensorboard,
    )

    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        run = get_run(context, run_id, experiment_name)
        roots = list_event_roots(workspace, run)
    program = find_tensorboard(_list_pythons(run))
    if program is None:
        raise ProgramNotFound(
            "The program 'tensorboard' is not on PATH.",
            hint=f"Install it (pip install tensorboard), or type: mlrun run metrics -r {run.run_id} --tensorboard",
        )
    with _open_copies_folder(local_directory) as folder:
        copies = EventCopies(folder, {run.run_id: roots})
        if not copies.update():
            global_options.notes.info("The run has no event files yet.")
        server = TensorboardServer(program, folder, DEFAULT_PORT)
        try:
            if not server.wait_until_ready():
                raise ProgramNotFound(f"'{program}' has ended with exit code {server.process.returncode}.")
            sys.stdout.write(f"{server.url}\n")
            sys.stdout.flush()
            global_options.notes.info("Ctrl-C ends TensorBoard.")
            _keep_copies_updated(copies, server)
        finally:
            server.stop()
    return Result(None)


def _keep_copies_updated(copies: EventCopies, server: TensorboardServer) -> None:
    """Update the copies of event files again and again until TensorBoard exits, or SIGINT or SIGTERM arrives."""

    def raise_keyboard_interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, raise_keyboard_interrupt)
    try:
        while server.process.poll() is None:
            time.sleep(_UPDATE_SECONDS)
            copies.update()
    except KeyboardInterrupt:
        copies.update()
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _open_copies_folder(local_directory: Path | None) -> Iterator[str]:
    """Yield the absolute path of the given folder for the copies, or by default of a temporary one."""
    if local_directory is not None:
        yield os.path.abspath(local_directory)
        return
    with tempfile.TemporaryDirectory(prefix="mlrun-tensorboard-") as folder:
        yield folder


def _list_pythons(run: Run) -> list[str]:
    """Return the interpreter of a run's environment as a list of one path, or an empty list if it is unknown."""
    environment: Any = (run.definition or {}).get("environment") or {}
    python = (environment.get("python") or {}).get("interpreterPath")
    return [python] if python else []
