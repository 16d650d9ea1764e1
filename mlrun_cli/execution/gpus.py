"""The GPUs of this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"
_PATIENCE_SECONDS = 20.0
_DRIVER = "/proc/driver/nvidia/gpus"


def gpus_of_machine(environment: Mapping[str, str]) -> list[str]:
    """The GPUs that this process may give away, by the names that CUDA_VISIBLE_DEVICES takes.

    Where that variable is set already, no more than it names.
    """
    visible = environment.get(VISIBLE_GPUS)
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip() and name.strip() != "-1"]
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=True,
        ).stdout.split()
    except (OSError, subprocess.SubprocessError):
        listed = []
    if listed:
        return listed
    try:
        return [str(number) for number, _ in enumerate(os.listdir(_DRIVER))]
    except OSError:
        return []
