"""Sockets through which processes wake a dispatcher or a controller."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from mlrun_cli.wire.framing import open_socket_address


class WakeSocket:
    """A socket that becomes readable at each wake-up; exiting its context closes and removes it."""

    def __init__(self, path: Path) -> None:
        """Listen on a socket in an existing folder on a local disk, accessible only to the current user."""
        self._file = path
        self._file.unlink(missing_ok=True)  # of a process that was killed
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        before = os.umask(0o177)
        try:
            with open_socket_address(os.fspath(path.parent), path.name) as address:
                self._socket.bind(address)
        finally:
            os.umask(before)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """Return the file descriptor to poll."""
        return self._socket.fileno()

    def drain(self) -> None:
        """Read all pending wake-ups."""
        with suppress(BlockingIOError):
            while self._socket.recv(64):
                pass

    def __enter__(self) -> WakeSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._file.unlink(missing_ok=True)
