"""The lines at standard input that another process sends by `processes.line_queue`."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue

_CHUNK = 1 << 16
_STANDARD_INPUT = 0


def receive_lines(idle_seconds: float) -> Iterator[str]:
    """Yield lines from standard input until it ends or none has arrived for `idle_seconds`; no sent line is lost."""
    lines: SimpleQueue[str | None] = SimpleQueue()
    threading.Thread(target=_enqueue_lines, args=[lines], daemon=True).start()
    timeout: float | None = idle_seconds
    while True:
        try:
            line = lines.get(timeout=timeout)
        except Empty:
            _stop_receiving()
            timeout = None
            continue
        if line is None:
            return
        yield line


def _enqueue_lines(lines: SimpleQueue[str | None]) -> None:
    """Put each line of standard input into a queue immediately, so that the sender never waits, and None at the end."""
    rest = b""
    with suppress(OSError):  # it is closed, or nothing more can be read
        while chunk := os.read(_STANDARD_INPUT, _CHUNK):
            *complete, rest = (rest + chunk).split(b"\n")
            for line in complete:
                lines.put(line.decode(errors="replace"))
    lines.put(rest.decode(errors="replace"))
    lines.put(None)


def _stop_receiving() -> None:
    """Shut down the receiving side of standard input; lines that were already sent can still be read."""
    with suppress(OSError), socket.socket(fileno=os.dup(_STANDARD_INPUT)) as receiver:
        receiver.shutdown(socket.SHUT_RD)
