"""The measurement of a script's resource usage, every few seconds and at its end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from resource import RUSAGE_SELF, getrusage, struct_rusage

from mlrun_cli.core.program_log import log_exception
from mlrun_cli.core.sizes import MEGABYTE, format_size
from mlrun_cli.core.time import now
from mlrun_cli.metrics import resource_metrics
from mlrun_cli.metrics.journal import build_journal_name
from mlrun_cli.processes.gpu_usage import GpuSampler, GpuUsage
from mlrun_cli.processes.memory_limits import count_oom_kills, read_memory_limit
from mlrun_cli.processes.tree_usage import TreeUsage, list_run_tree_pids, measure_processes
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.resources import CurrentUse, Resources, read_resources, write_resources
from mlrun_cli.runs.submission import Submission
from mlrun_cli.supervisor.process_group import ProcessGroup
from mlrun_cli.wire.journal_lines import SCALAR, encode_metric

_FIRST_SECONDS = 0.25
_LAST_SECONDS = 2.0
_COST_SHARE = 200
"""How much longer than the CPU time of a measurement the pause after it is at least."""
_CURVE_SECONDS = 5.0
_CURVE_SHARE = 500
"""After some time, the points of the curves are this part of the run's duration apart, so that they stay few."""
_BLOCK_BYTES = 512


class ResourceMeter:
    """A meter of a script's processes, which writes the results to the run's folder and to a separate journal."""

    def __init__(
        self,
        folder: RunFolder,
        submission: Submission,
        group: ProcessGroup,
        visible_gpus: str | None,
        attempt: int = 1,
    ) -> None:
        self._folder = folder
        self._run_id = submission.run_id
        self._is_contained = submission.environment.container is not None
        self._group = group
        self._visible_gpus = visible_gpus
        self._gpus: GpuSampler | None = None
        self._earlier = read_resources(folder) or Resources()
        """What earlier attempts of the run have used."""
        self._heads = frozenset(group.pids)
        self._members = set(self._heads)
        self._own_peak_bytes = _read_own_peak_memory()
        self._ended = Resources()
        self._total = self._earlier
        self._oom_kills = count_oom_kills()
        self._memory_limit = read_memory_limit()
        self._interval = _FIRST_SECONDS
        self._next_sample = group.started + _FIRST_SECONDS
        self._next_point = group.started + _LAST_SECONDS
        self._last_sample = group.started
        name = f"resources-{os.getpid()}-{time.time_ns()}.jsonl"
        self._journal = folder.journal / build_journal_name(name, attempt)

    def record_exits(self, exits: Iterable[tuple[int, int, struct_rusage]]) -> None:
        """Add the resource usage of those reaped processes, and their children, that belong to the script."""
        for pid, _, usage in exits:
            if pid in self._members:
                self._add_ended_usage(usage)

    def sample_if_due(self, timestamp: float) -> None:
        """Measure the processes if that is due; failures are only logged, so that they do not disturb the run."""
        if timestamp < self._next_sample:
            return
        begun = time.process_time()
        try:
            self._sample(timestamp)
        except Exception:  # whatever /proc shows, the run goes on
            log_exception()
        spent = time.process_time() - begun
        self._interval = min(_LAST_SECONDS, 2 * self._interval)
        # A point of the curves comes when it is due, not with the sample after that.
        pause = min(self._interval, max(_FIRST_SECONDS, self._next_point - timestamp))
        self._next_sample = timestamp + max(pause, _COST_SHARE * spent)

    def finish(self) -> str | None:
        """Take and write the last sample; return a clause on exhausted memory if processes were OOM-killed, or None."""
        try:
            try:
                self._sample(time.monotonic(), is_last=True)
            finally:
                if self._gpus is not None:
                    self._gpus.close()
        except Exception:  # the end of the run is recorded without it
            log_exception()
        return self._describe_oom_kills()

    def _describe_oom_kills(self) -> str | None:
        if count_oom_kills() <= self._oom_kills:
            return None
        limit = "" if self._memory_limit is None else f", of {format_size(self._memory_limit)} that its cgroup may use"
        return f"memory had run out: it had used up to {format_size(self._total.peak_memory_bytes)}{limit}"

    def _add_ended_usage(self, usage: struct_rusage) -> None:
        self._ended = self._ended._replace(
            cpu_seconds=self._ended.cpu_seconds + usage.ru_utime + usage.ru_stime,
            peak_memory_bytes=max(self._ended.peak_memory_bytes, usage.ru_maxrss * 1024),
            read_bytes=self._ended.read_bytes + usage.ru_inblock * _BLOCK_BYTES,
            written_bytes=self._ended.written_bytes + usage.ru_oublock * _BLOCK_BYTES,
        )

    def _sample(self, timestamp: float, *, is_last: bool = False) -> None:
        """Measure the run's processes, and write the resources used in total and since the last sample."""
        pids = list_run_tree_pids(self._heads, self._run_id, is_contained=self._is_contained)
        self._members.update(pids)
        tree = measure_processes(pids)
        gpus = self._read_gpus(timestamp)
        before = self._total
        self._total = self._compute_total(tree, gpus)
        seconds = max(timestamp - self._last_sample, 1e-3)
        cpu_percent = max(0.0, 100 * (self._total.cpu_seconds - before.cpu_seconds) / seconds)
        self._last_sample = timestamp
        current = CurrentUse(now(), round(cpu_percent, 1), tree.memory_bytes, len(pids))
        if gpus is not None:
            current = current._replace(gpu_percent=gpus.percent, gpu_memory_bytes=gpus.memory_bytes)
        write_resources(self._folder, self._total, current)
        if timestamp >= self._next_point and not is_last:
            self._next_point = timestamp + max(_CURVE_SECONDS, (timestamp - self._group.started) / _CURVE_SHARE)
            self._log_usage(current)

    def _read_gpus(self, timestamp: float) -> GpuUsage | None:
        if self._gpus is None and timestamp >= self._next_point:
            self._gpus = GpuSampler(self._visible_gpus)
        return None if self._gpus is None else self._gpus.read()

    def _compute_total(self, tree: TreeUsage, gpus: GpuUsage | None) -> Resources:
        """Return the total usage of earlier attempts, ended and live processes; no value ever decreases."""
        earlier, ended, before = self._earlier, self._ended, self._total
        cpu_seconds = round(earlier.cpu_seconds + ended.cpu_seconds + tree.cpu_seconds, 3)
        total = before._replace(
            cpu_seconds=max(before.cpu_seconds, cpu_seconds),
            peak_memory_bytes=self._compute_peak_memory(tree),
            read_bytes=max(before.read_bytes, earlier.read_bytes + ended.read_bytes + tree.read_bytes),
            written_bytes=max(before.written_bytes, earlier.written_bytes + ended.written_bytes + tree.written_bytes),
            memory_limit_bytes=self._memory_limit,
        )
        if gpus is None or self._gpus is None:
            return total
        return total._replace(
            gpu_seconds=round((earlier.gpu_seconds or 0.0) + self._gpus.seconds, 3),
            peak_gpu_memory_bytes=max(before.peak_gpu_memory_bytes or 0, gpus.memory_bytes),
        )

    def _compute_peak_memory(self, tree: TreeUsage) -> int:
        peak = max(self._total.peak_memory_bytes, tree.memory_bytes, tree.largest_peak_bytes)
        # Between fork and exec, a child has the size of this process, which the kernel counts as its peak.
        if self._ended.peak_memory_bytes > self._own_peak_bytes or not peak:
            peak = max(peak, self._ended.peak_memory_bytes)
        return peak

    def _log_usage(self, current: CurrentUse) -> None:
        """Append one data point of each measured resource metric to the journal, in a single write."""
        points: Sequence[tuple[str, float | None]] = (
            (resource_metrics.CPU_PERCENT, current.cpu_percent),
            (resource_metrics.MEMORY_MB, current.memory_bytes / MEGABYTE),
            (resource_metrics.READ_MB, self._total.read_bytes / MEGABYTE),
            (resource_metrics.WRITTEN_MB, self._total.written_bytes / MEGABYTE),
            (resource_metrics.GPU_PERCENT, current.gpu_percent),
            (resource_metrics.GPU_MEMORY_MB, _to_megabytes(current.gpu_memory_bytes)),
        )
        lines = "".join(
            encode_metric(SCALAR, f'"{name}"', repr(round(float(value), 3)))
            for name, value in points
            if value is not None
        )
        append_if_space(self._journal, lines.encode())


def _read_own_peak_memory() -> int:
    """Return the peak memory usage of this process, in bytes.

    `ru_maxrss` would be at least that of the process that has started this one, which may be large.
    """
    found = measure_processes([os.getpid()]).largest_peak_bytes
    return found or getrusage(RUSAGE_SELF).ru_maxrss * 1024


def append_if_space(path: Path, data: bytes) -> None:
    """Append data to a private file in a single write, or write nothing if the disk has too little space.

    Raises:
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if os.write(descriptor, data) < len(data):
            os.ftruncate(descriptor, size)  # the next line would continue the incomplete one
    finally:
        os.close(descriptor)


def _to_megabytes(size: int | None) -> float | None:
    return None if size is None else size / MEGABYTE
