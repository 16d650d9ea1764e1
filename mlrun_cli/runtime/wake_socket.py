"""The socket of a queue, through which processes that submit or end runs wake the dispatcher."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

from mlrun_cli.core.local_folder import make_counterpart_folder
from mlrun_cli.runtime.queue import QueueFolder
from mlrun_cli.wire.framing import open_socket_address


class WakeSocket:
    """A socket that becomes readable at each wake-up; exiting its context closes and removes it."""

    def __init__(self, folder: QueueFolder) -> None:
        """Listen on the socket, accessible only to the current user."""
        make_counterpart_folder(folder.path)
        folder.record_dispatcher()
        self._file = folder.socket
        self._file.unlink(missing_ok=True)  # of a dispatcher that was killed
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        before = os.umask(0o177)
        try:
            with open_socket_address(os.fspath(folder.socket.parent), folder.socket.name) as address:
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
