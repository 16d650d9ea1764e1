"""What other processes of this machine have used."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple


def measure_cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """The memory of a process in MB.

    Attributes:
        private: the pages that it has written, so that no other process shares them.
        proportional: all of its pages, with its share of those that others have too.
    """

    private: float
    proportional: float


def measure_memory(pid: int) -> Memory:
    """Return the memory of a process."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    sizes = {name: int(size) / 1000 for name, size in re.findall(r"^(\w+):\s+(\d+) kB", rollup, re.MULTILINE)}
    return Memory(sizes["Private_Dirty"], sizes["Pss"])
