"""A queue of lines from a process to the standard input of a process that it has started.

The other process receives them by `notifier.received_lines`.
"""

from __future__ import annotations

import socket


class LineQueue:
    """The sending end of a queue; `receiving_end` becomes the standard input of the process that is started."""

    def __init__(self) -> None:
        self._sender, self.receiving_end = socket.socketpair()
        self._sender.setblocking(False)

    def __del__(self) -> None:
        self._sender.close()
        self.receiving_end.close()

    def send(self, text: str) -> bool:
        """Send a line without waiting; return False if the process no longer receives lines or is too slow.

        A line that was sent is received even if this process ends.
        """
        line = f"{text}\n".encode()
        try:
            return self._sender.send(line) == len(line)
        except OSError:
            return False
