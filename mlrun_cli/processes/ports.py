"""Free ports of this machine for the processes of a run."""

from __future__ import annotations

import errno
import os
import socket
import sys

# Below those that the kernel itself gives away, to connections too: none of these is taken by chance before it is used.
_FIRST, _LAST = 20_000, 32_767
_STRIDE = 1_009  # has no factor in common with their number: each comes once, and neighbours are not taken in a row


class Ports:
    """Free ports that no other run can get until they are closed."""

    def __init__(self, count: int) -> None:
        """Reserve `count` free ports.

        Raises:
            OSError: there are not enough free ports.
        """
        self._claims: list[socket.socket] = []
        self.numbers: list[int] = []
        there_are = _LAST - _FIRST + 1
        first = int.from_bytes(os.urandom(4), "big")
        for place in range(there_are):
            if len(self.numbers) == count:
                break
            number = _FIRST + (first + place * _STRIDE) % there_are
            if self._reserve_port(number):
                self.numbers.append(number)
        if len(self.numbers) < count:
            self.close()
            raise OSError(errno.EADDRNOTAVAIL, "no free port was found")

    def close(self) -> None:
        """Release the ports for other runs."""
        for claim in self._claims:
            claim.close()
        self._claims.clear()

    def _reserve_port(self, port: int) -> bool:
        """Reserve a port; return False if another run has it or a process is listening on it."""
        if sys.platform == "linux":
            # A name that the kernel frees with the process, and that is looked for by nothing but this.
            claim = socket.socket(socket.AF_UNIX)
            try:
                claim.bind(f"\0mlrun port {port}")
            except OSError:
                claim.close()
                return False
            self._claims.append(claim)
        # Tried only now: while it is tried, a run that has it could not listen there.
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return False
        return True
