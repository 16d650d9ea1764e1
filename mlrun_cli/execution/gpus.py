"""The GPUs of this machine, and which of them somebody may use."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"
_PATIENCE_SECONDS = 20.0
_DRIVER = "/proc/driver/nvidia/gpus"
_NONE = "-1"
_PART = "MIG-"
"""How the name of a part of a GPU begins: `nvidia-smi` counts those apart from the GPUs."""


class Gpu(NamedTuple):
    """A GPU by both its names; the second is empty where the driver alone tells of it."""

    number: str
    uuid: str = ""


def gpus_of_machine() -> list[Gpu]:
    """All that `nvidia-smi` or the driver tells of; none where there is neither."""
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=True,
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        listed = []
    if listed:
        return [Gpu(*(name.strip() for name in line.split(",", 1))) for line in listed]
    try:
        return [Gpu(str(number)) for number, _ in enumerate(os.listdir(_DRIVER))]
    except OSError:
        return []


def usable_gpus(machine: Sequence[Gpu], visible: str | None) -> list[str]:
    """The names of the GPUs that a process may use, each GPU by one name whoever asks.

    Args:
        machine: all GPUs of the machine.
        visible: the process's CUDA_VISIBLE_DEVICES. As with CUDA, what stands behind a GPU that is not there is not
            seen; None means all.
    """
    if visible is None or not machine:
        return [gpu.number for gpu in machine]
    found: dict[str, None] = {}
    for name in filter(None, map(str.strip, visible.split(","))):
        known = _name_on(machine, name)
        if known is None:
            break
        found[known] = None
    return list(found)


def _name_on(machine: Sequence[Gpu], name: str) -> str | None:
    """The one name of a GPU that may have been named by its number or by the beginning of its UUID."""
    if name == _NONE:
        return None
    if name.startswith(_PART):
        return name
    return next((gpu.number for gpu in machine if gpu.number == name or gpu.uuid.startswith(name)), None)
