"""Lends the GPUs of this machine to the runs that need some, each to one run at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from mlrun_cli.domain.run import Run
from mlrun_cli.domain.run_status import RunStatus
from mlrun_cli.execution.gpus import Gpu, gpus_of_machine, usable_gpus
from mlrun_cli.execution.run_lock import RunLock
from mlrun_cli.workspace import Workspace

_KNOWN_SECONDS = 60.0


class GpuLender:
    """What a dispatcher lends. Dispatchers of other targets lend from the same machine, in transactions like these."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._machine: Sequence[Gpu] = ()
        self._known_until = 0.0

    def lend(self, run: Run) -> bool:
        """Lend a run, whose lock is held, as many GPUs as it needs; False when too few of those it may have are free.

        Raises:
            OSError: nobody can tell at this moment which are free.
        """
        usable = usable_gpus(self._gpus(), run.visible_gpus)
        with self._workspace.transaction():
            taken: set[str] = set()
            for other in self._workspace.runs.with_gpus():
                if other.key != run.key and self._has_started(other):
                    taken.update((other.gpus or "").split(","))
            free = [gpu for gpu in usable if gpu not in taken]
            if len(free) < run.gpu_count:
                return False
            self._workspace.runs.update(run.key, gpus=",".join(free[: run.gpu_count]))
        return True

    def _gpus(self) -> Sequence[Gpu]:
        """Those of the machine, asked anew from time to time."""
        if time.monotonic() >= self._known_until:
            self._machine = gpus_of_machine()
            self._known_until = time.monotonic() + _KNOWN_SECONDS
        return self._machine

    def _has_started(self, run: Run) -> bool:
        """Whether a run that was lent GPUs is really there, not left waiting by a dispatcher that died."""
        if run.status is not RunStatus.QUEUED:
            return True
        with suppress(FileNotFoundError):
            lock = RunLock.open(self._workspace.run_folder(run.run_id).lock)
            try:
                return not lock.is_free()
            finally:
                lock.close()
        return False
