"""Lends the GPUs of this machine to the runs that need some, each to one run at a time, whoever else lends some."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from mlrun_cli.processes.gpu_locks import machine_folder, take_gpu
from mlrun_cli.processes.gpus import Gpu, busy_gpus, gpus_of_machine, lock_name, usable_gpus
from mlrun_cli.runs.run import Run

_KNOWN_SECONDS = 60.0


class Loan(NamedTuple):
    """The names of the GPUs that a run is lent, and the open files of their locks, which its supervisor is to hold."""

    gpus: Sequence[str] = ()
    locks: Sequence[int] = ()

    def close(self) -> None:
        """Let go of the locks here; they are free unless a supervisor has been handed them."""
        for descriptor in self.locks:
            os.close(descriptor)


class GpuLender:
    """What a dispatcher lends; those of other targets, workspaces and users lend from the same machine."""

    def __init__(self) -> None:
        self._machine: Sequence[Gpu] = ()
        self._known_until = 0.0

    def usable(self, run: Run) -> list[str]:
        """The names of those that a run may be lent some of."""
        return usable_gpus(self._gpus(), run.visible_gpus)

    def lend(self, run: Run) -> Loan | None:
        """Lend a run as many as it needs; None when too few of those it may have are free.

        Those that a process uses which was lent none are not free.

        Raises:
            MlrunError: the folder of the locks cannot be used.
            OSError: nobody can tell at this moment which are free.
        """
        if not run.gpu_count:
            return Loan()
        folder, machine = machine_folder(), self._gpus()
        busy = busy_gpus(machine)
        lent: dict[str, int] = {}
        with ExitStack() as stack:
            for name in self.usable(run):
                descriptor = None if name in busy else take_gpu(folder, lock_name(machine, name))
                if descriptor is not None:
                    stack.callback(os.close, descriptor)
                    lent[name] = descriptor
                if len(lent) == run.gpu_count:
                    stack.pop_all()
                    return Loan(tuple(lent), tuple(lent.values()))
        return None

    def _gpus(self) -> Sequence[Gpu]:
        """Those of the machine, asked anew from time to time."""
        if time.monotonic() >= self._known_until:
            self._machine = gpus_of_machine()
            self._known_until = time.monotonic() + _KNOWN_SECONDS
        return self._machine
