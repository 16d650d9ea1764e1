"""Allocation of this machine's GPUs: each belongs to one run at a time, whichever dispatcher has allocated it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from mlrun_cli.processes.gpu_locks import machine_folder, take_gpu
from mlrun_cli.processes.gpus import Gpu, busy_gpus, gpus_of_machine, lock_name, usable_gpus
from mlrun_cli.runs.run import Run

_REFRESH_SECONDS = 60.0


class GpuLease(NamedTuple):
    """The names of the GPUs that a run gets, and the open files of their locks, which its supervisor is to hold."""

    gpus: Sequence[str] = ()
    locks: Sequence[int] = ()

    def close(self) -> None:
        """Close the locks in this process; they are free then unless a supervisor has been handed them."""
        for descriptor in self.locks:
            os.close(descriptor)


class GpuAllocator:
    """The allocator of a dispatcher; those of other targets, workspaces and users allocate GPUs of the same machine."""

    def __init__(self) -> None:
        self._machine: Sequence[Gpu] = ()
        self._refresh_at = 0.0

    def usable(self, run: Run) -> list[str]:
        """Return the names of the GPUs that a run may get some of."""
        return usable_gpus(self._gpus(), run.visible_gpus)

    def allocate(self, run: Run) -> GpuLease | None:
        """Allocate as many GPUs as a run needs; None when too few of those it may have are free.

        A GPU that some process uses without a lease is not free.

        Raises:
            MlrunError: the folder of the locks cannot be used.
            OSError: nobody can tell at this moment which are free.
        """
        if not run.gpu_count:
            return GpuLease()
        folder, machine = machine_folder(), self._gpus()
        busy = busy_gpus(machine)
        taken: dict[str, int] = {}
        with ExitStack() as stack:
            for name in self.usable(run):
                descriptor = None if name in busy else take_gpu(folder, lock_name(machine, name))
                if descriptor is not None:
                    stack.callback(os.close, descriptor)
                    taken[name] = descriptor
                if len(taken) == run.gpu_count:
                    stack.pop_all()
                    return GpuLease(tuple(taken), tuple(taken.values()))
        return None

    def _gpus(self) -> Sequence[Gpu]:
        """Return the GPUs of the machine, looked up anew every minute."""
        if time.monotonic() >= self._refresh_at:
            self._machine = gpus_of_machine()
            self._refresh_at = time.monotonic() + _REFRESH_SECONDS
        return self._machine
