"""The resources that a run uses, as measured by its supervisor, in a file beside the journals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.sizes import format_size
from mlrun_cli.runs.folder import RunFolder


class Resources(NamedTuple):
    """The resources that the processes of a run's script have used so far.

    `read_bytes` and `written_bytes` are what it caused storage to transfer: what the page cache holds is not read.
    `memory_limit_bytes` is that of the run's cgroup; the values of GPUs are None where there is no `nvidia-smi`.
    """

    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    memory_limit_bytes: int | None = None
    gpu_seconds: float | None = None
    peak_gpu_memory_bytes: int | None = None

    def to_record(self) -> dict[str, Any]:
        """Return the record that `run show` prints, without keys whose values are null."""
        return _build_record(self)


class CurrentUse(NamedTuple):
    """The resources that a live run used at its last measurement, at `measured_at` in microseconds."""

    measured_at: int
    cpu_percent: float
    memory_bytes: int
    process_count: int
    gpu_percent: float | None = None
    gpu_memory_bytes: int | None = None

    def to_record(self) -> dict[str, Any]:
        """Return the record that `top` prints, without keys whose values are null."""
        return _build_record(self)


def describe_resources(resources: Resources) -> str:
    """Return the resources that a run has used as one line of text: `211 MB of memory, 3.2 s of CPU, …`."""
    parts = [
        f"{format_size(resources.peak_memory_bytes)} of memory",
        f"{resources.cpu_seconds:.1f} s of CPU",
        f"{format_size(resources.read_bytes)} read",
        f"{format_size(resources.written_bytes)} written",
    ]
    if resources.gpu_seconds is not None:
        parts.append(f"{resources.gpu_seconds:.1f} s of GPU")
    if resources.peak_gpu_memory_bytes is not None:
        parts.append(f"{format_size(resources.peak_gpu_memory_bytes)} of GPU memory")
    return ", ".join(parts)


def write_resources(folder: RunFolder, total: Resources, current: CurrentUse) -> None:
    """Write the total and current resource usage of a run to its folder.

    Raises:
        OSError: it cannot be written.
    """
    write_json(folder.resources, {"total": total._asdict(), "current": current._asdict()})


def read_resources(folder: RunFolder) -> Resources | None:
    """Return the resources that a run has used, or None if they were not measured."""
    found = _read_numbers(folder, "total")
    return None if found is None else Resources(**found)


def read_current_use(folder: RunFolder) -> CurrentUse | None:
    """Return the last measured resource usage of a live run, or None if it was not measured yet."""
    found = _read_numbers(folder, "current")
    return None if found is None else CurrentUse(**found)


def _build_record(value: Resources | CurrentUse) -> dict[str, Any]:
    return {name: number for name, number in value._asdict().items() if number is not None}


_FIELDS = {"total": Resources._fields, "current": CurrentUse._fields}


def _read_numbers(folder: RunFolder, key: str) -> Mapping[str, Any] | None:
    """Return the numbers under a key of a run's resources file, or None if they are missing or invalid."""
    try:
        document = (read_json(folder.resources) or {}).get(key)
    except OSError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get(_FIELDS[key][0]), (int, float)):
        return None
    found = {name: document[name] for name in _FIELDS[key] if isinstance(document.get(name), (int, float))}
    required = _FIELDS[key][:4]
    return found if all(name in found for name in required) else None
