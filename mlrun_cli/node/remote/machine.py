"""The total and free resources of this machine."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlrun_cli.processes.gpus import list_gpus, query_busy_gpus

_KILOBYTES = 1024


def describe_machine() -> dict[str, Any]:
    """Return the name, processors, load, memory, GPUs and free disk space of this machine; sizes in megabytes."""
    total, free = _read_memory()
    gpus = list_gpus()
    return {
        "name": os.uname().nodename,
        "cpus": os.cpu_count() or 0,
        "load": round(os.getloadavg()[0], 2),
        "memory_mb": total,
        "free_memory_mb": free,
        "gpus": len(gpus),
        "free_gpus": len(gpus) - len(query_busy_gpus(gpus)) if gpus else 0,
        "free_disk_mb": shutil.disk_usage(Path(__file__)).free >> 20,
    }


def _read_memory() -> tuple[int, int]:
    """Return the total and available memory in megabytes."""
    found = {}
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name in {"MemTotal", "MemAvailable"}:
                found[name] = int(value.split()[0]) // _KILOBYTES
    return found.get("MemTotal", 0), found.get("MemAvailable", 0)
