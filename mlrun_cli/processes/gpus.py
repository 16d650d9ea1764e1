"""The GPUs of this machine, and the GPUs that a process may use."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from mlrun_cli.core.named_tuple import NamedTuple

VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"
_TIMEOUT_SECONDS = 20.0
_DRIVER = "/proc/driver/nvidia/gpus"
_NONE = "-1"
_SERVICES = {"nvidia-cuda-mps-server"}
"""Programs through which others use a GPU, and which are there all the time."""
_PART = "MIG-"
"""The beginning of the names of parts of GPUs: `nvidia-smi` counts those apart from the GPUs."""


class Gpu(NamedTuple):
    """A GPU with its number and UUID; the UUID is empty if only the driver lists the GPU."""

    number: str
    uuid: str = ""


def list_gpus() -> list[Gpu]:
    """Return all GPUs that `nvidia-smi` or the driver lists, or none if neither exists."""
    listed = _query_nvidia_smi("--query-gpu=index,uuid")
    if listed:
        return [Gpu(*line) for line in listed]
    try:
        return [Gpu(str(number)) for number, _ in enumerate(os.listdir(_DRIVER))]
    except OSError:
        return []


def query_busy_gpus(gpus: Sequence[Gpu]) -> set[str]:
    """Return the names of the GPUs that are in use according to `nvidia-smi`."""
    uuids = {
        line[0] for line in _query_nvidia_smi("--query-compute-apps=gpu_uuid,process_name") if line[-1] not in _SERVICES
    }
    return {gpu.number for gpu in gpus if gpu.uuid in uuids} | {uuid for uuid in uuids if uuid.startswith(_PART)}


def get_lock_name(gpus: Sequence[Gpu], gpu_name: str) -> str:
    """Return a name for a GPU's lock that is the same in all containers, which may number GPUs differently."""
    return next((gpu.uuid for gpu in gpus if gpu.number == gpu_name and gpu.uuid), gpu_name)


def _query_nvidia_smi(query: str) -> list[list[str]]:
    """Return the output of an `nvidia-smi` query as rows of up to two columns; empty if the query fails."""
    try:
        answered = subprocess.run(
            ["nvidia-smi", query, "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return []
    return [[name.strip() for name in line.split(",", 1)] for line in answered]


def select_usable_gpus(gpus: Sequence[Gpu], visible_devices: str | None) -> list[str]:
    """Return the canonical names of the GPUs that are visible to a process.

    Args:
        gpus: all GPUs of the machine.
        visible_devices: the process's CUDA_VISIBLE_DEVICES; None means all GPUs. As in CUDA, the list ends before the
            first GPU that does not exist.
    """
    if visible_devices is None or not gpus:
        return [gpu.number for gpu in gpus]
    found: dict[str, None] = {}
    for name in filter(None, map(str.strip, visible_devices.split(","))):
        known = _find_canonical_name(gpus, name)
        if known is None:
            break
        found[known] = None
    return list(found)


def _find_canonical_name(gpus: Sequence[Gpu], identifier: str) -> str | None:
    """Return the canonical name of a GPU, given its number or a UUID prefix; None if unknown. MIG names stay."""
    if identifier == _NONE:
        return None
    if identifier.startswith(_PART):
        return identifier
    return next((gpu.number for gpu in gpus if gpu.number == identifier or gpu.uuid.startswith(identifier)), None)
