"""The usage of GPUs, as reported every few seconds by a running `nvidia-smi`."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.processes.linux import build_parent_death_hook

_PROGRAM = "nvidia-smi"
_INTERVAL_SECONDS = 5
_CURRENT_SECONDS = 3 * _INTERVAL_SECONDS
"""The age up to which a report is the current usage."""
_END_SECONDS = 1
_MEGABYTE = 1 << 20


class GpuUsage(NamedTuple):
    """The total usage of GPUs: `memory_bytes`, and `percent`, to which each fully busy GPU adds 100."""

    percent: float
    memory_bytes: int


class GpuSampler:
    """A running `nvidia-smi` whose reports are read as they arrive.

    Attributes:
        seconds: the time that the GPUs have been busy, each counted by itself.
    """

    def __init__(self, visible: str | None) -> None:
        """Start `nvidia-smi` if it is installed.

        Args:
            visible: the numbers or UUIDs of the GPUs, as in CUDA_VISIBLE_DEVICES; None means all.
        """
        self.seconds = 0.0
        self._names = None if visible is None else [name.strip() for name in visible.split(",") if name.strip()]
        self._last: dict[str, GpuUsage] = {}
        self._read_at: dict[str, float] = {}
        self._rest = b""
        self._process = _start_nvidia_smi() if shutil.which(_PROGRAM) and self._names != [] else None

    def read(self) -> GpuUsage | None:
        """Return the usage from the last report, or None if there is no recent report."""
        if self._process is not None and self._process.stdout is not None:
            with suppress(BlockingIOError):
                while data := os.read(self._process.stdout.fileno(), 1 << 16):
                    *lines, self._rest = (self._rest + data).split(b"\n")
                    for line in lines:
                        self._add_report(line.decode("utf-8", "replace").split(","))
                self._last.clear()  # the program has ended
        oldest = time.monotonic() - _CURRENT_SECONDS
        current = [usage for uuid, usage in self._last.items() if self._read_at[uuid] >= oldest]
        if not current:
            return None
        return GpuUsage(sum(usage.percent for usage in current), sum(usage.memory_bytes for usage in current))

    def close(self) -> None:
        """Terminate `nvidia-smi`, without waiting for a process that hangs in the kernel."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_END_SECONDS)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def _add_report(self, fields: Sequence[str]) -> None:
        try:
            number, uuid, percent, megabytes = (word.strip() for word in fields)
            usage = GpuUsage(float(percent), int(float(megabytes) * _MEGABYTE))
        except ValueError:  # "[N/A]", or the text of an error
            return
        if self._names is not None and not any(name == number or uuid.startswith(name) for name in self._names):
            return
        moment = time.monotonic()
        self.seconds += usage.percent / 100 * min(_INTERVAL_SECONDS, moment - self._read_at.get(uuid, 0.0))
        self._last[uuid], self._read_at[uuid] = usage, moment


def _start_nvidia_smi() -> subprocess.Popen[bytes] | None:
    query = "--query-gpu=index,uuid,utilization.gpu,memory.used"
    try:
        process = subprocess.Popen(
            [_PROGRAM, query, "--format=csv,noheader,nounits", "-l", str(_INTERVAL_SECONDS)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=build_parent_death_hook(os.getpid()),  # noqa: PLW1509 — the supervisor has no threads
        )
    except OSError:
        return None
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    return process
