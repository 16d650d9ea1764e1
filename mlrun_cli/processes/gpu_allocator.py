"""Allocation of this machine's GPUs, each to one run at a time across all processes that allocate them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.processes.gpu_locks import ensure_lock_folder, lock_gpu
from mlrun_cli.processes.gpus import Gpu, get_lock_name, list_gpus, query_busy_gpus, select_usable_gpus

_REFRESH_SECONDS = 60.0


class GpuLease(NamedTuple):
    """The names of the GPUs allocated to a run, and their open lock files, which its supervisor inherits."""

    gpus: Sequence[str] = ()
    locks: Sequence[int] = ()

    def close(self) -> None:
        """Close the locks in this process, which releases them unless a supervisor has inherited them."""
        for descriptor in self.locks:
            os.close(descriptor)


class GpuAllocator:
    """The GPU allocator of one process; it shares the GPUs with processes of other targets, workspaces and users."""

    def __init__(self) -> None:
        self._machine: Sequence[Gpu] = ()
        self._refresh_at = 0.0

    def list_usable_gpus(self, visible_devices: str | None) -> list[str]:
        """Return the names of the GPUs that a run may use, given the submitter's `CUDA_VISIBLE_DEVICES`."""
        return select_usable_gpus(self._list_gpus(), visible_devices)

    def allocate(self, gpu_count: int, visible_devices: str | None) -> GpuLease | None:
        """Allocate the GPUs that a run needs; return None if too few of the usable GPUs are free.

        A GPU that a process uses without a lease is not free.

        Args:
            gpu_count: the number of GPUs.
            visible_devices: the CUDA_VISIBLE_DEVICES of the run's submitter; None means all GPUs.

        Raises:
            MlrunError: the folder of the locks cannot be used.
            OSError: the free GPUs cannot be determined at the moment.
        """
        if not gpu_count:
            return GpuLease()
        folder, machine = ensure_lock_folder(), self._list_gpus()
        busy = query_busy_gpus(machine)
        taken: dict[str, int] = {}
        with ExitStack() as stack:
            for name in self.list_usable_gpus(visible_devices):
                descriptor = None if name in busy else lock_gpu(folder, get_lock_name(machine, name))
                if descriptor is not None:
                    stack.callback(os.close, descriptor)
                    taken[name] = descriptor
                if len(taken) == gpu_count:
                    stack.pop_all()
                    return GpuLease(tuple(taken), tuple(taken.values()))
        return None

    def _list_gpus(self) -> Sequence[Gpu]:
        """Return the GPUs of the machine, from a cache refreshed every minute."""
        if time.monotonic() >= self._refresh_at:
            self._machine = list_gpus()
            self._refresh_at = time.monotonic() + _REFRESH_SECONDS
        return self._machine
