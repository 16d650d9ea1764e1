"""The first steps of supervisors and dispatchers."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from mlrun_cli.core.redaction import Redactor, get_process_redactor
from mlrun_cli.errors import StoreUnavailable
from mlrun_cli.processes.inheritance import lift_limits
from mlrun_cli.processes.launchers.registry import load_launcher_classes
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator

# Shorter than a command's: the script's requests and signals wait meanwhile, and the attempt is repeated.
BUSY_SECONDS = 1.0
_LOADED_LATE = (
    "metrics.journal",
    "processes.lock_holders",
    "store.compute_targets",
    "store.datasets",
    "store.datastores",
    "store.experiments",
    "store.journals",
    "store.metrics",
    "store.recorder",
    "store.runs.parameter_store",
    "store.runs.queue_store",
    "store.settings",
)
"""Modules that commands load on first use; by then, the package may have been changed or removed."""


def detach_program(folder: Path, *kept_descriptors: int) -> None:
    """Load all modules, and detach from the parent: close inherited files, leave the terminal, and reset limits.

    Args:
        folder: the folder of the workspace.
        kept_descriptors: the descriptors that stay open, such as those of locks.
    """
    _load_modules(folder)
    gc.freeze()
    gc.enable()
    _close_other_descriptors(kept_descriptors)
    os.chdir("/")
    lift_limits()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def open_workspace_when_available(
    folder: Path, required_subfolder: Path, redactor: Redactor | None = None
) -> Workspace:
    """Open and return a workspace; wait while its store is locked or unreachable, or its disk is full.

    Without a redactor, it gets that of this process's environment.

    Raises:
        StoreError: the store cannot be opened and waiting does not help, or the subfolder for which it was to be opened
          no longer exists.
    """
    while True:
        try:
            return Workspace.connect(parse_locator(folder), redactor=redactor or get_process_redactor())
        except StoreUnavailable as error:
            sys.stderr.write(f"the store waits: {error}\n")
            if not (folder / required_subfolder).exists():
                raise
            time.sleep(BUSY_SECONDS)


def _load_modules(folder: Path) -> None:
    for name in _LOADED_LATE:
        import_module(f"mlrun_cli.{name}")
    parse_locator(folder).database.load_modules()
    load_launcher_classes()


def _close_other_descriptors(kept_descriptors: Collection[int]) -> None:
    """Close all descriptors except the standard streams and the given ones, so that no lock or pipe stays open."""
    for descriptor in kept_descriptors:
        os.set_inheritable(descriptor, False)
    opened = os.listdir("/proc/self/fd") if sys.platform == "linux" else ()
    for other in map(int, opened):
        if other > sys.stderr.fileno() and other not in kept_descriptors:
            with suppress(OSError):
                os.close(other)
