"""The clock of a home's file server, which alone can be compared with the times that hosts write in the home.

The clocks of hosts differ, so the time of the file server is that of a file created there. How far it is from the time
since this machine's start, which nobody sets, is kept in a local file: a process that only reads the home then knows
the time without writing to the home.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.local_folder import get_home_file
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import OperatingSystemError
from mlrun_cli.processes.host import get_origin

_KEPT_SECONDS = 600
"""How long a measurement is used; the clock of the file server may be set meanwhile."""
_LONGEST_MEASUREMENT_SECONDS = 1.0


class ServerClock:
    """The clock of the file server of one home.

    All times are in microseconds since the epoch.
    """

    def __init__(self, home: Path, hosts: Path) -> None:
        """Create the clock of a home; files are created in its folder `hosts`."""
        self._home = home
        self._hosts = hosts

    def read(self) -> int:
        """Return the time, from a file that is created and removed; this works on a full disk, too.

        Raises:
            OSError: the home cannot be written.
        """
        probe = self._hosts / f".time-{os.urandom(8).hex()}"
        started = _read_uptime()
        try:
            os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            now = os.stat(probe).st_mtime_ns // 1000
        finally:
            probe.unlink(missing_ok=True)
        uptime = _read_uptime()
        if uptime - started <= _LONGEST_MEASUREMENT_SECONDS * MICROSECONDS:
            self._keep(now - uptime, uptime)
        return now

    def estimate(self) -> int:
        """Return the time from a recent measurement, or else measure it; if that fails, use this machine's clock."""
        uptime = _read_uptime()
        difference = self._find_kept_difference(uptime)
        if difference is not None:
            return uptime + difference
        try:
            return self.read()
        except OSError:  # a home that can only be read
            return time.time_ns() // 1000

    def _keep(self, difference: int, uptime: int) -> None:
        """Keep a measurement for other processes; a reader finds the old line or the new one, which is as long."""
        with suppress(OSError, OperatingSystemError):
            descriptor = os.open(get_home_file(self._home, ".clock"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(descriptor, f"{difference:020} {uptime:020} {get_origin().boot_id}\n".encode(), 0)
            finally:
                os.close(descriptor)

    def _find_kept_difference(self, uptime: int) -> int | None:
        """Return how much the time is ahead of the time since this machine's start; None if it is not known."""
        with suppress(OSError, OperatingSystemError, ValueError):
            difference, measured_at, boot_id = get_home_file(self._home, ".clock").read_text(encoding="ascii").split()
            is_recent = 0 <= uptime - int(measured_at) < _KEPT_SECONDS * MICROSECONDS
            if is_recent and boot_id == get_origin().boot_id:
                return int(difference)
        return None


def _read_uptime() -> int:
    """Return the microseconds since this machine's start, including those in which it slept."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
